"""Who is served next: first tokens before reports; then nearest to expiry, in turn between namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import deque
from dataclasses import dataclass, field

REPORT_SECONDS = 10.0


@dataclass(slots=True)
class FirstTokens:
    """Clients whose first token is still to come: pods wait for those, so words about other tokens wait as well.

    At a start with many new clients the writes to status would take the API server's time from the Secrets.
    """

    _awaited: set[str] = field(default_factory=set)
    _none: asyncio.Event = field(default_factory=asyncio.Event)
    _giving_way: bool = False

    def awaited(self, uid: str) -> None:
        """Count a client in."""
        self._awaited.add(uid)
        self._none.clear()

    def settled(self, uid: str) -> None:
        """Count a client out, whatever its pass came to."""
        self._awaited.discard(uid)
        if not self._awaited:
            self._none.set()

    def give_way(self) -> None:
        """Hold nobody up any more: no pass begins from now on."""
        self._giving_way = True
        self._none.set()

    async def all_settled(self) -> None:
        """Wait until none is awaited, but not longer than `REPORT_SECONDS`."""
        if self._awaited and not self._giving_way:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    await self._none.wait()


@dataclass(slots=True)
class ReadyClients:
    """Clients that are due, by namespace; a namespace with many clients does not make the others wait."""

    _heaps: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    _turns: deque[str] = field(default_factory=deque)

    def push(self, namespace: str, uid: str, expires: float) -> None:
        """Add a client; `expires` [epoch seconds] of its token, 0 when it was never served."""
        heap = self._heaps.get(namespace)
        if heap is None:
            heap = self._heaps[namespace] = []
            self._turns.append(namespace)
        heapq.heappush(heap, (expires, uid))

    def pop(self) -> str | None:
        """Return the next client's UID and give the turn to the next namespace; None when nobody is due."""
        if not self._turns:
            return None
        namespace = self._turns.popleft()
        heap = self._heaps[namespace]
        _, uid = heapq.heappop(heap)
        if heap:
            self._turns.append(namespace)
        else:
            del self._heaps[namespace]
        return uid
