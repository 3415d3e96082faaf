"""Leader election over one Lease: the holder starts token requests, the others watch and wait.

It saves work and is no lock: what keeps a refresh token from being sent twice is the intent's compare-and-swap alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.election import Record, Sighting, Spans, claimed, free_from, look, released
from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.report.audit import Event

log = logging.getLogger(__name__)

RELEASE_SECONDS = 4.0
_TICK = 0.001  # a clock that cannot tell two moments apart would make the loop spin


class KeepsLease(Protocol):
    """The Lease."""

    name: str

    async def read(self) -> Record | None:
        """Return it as it is now."""
        ...

    async def write(self, record: Record) -> Record:
        """Store it over the version that was read."""
        ...

    def follow(self) -> AsyncGenerator[Record | None]:
        """Yield it as it is, then after each change."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who stands for election.

    Attributes:
        name: unlike any other process's.
        is_dead: whether the process of a name is proven dead.
    """

    name: str
    is_dead: Callable[[str], bool]


class Elector:
    """Holds the Lease, or waits for it.

    Attributes:
        gained, lost: called at each change of leadership.
    """

    def __init__(self, leases: KeepsLease, candidate: Candidate, spans: Spans, clock: Clock) -> None:
        self._leases, self._me, self._spans, self._clock = leases, candidate, spans, clock
        self._seen: Sighting | None = None
        self._mine: Record | None = None  # as it was written last; still ours perhaps when it was not renewed in time
        self._until = 0.0
        self._leading = self._troubled = False
        self.gained: Callable[[], None] = lambda: None
        self.lost: Callable[[], None] = lambda: None

    def leads(self) -> bool:
        """Whether the Lease is ours, for sure: by our own clock, counted from before its last renewal was sent."""
        return self._leading and self._clock.boottime() < self._until

    async def run(self) -> None:
        """Stand for election until cancelled; no failure ends it."""
        while True:
            pause = self._spans.retry
            try:
                await (self._keep() if self._leading else self._stand_by())
            except Conflict:
                pause /= 10  # somebody else was faster, or our own answer was lost
            except (ApiError, TimeoutError) as error:
                self._complain(error)
            except Exception as error:  # noqa: BLE001 - one that ends would have the process restarted with what it holds
                log.error("lease: %s", type(error).__name__)  # noqa: TRY400 - the text may quote anything
            else:
                pause = 0.0 if self._leading else pause / 10
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter

    async def release(self) -> None:
        """Leave the Lease to others, so that they need not wait for its end. For a process whose `run` has ended."""
        self._leading = False
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                if self._mine and await self._release(self._mine):
                    self._tell(Event.LEADERSHIP_RELEASED)
        except (ApiError, TimeoutError) as error:
            log.warning("lease %s could not be released, others wait for its end: %s", self._leases.name, error)

    async def _release(self, record: Record | None) -> bool:
        while record is not None and record.holder == self._me.name:
            try:
                await self._leases.write(released(record, self._clock.now()))
            except Conflict:
                record = await self._leases.read()  # the answer of our last renewal was lost
            else:
                return True
        return False

    async def _stand_by(self) -> None:
        """Follow the Lease until it is free, then write it."""
        changes = self._leases.follow()
        fresh: Sighting | None = None  # the older one is not written over: it may be of another version
        upcoming: asyncio.Future[Record | None] | None = None
        try:
            while True:
                upcoming = upcoming or asyncio.ensure_future(anext(changes))
                await asyncio.wait({upcoming}, timeout=None if fresh is None else self._free_in(fresh) + _TICK)
                if upcoming.done():
                    ended, upcoming = upcoming, None
                    fresh = self._seen = look(self._seen, ended.result(), self._me.name, self._clock.boottime())
                if fresh and self._free_in(fresh) <= 0:
                    return await self._take(fresh.record)
        except StopAsyncIteration:
            return None
        finally:
            if upcoming:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
            await changes.aclose()

    def _free_in(self, seen: Sighting) -> float:
        return max(0.0, free_from(seen, self._me.name, self._spans, self._me.is_dead) - self._clock.boottime())

    async def _take(self, record: Record | None) -> None:
        async with asyncio.timeout(self._spans.renew_deadline):
            former = record.holder if record else ""
            await self._write(record)
        self._leading, self._troubled = True, False
        self._tell(Event.LEADERSHIP_GAINED, former=former or None)
        self.gained()

    async def _keep(self) -> None:
        """Renew the Lease until it is lost, or was not renewed in time."""
        while True:
            await asyncio.sleep(self._spans.retry)
            left = self._until - self._clock.boottime()
            if left <= 0:
                return self._step_down(cause="NotRenewed")
            try:
                async with asyncio.timeout(min(left, 2 * self._spans.retry)):
                    if not await self._renew():
                        return self._step_down(cause="TakenOver")
            except (ApiError, TimeoutError) as error:
                self._complain(error)

    async def _renew(self) -> bool:
        """Write our record again; False: it is somebody else's."""
        try:
            await self._write(self._mine)
        except (Conflict, NotFound):
            found = await self._leases.read()
            if found is not None and found.holder != self._me.name:
                return False
            await self._write(found)
        self._troubled = False
        return True

    async def _write(self, record: Record | None) -> None:
        began = self._clock.boottime()
        self._mine = await self._leases.write(claimed(record, self._me.name, self._spans, self._clock.now()))
        self._until = began + self._spans.renew_deadline

    def _step_down(self, cause: str) -> None:
        self._leading = False
        self._tell(Event.LEADERSHIP_LOST, cause=cause)
        self.lost()

    def _tell(self, event: Event, cause: str | None = None, former: str | None = None) -> None:
        audit.tell(event, lease=self._leases.name, holder=self._me.name, cause=cause, former=former)

    def _complain(self, error: Exception) -> None:
        """Say once that the Lease cannot be had, not with every try."""
        if not self._troubled:
            log.warning("lease %s cannot be read or written: %s", self._leases.name, str(error) or "no answer in time")
        self._troubled = True
