"""Look-ups that are remembered: what was found for an hour, failures for 5 to 60 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from citrix_oauth_operator.domain.problem import Problem

_SECONDS_KEPT = 3600.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
MOST = 256

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Known(Generic[V]):
    found: V | Problem
    until: float
    pause: float = _SHORTEST_PAUSE  # the next failure is kept this long


class Lookups(Generic[K, V]):
    """Asks once for all who ask meanwhile, whoever of them gives up.

    Args:
        look_up: asks; raises nothing.
        clock: monotonic seconds.
        stale_is_good: what was found once stays good while it cannot be had anew.
    """

    def __init__(
        self,
        look_up: Callable[[K], Coroutine[Any, Any, V | Problem]],
        clock: Callable[[], float],
        *,
        stale_is_good: bool = False,
    ) -> None:
        self._look_up, self._clock, self._stale_is_good = look_up, clock, stale_is_good
        self._known: dict[K, _Known[V]] = {}
        self._fetches: dict[K, asyncio.Task[V | Problem]] = {}

    async def get(self, key: K) -> V | Problem:
        """Return what is known, or find it."""
        known = self._known.get(key)
        if known is not None and self._clock() < known.until:
            return known.found
        fetch = self._fetches.get(key)
        if fetch is None:
            fetch = self._fetches[key] = asyncio.create_task(self._fetch(key))
            fetch.add_done_callback(lambda _: self._fetches.pop(key, None))
        return await asyncio.shield(fetch)

    async def aclose(self) -> None:
        """Give up what is being fetched."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    async def _fetch(self, key: K) -> V | Problem:
        found = await self._look_up(key)
        before, now = self._known.pop(key, None), self._clock()
        if isinstance(found, Problem):
            pause = before.pause if before else _SHORTEST_PAUSE
            if before and self._stale_is_good and not isinstance(before.found, Problem):
                found = before.found
            self._known[key] = _Known(found, now + pause, min(2 * pause, _LONGEST_PAUSE))
        else:
            self._known[key] = _Known(found, now + _SECONDS_KEPT)
        while len(self._known) > MOST:
            self._known.pop(next(iter(self._known)))  # the longest unchanged: servers that were edited since
        return found
