"""What each authorization server may be asked: in flight, per second, not before it wants to, and not while it is sick.

State belongs to the server's name, not to its URL: what one AuthorizationServer is trusted with (a CA, addresses, a
budget) says nothing about another one, although both may lead to the same host. An edited budget keeps everything that
was counted; an edited address begins anew, for what is known was learnt elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import breaker, problems
from citrix_oauth_operator.domain.answers import Answer, Granted
from citrix_oauth_operator.domain.breaker import Breaker
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.server import Server

log = logging.getLogger(__name__)

_WOKEN_SECONDS = 5.0  # after which somebody else is asked to probe


@dataclass(frozen=True, slots=True)
class ServerState:
    """What can be seen of one server from outside."""

    breaker_open: bool
    in_flight: int
    waiting: int
    closed_for: timedelta


@dataclass(slots=True)
class _Meter:
    server: Server
    next_free: float  # virtual scheduling time of the rate (GCRA)
    in_flight: int = 0
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    closed_until: float = 0.0
    health: Breaker = field(default_factory=Breaker)
    last: Problem | None = None  # of the server's failures
    waiting: dict[str, tuple[float, str]] = field(default_factory=dict)  # end of the token and UID, by client
    timer: asyncio.TimerHandle | None = None


class Budgets:
    """One meter for each server, shared by all clients that use it.

    Attributes:
        wake: called with the UID of a client that waited for a breaker and may go on.
    """

    def __init__(self, clock: Clock, wake: Callable[[str], None] = lambda _uid: None) -> None:
        self._clock, self.wake = clock, wake
        self._started = clock.boottime()  # a burst is earned by quiet, never by a restart
        self._meters: dict[str, _Meter] = {}

    def states(self) -> Mapping[str, ServerState]:
        """Return what is known of every server that was asked something, by name."""
        return {
            name: ServerState(m.health.is_open, m.in_flight, len(m.waiting), self._closed_for(m))
            for name, m in self._meters.items()
        }

    def open_breakers(self) -> Mapping[str, bool]:
        """Return whether its breaker is open, by server."""
        return {name: state.breaker_open for name, state in self.states().items()}

    def forget(self, name: str) -> None:
        """Drop a server that is gone; whoever waits for it finds out."""
        if meter := self._meters.pop(name, None):
            self._begin_anew(meter)

    async def turn(self, server: Server) -> None:
        """Wait until the server's rate allows one more request: before the intent, so that no intent waits for it."""
        await asyncio.sleep(self._book(self._meter(server)))

    @asynccontextmanager
    async def slot(self, server: Server) -> AsyncGenerator[None]:
        """Hold one of the server's places in flight, for the request alone: that many tokens a crash can cost."""
        meter = self._meter(server)
        while meter.in_flight >= meter.server.requests.concurrency:
            meter.freed.clear()
            await meter.freed.wait()
        meter.in_flight += 1
        try:
            yield
        finally:
            meter.in_flight -= 1
            meter.freed.set()

    def close(self, server: Server, span: timedelta) -> None:
        """Ask the server nothing for a while: it said so (Retry-After)."""
        meter = self._meter(server)
        meter.closed_until = max(meter.closed_until, self._clock.boottime() + span.total_seconds())
        meter.next_free = max(meter.next_free, meter.closed_until)  # whoever waited comes one by one

    def closed_for(self, server: Server) -> timedelta:
        """Return how long the server still wants to be left alone."""
        return self._closed_for(self._meter(server))

    def breaker(self, server: Server, ref: ClientRef, expires: datetime | None) -> Problem | None:
        """Return why a client must wait, if it must; it is woken when it is to probe, or when the breaker closes."""
        meter, client = self._meter(server), _key(ref.namespace, ref.name)
        if not meter.health.is_open:
            return None
        meter.waiting[client] = (expires.timestamp() if expires else 0.0, ref.uid)
        ends = {name: end for name, (end, _) in meter.waiting.items()}
        meter.health = breaker.ask(meter.health, client, ends, self._clock.boottime())
        if not meter.health.admits(client):
            return problems.breaker_open(meter.last)
        del meter.waiting[client]
        self._arm(meter)
        return None

    def refusal(self, server: Server, namespace: str, name: str) -> Problem | None:
        """Return why a request must not leave at this very moment: much may have happened since it was planned."""
        meter = self._known(server)
        if meter is None:
            return None
        if not meter.health.admits(_key(namespace, name)):
            return problems.breaker_open(meter.last)
        closed = self._closed_for(meter)
        return replace(problems.THROTTLED, retry_after=closed) if closed > timedelta(0) else None

    def heard(self, server: Server, namespace: str, name: str, answer: Answer) -> None:
        """Learn from what a request came to."""
        meter, client, now = self._known(server), _key(namespace, name), self._clock.boottime()
        if meter is None:
            return
        before = meter.health
        match breaker.blames_server(answer):
            case None:
                meter.health = breaker.undecided(before, client, now)
            case True:
                meter.last = None if isinstance(answer, Granted) else answer.problem
                meter.health = breaker.failed(before, client, now)
            case _:
                meter.health = breaker.answered(before)
        if meter.health == before:
            return
        if before.is_open and not meter.health.is_open:
            log.warning("authorization server %s answers again: its breaker is closed", server.name)
            self._release(meter)
        elif meter.health.is_open:
            if not before.is_open:
                log.warning("authorization server %s fails for many clients: its breaker is open", server.name)
            self._arm(meter)

    def _meter(self, server: Server) -> _Meter:
        meter = self._meters.get(server.name)
        if meter is None:
            meter = self._meters[server.name] = _Meter(server, self._started)
        elif meter.server is not server:
            if not _same_place(meter.server, server):
                self._begin_anew(meter)
            meter.server = server
            meter.freed.set()  # there may be more places now
        return meter

    def _known(self, server: Server) -> _Meter | None:
        """Return the meter of a request under way, unless it went where the server no longer is."""
        meter = self._meters.get(server.name)
        return meter if meter is not None and _same_place(meter.server, server) else None

    def _closed_for(self, meter: _Meter) -> timedelta:
        return timedelta(seconds=max(0.0, meter.closed_until - self._clock.boottime()))

    def _book(self, meter: _Meter) -> float:
        """Book the next place in the rate; return the seconds until it."""
        budget = meter.server.requests
        now, interval = self._clock.boottime(), 1 / budget.per_second
        start = max(meter.next_free, now - interval * (budget.burst - 1))
        meter.next_free = start + interval
        return max(0.0, start - now)

    def _begin_anew(self, meter: _Meter) -> None:
        meter.health, meter.closed_until = Breaker(), 0.0
        self._release(meter)

    def _release(self, meter: _Meter) -> None:
        """Let everybody go on; at the rate, without the burst that an outage would have saved up."""
        meter.next_free = max(meter.next_free, self._clock.boottime())
        self._arm(meter)
        waiting, meter.waiting = meter.waiting, {}
        for _, uid in waiting.values():
            self.wake(uid)

    def _arm(self, meter: _Meter, seconds: float | None = None) -> None:
        """Look after the probe when it is due, or overdue."""
        if meter.timer:
            meter.timer.cancel()
        meter.timer = None
        if meter.health.probe_at is None:
            return
        if seconds is None:
            patience = breaker.PROBE_PATIENCE_SECONDS if meter.health.prober else 0.0
            seconds = max(0.0, meter.health.probe_at + patience - self._clock.boottime())
        meter.timer = asyncio.get_running_loop().call_later(seconds, self._find_prober, meter)

    def _find_prober(self, meter: _Meter) -> None:
        """Wake whoever needs a token most; if it does not come to ask, the next one follows."""
        client = breaker.neediest({name: end for name, (end, _) in meter.waiting.items()})
        if client is not None:
            _, uid = meter.waiting.pop(client)
            self.wake(uid)
        self._arm(meter, _WOKEN_SECONDS)


def _key(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def _same_place(one: Server, other: Server) -> bool:
    return (one.issuer, one.endpoints, one.reach) == (other.issuer, other.endpoints, other.reach)
