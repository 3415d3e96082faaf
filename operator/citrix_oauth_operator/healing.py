"""What no watch event tells: edited or deleted Secrets, changed credentials, and a DELETE that the watch missed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from citrix_oauth_operator.actor import Actor
from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Marks
from citrix_oauth_operator.kube.api import GROUP_PATH
from citrix_oauth_operator.kube.cluster import KINDS
from citrix_oauth_operator.kube.labels import secret_path
from citrix_oauth_operator.queue import Queue

log = logging.getLogger(__name__)

GETS_PER_SECOND = 20
HEALTHY_GETS_PER_SECOND = 10
SHORTEST_ROUND_SECONDS = 2.0
PAUSE_SECONDS = 0.05
FRESH_SECONDS = 2.0
RELIST_SECONDS = 600.0
NAMESPACES_SECONDS = 60.0
CLOCK_SECONDS, CLOCK_SHIFT = 5.0, 30.0
WATCHER_SECONDS, WATCHER_MISSES = 10.0, 6


class Reads(Protocol):
    """The reads that healing needs."""

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return an object or None."""
        ...

    async def list_metadata(self, path: str) -> list[dict[str, Any]]:
        """Return the metadata of a collection."""
        ...


@dataclass(slots=True)
class Poll:
    """Compares the Secrets of each client with what its last pass saw; failing and stalled clients come first.

    Every second look goes to a troubled client while there are any, so that a cure is noticed in seconds among
    thousands of healthy ones. Not more than `GETS_PER_SECOND` in all; no client more often than each round.
    """

    api: Reads
    queue: Queue
    clock: Clock
    _rounds: dict[bool, Iterator[Actor]] = field(default_factory=dict)
    _next_round: dict[bool, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            seconds = PAUSE_SECONDS
            for troubled in () if self.queue.busy() else (True, False):
                if actor := self._next(troubled=troubled):
                    seconds += await self._compare(actor) / (GETS_PER_SECOND if troubled else HEALTHY_GETS_PER_SECOND)
            await asyncio.sleep(seconds)

    def _fresh(self, actor: Actor) -> bool:
        """Whether a pass has just looked at the client itself: of a healthy one, in the last half of a round."""
        half_a_round = 0.0 if _troubled(actor) else len(self.queue) / HEALTHY_GETS_PER_SECOND
        return self.clock.boottime() - actor.looked < max(FRESH_SECONDS, half_a_round)

    def _next(self, *, troubled: bool) -> Actor | None:
        """Return the next client of a round; a new round begins when one is over and was not too short."""
        actor = next(self._rounds.get(troubled, iter(())), None)
        now = self.clock.boottime()
        if actor is None and now >= self._next_round.get(troubled, 0.0):
            self._next_round[troubled] = now + SHORTEST_ROUND_SECONDS
            self._rounds[troubled] = iter([a for a in self.queue.actors() if _troubled(a) is troubled])
            actor = next(self._rounds[troubled], None)
        return actor

    async def _compare(self, actor: Actor) -> int:
        """Wake a client whose Secrets are not as its last pass saw them; return the number of GETs."""
        marks = actor.marks
        if actor.running or actor.waiting or self._fresh(actor):
            return 0
        if marks is None:
            self.queue.wake(actor.ref.uid)  # not looked at since the start: a whole pass
            return 4
        names = [name for name in (marks.secret_name, marks.credentials_name) if name]
        try:
            found = [await self._version(actor.ref, name) for name in names]
        except ApiError:
            return len(names)
        if found != _versions(marks) and self._still(actor, marks):
            self.queue.wake(actor.ref.uid)
        return len(names)

    def _still(self, actor: Actor, marks: Marks) -> bool:
        """Whether no pass has come between; it would have seen the change itself."""
        return actor.marks is marks and not actor.running

    async def _version(self, ref: ClientRef, name: str) -> str:
        secret = await self.api.get(secret_path(ref.namespace, name))
        return secret["metadata"]["resourceVersion"] if secret else ""


def _troubled(actor: Actor) -> bool:
    return actor.marks is None or actor.marks.troubled


def _versions(marks: Marks) -> list[str]:
    pairs = ((marks.secret_name, marks.secret_version), (marks.credentials_name, marks.credentials_version))
    return [version for name, version in pairs if name]


@dataclass(slots=True)
class Relist:
    """Compares the queue with a metadata-only list: drops clients whose DELETE was missed."""

    api: Reads
    queue: Queue
    namespaces: Iterable[str]

    async def run(self) -> None:
        """Relist every ten minutes until cancelled."""
        while True:
            await asyncio.sleep(RELIST_SECONDS)
            try:
                await self.once()
            except ApiError as error:
                log.warning("relist: %s", error)

    async def once(self) -> None:
        """Compare once."""
        before = self.queue.uids()
        alive: set[str] = set()
        for namespace in self.namespaces or ("",):
            part = f"/namespaces/{namespace}" if namespace else ""
            alive |= {metadata["uid"] for metadata in await self.api.list_metadata(f"{GROUP_PATH}{part}/citrixclients")}
        for uid in before - alive:
            self.queue.wake(uid)  # the pass finds out with a live read, and forgets what is really gone


@dataclass(slots=True)
class ClockWatch:
    """Looks at everyone when the wall clock was corrected: due times were translated by what it said before."""

    queue: Queue
    clock: Clock

    async def run(self) -> None:
        """Compare the two clocks until cancelled."""
        offset = self._offset()
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            if abs(self._offset() - offset) > CLOCK_SHIFT:
                log.warning("the wall clock was set by %+d s: looking at every client", self._offset() - offset)
                offset = self._offset()
                self.queue.wake_all()

    def _offset(self) -> float:
        return self.clock.now().timestamp() - self.clock.boottime()


@dataclass(slots=True)
class NamespacePoll:
    """Reads the labels of namespaces whose clients use a server that selects by them; a change wakes the clients."""

    queue: Queue
    selects: Callable[[str], bool]  # whether the server of that name looks at labels
    read: Callable[[str], Awaitable[object]]  # of a namespace, by name

    async def run(self) -> None:
        """Read every minute, until cancelled."""
        while True:
            await asyncio.sleep(NAMESPACES_SECONDS)
            names = {actor.ref.namespace for actor in self.queue.actors() if self.selects(actor.server)}
            for name in () if self.queue.busy() else sorted(names):
                with contextlib.suppress(ApiError):  # the next round reads again
                    await self.read(name)
                await asyncio.sleep(PAUSE_SECONDS)


@dataclass(slots=True)
class Watchdog:
    """Notices a watcher that ended: the process would look alive and see nothing, so it drains and exits instead."""

    stop: asyncio.Event

    async def run(self) -> None:
        """Look at kopf's watcher tasks until one is missing for a while; then ask for the end."""
        missing = 0
        while missing < WATCHER_MISSES:
            await asyncio.sleep(WATCHER_SECONDS)
            names = [task.get_name() for task in asyncio.all_tasks()]
            watchers = [name for name in names if name.startswith("watcher for")]
            watched = all(any(kind in name for name in watchers) for kind in KINDS)
            missing = 0 if watched else missing + 1
        log.error("a watcher of the API server has ended; draining, to be started again")
        self.stop.set()
