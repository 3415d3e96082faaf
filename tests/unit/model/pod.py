"""One process of the operator in the model: its own clock, its own way to the API server, and ways to stop it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.answers import Answer
from citrix_oauth_operator.domain.errors import ApiError, Conflict, Unreachable
from citrix_oauth_operator.domain.model import Holder
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.grants.exchange import read
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.kube.api import JSON, Api, _result
from citrix_oauth_operator.spill import SpillFolder
from tests.unit.fakes import Crash, FakeApi, LoopClock
from tests.unit.model.server import Server
from tests.unit.world import Process, World

API_SECONDS = 0.005
ERRORS = {"refused": ApiError(500), "silent": Unreachable(), "conflict": Conflict(409)}


@dataclass
class Trouble:
    """What the API server does to the next requests of one process that match.

    Attributes:
        at: the verb, and a part of the path.
        kind: refused, silent, conflict: not applied. lost: applied, not answered. The process may die, too.
        skip: how many that match pass before.
    """

    kind: str
    at: tuple[str, str]
    skip: int = 0
    times: int = 1

    def meets(self, verb: str, path: str) -> bool:
        """Whether this request is hit; counts."""
        if self.times <= 0 or verb != self.at[0] or self.at[1] not in path:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Port(Api):
    """This process's requests to the one API server."""

    def __init__(self, pod: "Pod", behind: FakeApi) -> None:
        self._pod, self._behind = pod, behind

    async def _request(
        self, verb: str, path: str, body: object = None, *, content_type: str = "application/json", accept: str = ""
    ) -> JSON:
        del content_type, accept
        await self._pod.breathe()
        path, _, query = path.partition("?")
        trouble = next((t.kind for t in self._pod.troubles if t.meets(verb, path)), "")
        if self._pod.cut_off:
            trouble = "silent"
        if error := ERRORS.get(trouble):
            raise error
        if trouble == "crash before":
            self._pod.kill()
            raise Crash
        self._pod.writes()
        status, answer = self._behind._apply(verb, path, json.loads(json.dumps(body)), query)
        if trouble == "crash after":
            self._pod.kill()
            raise Crash
        await self._pod.breathe()
        if trouble == "lost":
            raise Unreachable
        return _result(status, json.dumps(answer).encode())


@dataclass
class Endpoint:
    """This process's requests to the token endpoint."""

    pod: "Pod"
    server: Server

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Send one refresh token."""
        del inputs
        self.pod.sends(token.reveal())
        try:
            return await self.server.refresh(self.pod, token.reveal(), self.pod.breathe)
        finally:
            self.pod.answered(token.reveal())

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Send one code."""
        del inputs
        return await self.server.redeem(self.pod, sign_in.code.reveal(), self.pod.breathe)

    def read(self, inputs: Inputs, unread: Unread, grant: str = "refresh_token") -> Answer:
        """Read an answer as the real endpoint does."""
        del grant
        return read(unread, inputs.server, self.pod.clock.now())

    async def request(self, inputs: Inputs) -> Answer:
        """Never asked for here."""
        raise NotImplementedError


@dataclass
class Pod:
    """A process in a pod; one of the same name started later is its successor."""

    name: str
    world: World
    server: Server
    folder: Path
    writes: Callable[[], None] = lambda: None
    sends: Callable[[str], None] = lambda _token: None
    answered: Callable[[str], None] = lambda _token: None
    clock: LoopClock = field(default_factory=LoopClock)
    troubles: list[Trouble] = field(default_factory=list)
    cut_off: bool = False
    dead: bool = False
    suspended: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _resumed: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    process: Process = field(init=False)

    @property
    def holder(self) -> Holder:
        """What it writes into its intents."""
        return self.process.protocol.holder

    def start(self) -> None:
        """Begin to work, as `app.py` does: adopt what lies in the spill folder beside the passes."""
        spill = SpillFolder(self.folder)
        spill.prepare()
        clock: Clock = self.clock
        self.process = self.world.boot_with(
            self.name, Port(self, self.world.api), clock, Endpoint(self, self.server), spill
        )
        self._tasks = [asyncio.ensure_future(work) for work in (self._passes(), self._recovery())]

    def kill(self) -> None:
        """End this process: nothing of it happens any more."""
        self.dead = True
        self._resumed.set()
        for task in self._tasks:
            task.cancel()

    def suspend(self) -> None:
        """Stop the process, as a sleeping machine or SIGSTOP does."""
        self.suspended = True
        self._resumed.clear()

    def resume(self) -> None:
        """Let it go on."""
        self.suspended = False
        self._resumed.set()

    async def breathe(self) -> None:
        """Between two steps of this process: it may have died or been suspended."""
        await asyncio.sleep(API_SECONDS)
        while self.suspended and not self.dead:
            await self._resumed.wait()
        if self.dead:
            raise Crash

    def wake(self) -> None:
        """Tell that something changed, as a watch event does."""
        self.woken.set()

    def complain(self) -> None:
        """Raise what a task of this process has died of, if that was no injected crash."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _recovery(self) -> None:
        try:
            await self.process.recovery.run()
        except* Crash:
            self.dead = True

    async def _passes(self) -> None:
        while not self.dead:
            self.woken.clear()
            try:
                seconds = await self._pass()
            except Crash:
                return
            try:
                async with asyncio.timeout(seconds):
                    await self.woken.wait()
            except TimeoutError:
                continue

    async def _pass(self) -> float:
        """Do one pass; return the seconds until the next one, as the queue reckons."""
        try:
            outcome = await self.process.look()
        except Conflict:
            return 0.2
        except ApiError:
            return 2.0
        if outcome is None or outcome.look_again is None:
            return 300.0
        return min(max((outcome.look_again - self.clock.now()).total_seconds(), 0.01), 300.0)
