"""The model: one client, an authorization server, an API server, clocks, one or two pods, and all that befalls them.

All of the product but its edges is real: deciding, the write protocol, the stores, the spill folder, the recovery.
"""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.unit.model.judge import Judge, WatchedApi
from tests.unit.model.pod import Trouble
from tests.unit.model.server import Mode, Play, Server
from tests.unit.model.stage import Stage
from tests.unit.people import ENDPOINTS
from tests.unit.world import GRANT_SECRET, LOGIN_SECRET, OPS, TENANT, TOKEN_SECRET, World

PODS = ("pod-1", "pod-2")
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
            ("DELETE", "reports-login"),
        ]
    ),
    skip=st.integers(0, 2),
    times=st.sampled_from([1, 1, 2, 5, 40]),
)
PLAYS = st.sampled_from(["ok", "ok", "lost", "dropped", "broken", "busy", "not sent", "bad successor"])

DURING = ["", "", "kill", "kill with its pod", "suspend", "cut off", "new seed", "label"]
AROUND_A_CODE = [
    ("POST", "configmaps"),
    ("PUT", "secrets/grant."),
    ("PUT", "secrets/grant."),
    ("DELETE", "reports-login"),
]


class Protocol(Stage):
    """Each rule is one thing that happens."""

    @initialize(mode=st.sampled_from(["strict", "strict", "refuse", "grace", "keeps"]), pods=st.sampled_from([1, 1, 2]))
    def begin(self, mode: Mode, pods: int) -> None:
        """A client with a seed, and one operator or two."""
        self.world = self._inside(World)
        self.server = Server(mode, self.loop.time)
        self.world.api = self.api = WatchedApi(OPS, TENANT)
        self.judge = self.api.judge = Judge(self.server, self.api, self.all)
        self.server.on_replay, self.server.on_code = self.judge.replayed, self.judge.code
        self.world.discovery.answer = ENDPOINTS
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
        during=st.sampled_from(DURING),
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
        self._befalls(during, pod)
        self._pass(10 + seconds)

    @rule(
        pod=st.sampled_from((*PODS, PODS[0])),
        ladder=st.sampled_from(["", "", "lost", "dropped"]),
        play=PLAYS,
        trouble=st.sampled_from(["", "crash before", "crash before", "crash after", "lost", "silent", "conflict"]),
        at=st.sampled_from(AROUND_A_CODE),
        during=st.sampled_from(DURING),
        seconds=st.sampled_from([0.5, 12, 70]),
    )
    def a_sign_in_meets(  # noqa: PLR0913, PLR0917 - each is a dimension of its own
        self, pod: str, ladder: Play, play: Play, trouble: str, at: tuple[str, str], during: str, seconds: float
    ) -> None:
        """Its claim, its answer, its commit, and what happens meanwhile; perhaps in the midst of doubt."""
        if ladder:
            self.until_the_next_refresh()
            self.the_server_will_play([ladder] * 3, 1, 1)
            self._pass(5)
        self.the_server_will_play([play, play], 1, 8)
        found = self.here.get(pod)
        if found and trouble:
            found.troubles = [Trouble(trouble, at)]
        self._hand_over()
        self._pass(1)
        self._befalls(during, pod)
        self._pass(10 + seconds)

    def _befalls(self, what: str, pod: str) -> None:
        """While a request is on the wire."""
        found = self.here.get(pod)
        match what:
            case "kill" | "kill with its pod":
                self.the_process_is_killed(pod, spill=what == "kill")
            case "suspend" | "cut off" if found:
                found.suspend() if what == "suspend" else setattr(found, "cut_off", True)
            case "new seed":
                self.a_person_gives_a_new_seed()
            case "label":
                self.somebody_labels_a_secret(GRANT_SECRET)

    @rule()
    def a_person_signs_in(self) -> None:
        """Whether or not the old chain lives, or is in doubt."""
        self._hand_over()

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
        self._ask()

    @rule()
    def a_person_gives_a_new_seed(self) -> None:
        """Whether or not the old chain lives."""
        self.api.writer = None
        self.world.credentials(refresh_token=self.server.sign_in())
        self._wake()

    @rule(path=st.sampled_from([GRANT_SECRET, TOKEN_SECRET, LOGIN_SECRET]))
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
        self.amnesty, self.api.writer = True, None
        for path in [path for path in self.api.objects if ("/seed-" in path if claims else path == GRANT_SECRET)]:
            self.api.drop(path)
        self.judge.forget()
        self._wake()

    @rule()
    def an_admin_revokes(self) -> None:
        """At the authorization server."""
        self.server.revoke()
