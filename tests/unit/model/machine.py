"""The model: one client, an authorization server, an API server, clocks, one or two pods, and all that befalls them.

All of the product but its edges is real: deciding, the write protocol, the stores, the spill folder, the recovery.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.labels import REQUESTED_AT
from tests.unit.model.clockwork import VirtualLoop
from tests.unit.model.judge import Judge, WatchedApi
from tests.unit.model.pod import Pod, Trouble
from tests.unit.model.server import Mode, Play, Server
from tests.unit.world import CLIENT, GRANT_SECRET, OPS, TENANT, TOKEN_SECRET, World

T = TypeVar("T")
PODS = ("pod-1", "pod-2")
ENDED = {"RotationLost", "GrantRejected", "GrantExpired"}
TROUBLES = st.builds(
    Trouble,
    kind=st.sampled_from(["refused", "silent", "conflict", "lost", "crash before", "crash after"]),
    at=st.sampled_from(
        [
            ("PUT", "secrets/grant."),
            ("PUT", "secrets/grant."),
            ("POST", "ops/secrets"),
            ("POST", "configmaps"),
            ("PATCH", "configmaps"),
            ("PATCH", "reports/status"),
            ("PUT", "team-a/secrets"),
            ("GET", "secrets/grant."),
        ]
    ),
    skip=st.integers(0, 2),
    times=st.sampled_from([1, 1, 2, 5, 40]),
)
PLAYS = st.sampled_from(["ok", "ok", "lost", "dropped", "broken", "busy", "not sent", "bad successor"])


class Protocol(RuleBasedStateMachine):
    """Each rule is one thing that happens; `teardown` lets everything heal and judges what is left."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.folder = Path(tempfile.mkdtemp(prefix="model-", dir=_memory()))
        self.world: World
        self.all: list[Pod] = []
        self.here: dict[str, Pod] = {}
        self.amnesty = False

    @initialize(mode=st.sampled_from(["strict", "strict", "refuse", "grace", "keeps"]), pods=st.sampled_from([1, 1, 2]))
    def begin(self, mode: Mode, pods: int) -> None:
        """A client with a seed, and one operator or two."""
        self.world = self._inside(World)
        self.server = Server(mode, self.loop.time)
        self.world.api = self.api = WatchedApi(OPS, TENANT)
        self.judge = self.api.judge = Judge(self.server, self.api, self.all)
        self.server.on_replay = self.judge.replayed
        self.world.client()
        self.world.credentials(refresh_token=self.server.sign_in())
        for name in PODS[:pods]:
            self._start(name)

    @rule(seconds=st.sampled_from([0.004, 0.012, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 1, 2, 5, 20, 61, 300, 1100, 1800]))
    def time_passes(self, seconds: float) -> None:
        """Everybody works."""
        self._pass(seconds)

    @rule()
    def until_the_next_refresh(self) -> None:
        """Stop just before something is sent."""
        due = self.world.grant.token if GRANT_SECRET in self.api.objects else None
        left = (due.refresh_at - self._inside(self.world.clock.now)).total_seconds() if due else 0.0
        if left > 0:
            self._pass(left + 0.02)

    @rule(
        plays=st.lists(PLAYS, min_size=1, max_size=5),
        before=st.sampled_from([0.01, 1, 20]),
        after=st.sampled_from([0.01, 1, 8]),
    )
    def the_server_will_play(self, plays: list[Play], before: float, after: float) -> None:
        """What the next requests meet, and how long they take."""
        self.server.script.clear()
        self.server.script.extend(plays)
        self.server.seconds = (before, after)

    @rule(pod=st.sampled_from(PODS), trouble=TROUBLES)
    def the_api_server_will_fail(self, pod: str, trouble: Trouble) -> None:
        """For one of the processes, once or for a while."""
        if found := self.here.get(pod):
            found.troubles = [replace(trouble)]

    @rule(pod=st.sampled_from(PODS), cut_off=st.booleans())
    def the_network_is_parted_or_healed(self, pod: str, *, cut_off: bool) -> None:
        """Between one process and the API server."""
        if found := self.here.get(pod):
            found.cut_off = cut_off

    @rule(pod=st.sampled_from(PODS), spill=st.booleans())
    def the_process_is_killed(self, pod: str, *, spill: bool) -> None:
        """And started again; with its pod goes what was spilled."""
        if pod in self.here:
            self._kill(pod, spill=spill)
            self._start(pod)

    @rule(
        pod=st.sampled_from((*PODS, PODS[0])),
        play=PLAYS,
        commit=st.sampled_from(["", "crash before", "crash before", "crash after", "lost", "silent", "conflict"]),
        during=st.sampled_from(["", "", "kill", "kill with its pod", "suspend", "cut off", "new seed", "label"]),
        seconds=st.sampled_from([0.5, 12, 70]),
    )
    def a_refresh_meets(self, pod: str, play: Play, commit: str, during: str, seconds: float) -> None:
        """Its answer, its commit, and what happens while it is on the wire: all at one refresh."""
        self.until_the_next_refresh()
        self.the_server_will_play([play, play], 1, 8)
        found = self.here.get(pod)
        if found and commit:
            found.troubles = [Trouble(commit, ("PUT", "secrets/grant."), skip=1)]
        self._pass(1)
        match during:
            case "kill" | "kill with its pod":
                self.the_process_is_killed(pod, spill=during == "kill")
            case "suspend" | "cut off" if found:
                found.suspend() if during == "suspend" else setattr(found, "cut_off", True)
            case "new seed":
                self.a_person_gives_a_new_seed()
            case "label":
                self.somebody_labels_a_secret(GRANT_SECRET)
        self._pass(10 + seconds)

    @rule(pod=st.sampled_from(PODS))
    def the_machine_is_suspended_or_resumed(self, pod: str) -> None:
        """At its next step."""
        if found := self.here.get(pod):
            (found.resume if found.suspended else found.suspend)()

    @rule(pod=st.sampled_from(PODS), minutes=st.sampled_from([-40, -5, 5, 40]))
    def the_wall_clock_jumps(self, pod: str, minutes: int) -> None:
        """Of one machine."""
        if found := self.here.get(pod):
            found.clock.jumped = timedelta(minutes=minutes)

    @rule()
    def a_replica_comes_or_goes(self) -> None:
        """The second one; with its pod goes what was spilled."""
        if PODS[1] in self.here:
            self._kill(PODS[1], spill=False)
            del self.here[PODS[1]]
        else:
            self._start(PODS[1])

    @rule()
    def a_person_asks(self) -> None:
        """Refresh now."""
        body = self.api.objects[CLIENT]
        stamp = f"asked at {self.loop.time()}"
        self._edit(CLIENT, {**body, "metadata": {**body["metadata"], "annotations": {REQUESTED_AT: stamp}}})
        self.judge.asked_at = self.loop.time()

    @rule()
    def a_person_gives_a_new_seed(self) -> None:
        """Whether or not the old chain lives."""
        self.api.writer = None
        self.world.credentials(refresh_token=self.server.sign_in())
        self._wake()

    @rule(path=st.sampled_from([GRANT_SECRET, TOKEN_SECRET]))
    def somebody_labels_a_secret(self, path: str) -> None:
        """Its version changes under whoever writes."""
        if body := self.api.objects.get(path):
            labels = {**body["metadata"]["labels"], "extra": body["metadata"]["resourceVersion"]}
            self._edit(path, {**body, "metadata": {**body["metadata"], "labels": labels}})

    @rule()
    def somebody_deletes_the_token_secret(self) -> None:
        """It is restored."""
        self.api.drop(TOKEN_SECRET)
        self._wake()

    @precondition(lambda self: not self.amnesty)
    @rule(claims=st.booleans())
    def somebody_deletes_our_memory(self, *, claims: bool) -> None:
        """The claims of seeds, or the grant: not both, which would make a used seed look new."""
        self.amnesty = True
        for path in [path for path in self.api.objects if ("/seed-" in path if claims else path == GRANT_SECRET)]:
            self.api.drop(path)
        self.judge.forget()
        self._wake()

    @rule()
    def an_admin_revokes(self) -> None:
        """At the authorization server."""
        self.server.revoke()

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
        if GRANT_SECRET not in self.api.objects or any(pod.dead for pod in self.here.values()):
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
        for rotation in self.server.rotations.values():
            sender = rotation.sender
            if isinstance(sender, Pod) and sender.name == pod.name:
                rotation.excused = rotation.excused or rotation.successor not in self.judge.stored

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
