"""Random schedules of answers, lost answers, API failures and crashes at every step, judged by a strict server."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import looptime
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from citrix_oauth_operator.domain.errors import ApiError, Conflict, Unreachable
from tests.unit.fakes import Crash, Fault
from tests.unit.token_server import Play
from tests.unit.world import GRANT_SECRET, REF, Process, World

PLAYS: tuple[Play, ...] = ("ok", "ok", "ok", "lost", "dropped", "not sent", "kept", "crash before", "crash after")
WRITES = ("secrets/grant.", "ops/secrets", "configmaps", "reports/status", "team-a/secrets", "")


@dataclass(frozen=True)
class Step:
    """One turn of the schedule: what the server plays, what the API server does to one request, how long after."""

    play: Play = "ok"
    fault: str = ""
    verb: str = ""
    part: str = ""
    skip: int = 0
    seconds: int = 1100
    restart: bool = False


FAULTS = {
    "refused": lambda: Fault(before=ApiError(500)),
    "silent": lambda: Fault(before=Unreachable()),
    "lost": lambda: Fault(after=Unreachable()),
    "conflict": lambda: Fault(before=Conflict(409)),
    "crash before": lambda: Fault(before=Crash()),
    "crash after": lambda: Fault(after=Crash()),
}
STEPS = st.builds(
    Step,
    play=st.sampled_from(PLAYS),
    fault=st.sampled_from(["", *FAULTS]),
    verb=st.sampled_from(["POST", "PUT", "PATCH"]),
    part=st.sampled_from(WRITES),
    skip=st.integers(0, 2),
    seconds=st.sampled_from([1, 5, 60, 1100, 1900]),
    restart=st.booleans(),
)


@dataclass
class Judge:
    """Watches the stored grant and the server while a schedule runs."""

    world: World
    seqs: list[tuple[str, int]] = field(default_factory=list)
    undoubted: int = 0
    without_intent: int = 0

    def at_replay(self) -> None:
        """A spent token was sent: the stored intent must say that its outcome was in doubt."""
        pending = self.world.grant.pending
        self.undoubted += pending is None or not pending.doubt

    def at_request(self) -> None:
        """A token is on the wire: the stored intent must name it."""
        grant = self.world.grant
        named = grant.pending is not None and grant.pending.fingerprint == grant.refresh_token.fingerprint()
        sent = self.world.server.sent[-1][1]
        self.without_intent += not (named and grant.refresh_token.reveal() == sent and grant.pending.seq == grant.seq)  # type: ignore[union-attr] # named
        self.note()

    def note(self) -> None:
        """Remember chain and seq."""
        if GRANT_SECRET in self.world.api.objects:
            self.seqs.append((self.world.grant.chain, self.world.grant.seq))


def _plant(world: World, step: Step) -> None:
    world.api.faults.clear()
    if not step.fault:
        return
    fault = FAULTS[step.fault]()
    fault.verb, fault.part = step.verb, step.part
    world.api.faults += [Fault(step.verb, step.part, times=step.skip), fault]


async def _turn(world: World, process: Process, step: Step) -> Process:
    world.server.script[:] = [step.play]
    _plant(world, step)
    try:
        await process.look(REF)
    except ApiError:
        pass
    except Crash:
        process = world.boot()
    world.api.faults.clear()
    await asyncio.sleep(step.seconds)
    return world.boot() if step.restart else process


async def _play(steps: list[Step]) -> tuple[World, Judge]:
    world = World()
    world.set_up()
    judge = Judge(world)
    world.server.on_replay, world.server.on_request = judge.at_replay, judge.at_request
    process = world.boot()
    for step in steps:
        process = await _turn(world, process, step)
        judge.note()
    world.server.script.clear()
    for _ in range(6):
        process = await _turn(world, process, Step(seconds=90))
        judge.note()
    return world, judge


def _run(steps: list[Step]) -> tuple[World, Judge]:
    loop: Any = looptime.new_event_loop(start=0, end=10**7)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(_play(steps))


@settings(max_examples=150, deadline=timedelta(seconds=20), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=8))
@example([Step(), Step(play="crash after"), Step()])
@example([Step(), Step(play="lost", seconds=1), Step()])
@example([Step(), Step(fault="lost", verb="PUT", part="secrets/grant.", skip=1), Step()])
def test_no_token_is_sent_twice_without_a_recorded_doubt(steps: list[Step]) -> None:
    """Each request has an intent that names its token, each replay a doubt; `seq` never goes back."""
    world, judge = _run(steps)
    assert (judge.undoubted, judge.without_intent) == (0, 0)
    assert len({chain for chain, _ in judge.seqs}) <= 1 + len(steps)
    by_chain: dict[str, list[int]] = {}
    for chain, seq in judge.seqs:
        by_chain.setdefault(chain, []).append(seq)
    assert all(seqs == sorted(seqs) for seqs in by_chain.values())
    assert world.status.get("grant", {}).get("seq", 0) <= (judge.seqs or [("", 0)])[-1][1]


@settings(max_examples=60, deadline=timedelta(seconds=20), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=8))
def test_no_person_is_needed_unless_an_answer_was_lost(steps: list[Step]) -> None:
    """Whatever else happened, the client ends with the server's only living refresh token and a valid token."""
    harmless = [step for step in steps if step.play not in {"lost", "crash after"} and not _kills_the_answer(step)]
    world, _ = _run(harmless)
    assert (world.server.replays, world.held_is_live) == (0, True)
    assert world.condition("Ready")["status"] == "True"
    assert not world.condition("Stalled")


def _kills_the_answer(step: Step) -> bool:
    """A crash in the API server's face may fall between answer and commit; without a spill that loses the answer."""
    return step.fault.startswith("crash") and step.verb == "PUT"


@pytest.mark.parametrize("part", WRITES)
@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_every_single_fault_at_every_step(verb: str, part: str, fault: str, skip: int) -> None:
    """One fault in the first pass and one in the second: a replay only where a crash met the answer."""
    planted = Step(fault=fault, verb=verb, part=part, skip=skip)
    for steps in ([planted], [Step(), planted]):
        world, judge = _run(steps)
        assert (judge.undoubted, judge.without_intent) == (0, 0)
        assert world.server.replays == 0 or _kills_the_answer(planted)
