"""Where the model plays: the world, its pods, what heals at the end, and the verdict on what is left."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.labels import REQUESTED_AT
from citrix_oauth_operator.kube.login_secret import to_secret
from citrix_oauth_operator.kube.secret_codec import decode
from tests.unit.fakes import T0
from tests.unit.model.clockwork import VirtualLoop
from tests.unit.model.judge import Judge, WatchedApi
from tests.unit.model.pod import Pod
from tests.unit.model.server import Server
from tests.unit.people import hand_over
from tests.unit.world import CLIENT, GRANT_SECRET, LOGIN_SECRET, REF, World

T = TypeVar("T")
ENDED = {"RotationLost", "GrantRejected", "GrantExpired"}


class Stage(RuleBasedStateMachine):
    """Holds everything that the rules move; `teardown` lets everything heal and judges what is left."""

    world: World
    server: Server
    api: WatchedApi
    judge: Judge

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.folder = Path(tempfile.mkdtemp(prefix="model-", dir=_memory()))
        self.all: list[Pod] = []
        self.here: dict[str, Pod] = {}
        self.amnesty = False

    def teardown(self) -> None:
        """Let everything heal, then judge."""
        try:
            if hasattr(self, "world"):
                self._heal()
                self._verdict()
        finally:
            for task in (tasks := asyncio.all_tasks(self.loop)):
                task.cancel()
            self.loop.run_until_complete(_all_of(tasks))
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _heal(self) -> None:
        self.server.script.clear()
        self.server.seconds = (0.01, 0.01)
        for name in list(self.here):
            pod = self.here[name]
            pod.troubles, pod.cut_off, pod.clock.jumped = [], False, timedelta(0)
            pod.resume()
        for _ in range(60):
            self._pass(180)
            if self._settled():
                return

    def _settled(self) -> bool:
        if GRANT_SECRET not in self.api.objects or self._waiting() or any(pod.dead for pod in self.here.values()):
            return False
        ready = self.world.condition("Ready").get("status") == "True" and not self.world.condition("RefreshFailed")
        stalled = self.world.condition("Stalled").get("reason") in ENDED
        return self.world.grant.pending is None and (
            stalled or (ready and self.world.grant.refresh_token.reveal() in self.server.live)
        )

    def _verdict(self) -> None:
        assert not self.judge.broken, self.judge.broken
        if self.amnesty:
            return
        assert not self._waiting(), "12: a sign-in is left alone"
        for code, begun in self.server.redeemed.items():
            lost = begun.delivered and not begun.excused and begun.successor not in self.judge.stored
            useless = self.judge.begun_since(self.judge.handed_over[code])
            assert useless or not lost, "5: the answer to a code was lost, and it had been read"
        grant, reason = self.world.grant, self.world.condition("Stalled").get("reason")
        token = grant.refresh_token.reveal()
        if token in self.server.live:
            assert reason is None, f"12: {reason}, and the server would take the refresh token"
            assert self.world.condition("Ready").get("status") == "True", self.world.status
            return
        assert reason in ENDED, f"12: the grant is dead in silence: {reason}"
        assert token in self.server.refused, "11: nobody said that the grant is dead"
        family = self.server.family[token]
        excused = [r for r in self.server.rotations.values() if r.family == family and (r.excused or not r.delivered)]
        assert excused or family in self.server.revoked, "5: the grant was lost, and every answer had been read"

    def _pass(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        for name, pod in list(self.here.items()):
            pod.complain()
            if pod.dead:  # of an injected crash: the kubelet starts it again, its spill folder is as it was
                self._forget_held(pod, spill=True)
                self._start(name)
        assert not self.judge.broken, self.judge.broken

    def _start(self, name: str) -> None:
        pod = self._inside(lambda: Pod(name, self.world, self.server, self.folder / name))
        pod.writes = lambda: setattr(self.api, "writer", pod)
        pod.sends = lambda token: self.judge.request(pod, token)
        pod.answered = lambda token: self.judge.answered(pod, token)
        self.all.append(pod)
        self.here[name] = pod
        self._inside(pod.start)

    def _kill(self, name: str, *, spill: bool) -> None:
        pod = self.here[name]
        self._inside(pod.kill)
        self._forget_held(pod, spill=spill)

    def _forget_held(self, pod: Pod, *, spill: bool) -> None:
        """Without its spill folder nobody can keep what a dead process had read."""
        if spill:
            return
        shutil.rmtree(self.folder / pod.name, ignore_errors=True)
        for rotation in [*self.server.rotations.values(), *self.server.redeemed.values()]:
            sender = rotation.sender
            if isinstance(sender, Pod) and sender.name == pod.name:
                rotation.excused = rotation.excused or rotation.successor not in self.judge.stored

    def _hand_over(self) -> None:
        """A person has signed in, and CLI or portal says so."""
        if LOGIN_SECRET in self.api.objects and self._waiting():
            return  # it says that somebody else has
        self.api.writer = None
        self.api.drop(LOGIN_SECRET)
        code = self.server.authorize()
        secret = to_secret(REF, hand_over(code))
        secret["metadata"]["creationTimestamp"] = rfc3339(T0 + timedelta(seconds=self.loop.time()))
        self.judge.handed_over[code] = self.loop.time()
        self.api.put(LOGIN_SECRET, secret)
        self._ask()

    def _waiting(self) -> bool:
        """Whether a sign-in is there that nobody has begun to redeem."""
        secret = self.api.objects.get(LOGIN_SECRET)
        return secret is not None and self.judge.waits(decode(secret)["code"])

    def _ask(self) -> None:
        body = self.api.objects[CLIENT]
        stamp = f"asked at {self.loop.time()}"
        self._edit(CLIENT, {**body, "metadata": {**body["metadata"], "annotations": {REQUESTED_AT: stamp}}})
        self.judge.asked_at = self.loop.time()

    def _edit(self, path: str, body: JSON) -> None:
        self.api.writer = None
        self.api.put(path, body)
        self._wake()

    def _wake(self) -> None:
        for pod in self.here.values():
            pod.wake()

    def _inside(self, work: Callable[[], T]) -> T:
        """Do something where the loop is running, for it asks for the time or starts tasks."""

        async def run() -> T:
            return work()

        return self.loop.run_until_complete(run())


async def _all_of(tasks: set["asyncio.Task[Any]"]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - the spill folder is memory-backed
