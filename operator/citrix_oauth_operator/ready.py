"""Which client is served next: never-served first, then nearest to expiry, in turn between namespaces."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field


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
