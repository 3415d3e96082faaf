"""The breaker of one authorization server, as a pure state machine: a sick server burns a few grants, not all.

Times are boot times [s]. While it is open, nobody asks but one client at a time: the probe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .answers import Answer, Granted, Refused
from .reasons import Reason

FAILURES, CLIENTS = 5, 3  # that open it
WINDOW_SECONDS = 300.0  # a failure older than this says nothing about now
PROBE_SECONDS = (5.0, 10.0, 20.0, 40.0, 60.0)  # before the first probe, the second ...; the last one for ever
PROBE_PATIENCE_SECONDS = 90.0  # a probe that says nothing for so long has died: a request takes 30 s at most
_REMEMBERED = 64
_ABOUT_THE_SERVER = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class Failure:
    """One request that came to nothing for a reason that is the server's."""

    at: float
    client: str


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of one server's health.

    Attributes:
        failures: those that no success has made up for, oldest first.
        probe_at: when the next probe may be sent; None: closed.
        probes: failed ones since it opened.
        prober: the client whose probe is under way, since `probe_at`.
    """

    failures: tuple[Failure, ...] = ()
    probe_at: float | None = None
    probes: int = 0
    prober: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether everybody but the prober waits."""
        return self.probe_at is not None

    def admits(self, client: str) -> bool:
        """Whether a request of `client` may leave now."""
        return not self.is_open or self.prober == client


def blames_server(answer: Answer) -> bool | None:
    """Whether an answer tells against the server's health; None: it tells nothing.

    What a server says about one client, grant or scope is the word of a server that works. An error code that nobody
    knows, and the wish for fewer requests, count neither way.
    """
    if isinstance(answer, Granted):
        return False
    problem = answer.problem
    if problem.reason in (Reason.SERVER_THROTTLED, Reason.BREAKER_OPEN):
        return None
    if not problem.transient:
        return False if isinstance(answer, Refused) else None
    below_500 = problem.http_status is not None and problem.http_status < 500  # noqa: PLR2004
    if below_500 and problem.oauth_error is not None and problem.oauth_error not in _ABOUT_THE_SERVER:
        return None
    return True


def failed(breaker: Breaker, client: str, now: float) -> Breaker:
    """Return the breaker after a failure of the server; one that was already open heeds its own probe alone."""
    if breaker.is_open:
        return _next_probe(breaker, now) if client == breaker.prober else breaker
    recent = [failure for failure in breaker.failures if failure.at > now - WINDOW_SECONDS]
    failures = (*recent, Failure(now, client))[-_REMEMBERED:]
    if len(failures) < FAILURES or len({failure.client for failure in failures}) < CLIENTS:
        return Breaker(failures)
    return Breaker(probe_at=now + PROBE_SECONDS[0])


def answered(breaker: Breaker) -> Breaker:
    """Return the breaker after an answer of a working server.

    The first one closes it. While it is closed, each makes up for one failure: one answer in two is no health.
    """
    return Breaker() if breaker.is_open else Breaker(breaker.failures[1:])


def undecided(breaker: Breaker, client: str, now: float) -> Breaker:
    """Return the breaker after an answer that tells nothing; a probe that ended so is repeated."""
    if not breaker.is_open or client != breaker.prober:
        return breaker
    return replace(breaker, probe_at=now + _pause(breaker), prober=None)


def ask(breaker: Breaker, client: str, waiting: Mapping[str, float], now: float) -> Breaker:
    """Return the breaker after `client` asked to send; it may, if the breaker then admits it.

    Args:
        waiting: end of the access token [any unit that grows] of everyone who waits, `client` among them.
    """
    if breaker.probe_at is None or breaker.admits(client):
        return breaker
    if now < breaker.probe_at + (PROBE_PATIENCE_SECONDS if breaker.prober else 0.0):
        return breaker
    if client != neediest(waiting):
        return breaker
    return replace(breaker, probe_at=now, prober=client)


def neediest(waiting: Mapping[str, float]) -> str | None:
    """Return who has the least life left in its access token."""
    return min(waiting, key=lambda client: (waiting[client], client), default=None)


def _next_probe(breaker: Breaker, now: float) -> Breaker:
    later = replace(breaker, probes=breaker.probes + 1, prober=None)
    return replace(later, probe_at=now + _pause(later))


def _pause(breaker: Breaker) -> float:
    return PROBE_SECONDS[min(breaker.probes, len(PROBE_SECONDS) - 1)]
