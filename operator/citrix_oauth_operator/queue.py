"""QUEUE (step 2): one due-time heap and one actor a client; a client is never worked on twice at the same time."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime

from citrix_oauth_operator.actor import NEVER, Actor
from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.schedule import backoff
from citrix_oauth_operator.domain.sight import Sight
from citrix_oauth_operator.ready import FirstTokens, ReadyClients

log = logging.getLogger(__name__)

PASSES = 40  # passes under way at once
PASSES_A_SERVER = 28  # of which at most so many for one authorization server: a dead one does not stop the others
_CONFLICT_SECONDS = 0.2
_SHORTEST_SLEEP = 0.001  # a clock that cannot tell two moments apart would make the loop spin
_LONGEST_SLEEP = 5.0  # so that a suspended machine is noticed soon after it wakes

Work = Callable[[ClientRef], Awaitable[Outcome | None]]
Report = Callable[[Outcome], Awaitable[None]]


class Queue:
    """Runs `work` for each client when it is due, then `report`; the only way in is `see` and `wake`."""

    def __init__(
        self,
        work: Work,
        report: Report,
        clock: Clock,
        passes: int = PASSES,
        passes_a_server: int = PASSES_A_SERVER,
    ) -> None:
        self._work, self._report, self._clock = work, report, clock
        self._passes, self._passes_a_server = passes, passes_a_server
        self._actors: dict[str, Actor] = {}
        self._due: list[tuple[float, str]] = []
        self._ready = ReadyClients()
        self._parked: dict[str, ReadyClients] = defaultdict(ReadyClients)
        self._running: set[asyncio.Task[None]] = set()
        self._by_server: Counter[str] = Counter()
        self._first_tokens = FirstTokens()
        self._reports = asyncio.Semaphore(passes)
        self._changed = asyncio.Event()
        self._closing = False
        self.may_start: Callable[[], bool] = lambda: True
        self.ticked = clock.boottime()

    def lead(self) -> None:
        """Begin to start passes: over whoever is due by now, and over everyone else in their time."""
        self._due = [(actor.due, actor.ref.uid) for actor in self._actors.values() if actor.due < NEVER]
        heapq.heapify(self._due)
        self._changed.set()

    def see(self, ref: ClientRef, sight: Sight) -> None:
        """Take a watch event: a new client is scheduled, a changed one is due now, our own echo is passed over."""
        actor = self._actors.get(ref.uid)
        if actor is None:
            expires = sight.expires.timestamp() if sight.expires else 0.0
            self._actors[ref.uid] = actor = Actor(ref, sight.server, sight.version, expires)
            self._schedule(actor, self._boottime_of(sight.due) if sight.due else self._clock.boottime())
        elif actor.version != sight.version:
            actor.version, actor.server = sight.version, sight.server
            self.wake(ref.uid)
        elif not self.may_start():
            self._follow(actor, sight)
        actor.shown = sight.shown

    def _follow(self, actor: Actor, sight: Sight) -> None:
        """Take a schedule over as the leader writes it: a standby that takes its place starts only who is due."""
        actor.expires = sight.expires.timestamp() if sight.expires else 0.0
        actor.due = self._boottime_of(sight.due) if sight.due else self._clock.boottime()

    def wake(self, uid: str) -> None:
        """Look at a client now, or as soon as the pass that is under way has ended."""
        if actor := self._actors.get(uid):
            actor.woken = actor.running
            if not actor.running:
                self._schedule(actor, min(actor.due, self._clock.boottime()))  # who waits already does not wait anew

    def wake_all(self, which: Callable[[Actor], bool] = lambda _actor: True) -> None:
        """Look now at every client of which `which` says so."""
        for actor in filter(which, self.actors()):
            self.wake(actor.ref.uid)

    def forget(self, uid: str) -> None:
        """Drop a client that is gone; a pass under way ends by itself."""
        self._actors.pop(uid, None)
        self._first_tokens.settled(uid)

    def busy(self) -> bool:
        """Whether nothing that can wait is to be added: none may start, or as many are under way as may be."""
        return not self.may_start() or self._by_server.total() >= self._passes_a_server

    def under_way(self) -> int:
        """Return how many passes have begun and not ended."""
        return len(self._running)

    def overdue(self) -> float:
        """Return for how long [s] the client has waited that was due first; 0 when nobody waits, or another leads."""
        if not self.may_start():
            return 0.0
        now = self._clock.boottime()
        return max((now - actor.due for actor in self.actors() if actor.due < now), default=0.0)

    def __len__(self) -> int:
        return len(self._actors)

    def actors(self) -> Iterator[Actor]:
        """Return everyone in the queue, as of now."""
        return iter(tuple(self._actors.values()))

    def uids(self) -> frozenset[str]:
        """Return the UIDs of everyone in the queue."""
        return frozenset(self._actors)

    def servers(self) -> Iterator[tuple[ClientRef, str]]:
        """Return everyone in the queue with the name of their server."""
        return ((actor.ref, actor.server) for actor in self.actors())

    async def run(self) -> None:
        """Start what is due, while that is allowed, until `close`."""
        while not self._closing:
            self.ticked = self._clock.boottime()
            self._changed.clear()
            if allowed := self.may_start():
                self._promote()
            while allowed and self._by_server.total() < self._passes and (uid := self._ready.pop()):
                self._start(uid)
            await self._sleep(self._due if allowed else ())

    async def close(self, grace_seconds: float) -> None:
        """Start nothing more; wait for the passes under way, for they may hold tokens."""
        self._closing = True
        self._first_tokens.give_way()
        self._changed.set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace_seconds)
            if late:
                log.error("%d passes did not end within %d s", len(late), grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _sleep(self, due: Sequence[tuple[float, str]]) -> None:
        until = due[0][0] - self._clock.boottime() if due else _LONGEST_SLEEP
        try:
            async with asyncio.timeout(min(max(until, _SHORTEST_SLEEP), _LONGEST_SLEEP)):
                await self._changed.wait()
        except TimeoutError:
            return

    def _schedule(self, actor: Actor, due: float) -> None:
        actor.due = due
        if due < NEVER and self.may_start():  # `lead` makes up for those of a standby
            heapq.heappush(self._due, (due, actor.ref.uid))
            self._changed.set()

    def _promote(self) -> None:
        """Move everyone whose time has come to the ready; stale heap entries fall out here."""
        now = self._clock.boottime()
        while self._due and self._due[0][0] <= now:
            due, uid = heapq.heappop(self._due)
            actor = self._actors.get(uid)
            if actor is None or actor.due != due or actor.running or actor.waiting:
                continue
            actor.waiting = True
            if actor.first:
                self._first_tokens.awaited(uid)
            self._ready.push(actor.ref.namespace, uid, actor.expires)

    def _start(self, uid: str) -> None:
        actor = self._actors.get(uid)
        if actor is None:
            return
        if self._by_server[actor.server] >= self._passes_a_server:
            self._parked[actor.server].push(actor.ref.namespace, uid, actor.expires)
            return
        actor.running, actor.waiting, actor.woken, actor.due = True, False, False, NEVER
        self._by_server[actor.server] += 1
        task = asyncio.create_task(self._pass(actor, actor.server), name=f"pass over {actor.ref}")
        self._running.add(task)

    async def _pass(self, actor: Actor, server: str) -> None:
        due = NEVER
        try:
            due = await self._due_after(actor, server)
        finally:
            actor.running, actor.looked = False, self._clock.boottime()
            if task := asyncio.current_task():
                self._running.discard(task)
            if self._actors.get(actor.ref.uid) is actor:
                self._schedule(actor, self._clock.boottime() if actor.woken else due)

    def _unpark(self) -> None:
        """Give the places that are free to whoever was parked for them; who has moved to another server goes along."""
        for server, parked in list(self._parked.items()):
            free = self._passes_a_server - self._by_server[server]
            released = list(filter(None, (parked.pop() for _ in range(free))))
            if len(released) < free:
                del self._parked[server]
            for actor in filter(None, map(self._actors.get, released)):
                self._ready.push(actor.ref.namespace, actor.ref.uid, actor.expires)

    async def _due_after(self, actor: Actor, server: str) -> float:
        """Do one pass and tell of it; return when the next one is due. No failure ends the actor."""
        try:
            outcome = await self._look(actor, server)
            due = self._settled(actor, outcome)
            if outcome is not None:
                await self._tell(outcome)
        except Conflict:
            return self._clock.boottime() + _CONFLICT_SECONDS
        except ApiError as error:
            log.warning("%s: %s", actor.ref, error)
        except Exception as error:
            log.error("%s: pass failed with %s", actor.ref, type(error).__name__, exc_info=_where(error))  # noqa: TRY400
        else:
            return due
        actor.failures += 1
        return self._clock.boottime() + backoff(actor.failures, 0.0).total_seconds()

    async def _look(self, actor: Actor, server: str) -> Outcome | None:
        """Do one pass, and give its place back before anything is told of it."""
        try:
            return await self._work(actor.ref)
        finally:
            self._by_server[server] -= 1
            self._first_tokens.settled(actor.ref.uid)
            self._unpark()
            self._changed.set()

    async def _tell(self, outcome: Outcome) -> None:
        """Report a pass (step 10); a client's next pass waits for it."""
        await self._first_tokens.all_settled()
        async with self._reports:
            await self._report(outcome)

    def _settled(self, actor: Actor, outcome: Outcome | None) -> float:
        actor.failures = 0
        if outcome is None:
            self._actors.pop(actor.ref.uid, None)
            return NEVER
        actor.marks = outcome.marks
        actor.expires = outcome.token.expires_at.timestamp() if outcome.token else 0.0
        return self._boottime_of(outcome.look_again) if outcome.look_again else NEVER

    def _boottime_of(self, moment: datetime) -> float:
        """Translate a stored time once; from then on the wall clock may jump."""
        return self._clock.boottime() + (moment - self._clock.now()).total_seconds()


def _where(error: Exception) -> Exception:
    """Return the exception with its place and type, without its text: that may quote a server."""
    bare = RuntimeError(type(error).__name__)
    return bare.with_traceback(error.__traceback__)
