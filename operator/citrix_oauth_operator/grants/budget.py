"""The request budget of each authorization server: in flight, per second, and not before it wants to be asked again."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.server import RequestBudget, Server


@dataclass(slots=True)
class _Meter:
    budget: RequestBudget
    in_flight: asyncio.Semaphore
    next_free: float = 0.0  # virtual scheduling time of the rate (GCRA)
    closed_until: float = 0.0


@dataclass(slots=True)
class Budgets:
    """One meter for each server, shared by all clients that use it."""

    clock: Clock
    _meters: dict[str, _Meter] = field(default_factory=dict)

    async def turn(self, server: Server) -> None:
        """Wait until the server's rate allows one more request: before the intent, so that no intent waits for it."""
        await asyncio.sleep(self._wait(self._meter(server)))

    def slot(self, server: Server) -> AbstractAsyncContextManager[None]:
        """Hold one of the server's places in flight, for the request alone: that many tokens a crash can cost."""
        return self._meter(server).in_flight

    def close(self, server: Server, span: timedelta) -> None:
        """Ask the server nothing for a while: it said so (Retry-After)."""
        meter = self._meter(server)
        meter.closed_until = max(meter.closed_until, self.clock.boottime() + span.total_seconds())

    def closed_for(self, server: Server) -> timedelta:
        """Return how long the server still wants to be left alone."""
        return timedelta(seconds=max(0.0, self._meter(server).closed_until - self.clock.boottime()))

    def _meter(self, server: Server) -> _Meter:
        meter = self._meters.get(server.name)
        if meter is None or meter.budget != server.requests:
            closed = meter.closed_until if meter else 0.0
            meter = _Meter(server.requests, asyncio.Semaphore(server.requests.concurrency), closed_until=closed)
            self._meters[server.name] = meter
        return meter

    def _wait(self, meter: _Meter) -> float:
        """Book the next place in the rate; return the seconds until it."""
        now, interval = self.clock.boottime(), 1 / meter.budget.per_second
        start = max(meter.next_free, now - interval * (meter.budget.burst - 1))
        meter.next_free = start + interval
        return max(0.0, start - now)
