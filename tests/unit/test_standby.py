"""A replica that does not lead: it keeps its queue, starts nothing, and is ready for the day it leads."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import SimpleNamespace

import pytest

from citrix_oauth_operator.domain.errors import Withheld
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Server
from citrix_oauth_operator.gate import Gate, GatedRequests
from tests.unit.fakes import T0
from tests.unit.queue_bench import Bench, ref, sight
from tests.unit.world import CLIENT, REF, Process, World

pytestmark = pytest.mark.looptime

MINUTE = timedelta(minutes=1)


class Office:
    """Says who leads."""

    def __init__(self) -> None:
        self.held = False

    def __call__(self) -> bool:
        """Return whether we do."""
        return self.held


def _standby(bench: Bench) -> Office:
    office = Office()
    bench.queue.may_start = office
    return office


async def test_a_standby_starts_no_pass() -> None:
    """Whatever it sees, however often it is woken."""
    async with Bench() as bench:
        _standby(bench)
        for number in range(5):
            bench.queue.see(ref(f"x{number}"), sight())
            bench.queue.wake(ref(f"x{number}").uid)
        await asyncio.sleep(3600)
        assert bench.work.log == []
        assert bench.queue.overdue() == 0
        assert bench.queue.busy()


async def test_a_new_leader_starts_at_once_whoever_is_due() -> None:
    """And everybody else in their time, as the former leader's last status says."""
    async with Bench() as bench:
        office = _standby(bench)
        bench.queue.see(ref("due"), sight(due=T0 + MINUTE, expires=T0 + 2 * MINUTE))
        bench.queue.see(ref("served"), sight(due=T0 + MINUTE, expires=T0 + 2 * MINUTE))
        await asyncio.sleep(90)
        bench.queue.see(ref("served"), sight(due=T0 + 10 * MINUTE, expires=T0 + 20 * MINUTE))
        office.held = True
        bench.queue.lead()
        await asyncio.sleep(60)
        assert bench.work.log == [(90.0, "due")]
        await asyncio.sleep(480)
        assert bench.work.log == [(90.0, "due"), (600.0, "served")]


async def test_a_standby_remembers_no_more_than_one_time_a_client() -> None:
    """However long it watches others refresh."""
    async with Bench() as bench:
        _standby(bench)
        for number in range(1000):
            bench.queue.see(ref("x"), sight(due=T0 + number * MINUTE))
            bench.queue.wake(ref("x").uid)
            await asyncio.sleep(1)
        assert len(bench.queue._due) <= 1


async def test_who_leads_passes_over_the_echo_of_its_own_status() -> None:
    """Its own schedule is newer than any status."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight(due=T0 + 10 * MINUTE))
        bench.queue.see(ref("x"), sight(due=T0 + MINUTE))
        await asyncio.sleep(300)
        assert bench.work.log == []


async def test_a_leader_that_steps_down_starts_nothing_more_until_it_leads_again() -> None:
    """Passes under way end."""
    async with Bench(passes=1) as bench:
        office = _standby(bench)
        office.held = True
        bench.queue.lead()
        for name in ("one", "two"):
            bench.queue.see(ref(name), sight())
        await asyncio.sleep(0.5)
        office.held = False
        await asyncio.sleep(100)
        assert (bench.work.names, bench.work.running) == (["one"], [])
        office.held = True
        bench.queue.lead()
        await asyncio.sleep(2)
        assert bench.work.names == ["one", "two"]


def _gated(world: World) -> tuple[Gate, Process]:
    """Return a process with a gate that is open."""
    process, office = world.boot(), Office()
    office.held = True
    gate = Gate(office)
    gate.open()
    process.protocol.requests = GatedRequests(world.server, gate)
    process.reconciler.gate = gate
    return gate, process


async def test_nothing_is_claimed_or_sent_behind_a_shut_gate() -> None:
    """A pass that was started before the office was lost ends without a word."""
    world = World()
    world.set_up()
    gate, process = _gated(world)
    gate.shut()
    with pytest.raises(Withheld):
        await process.reconciler.run(REF)
    assert (world.server.sent, world.api.writes()) == ([], [])


async def test_an_intent_that_was_overtaken_by_the_end_is_cleared() -> None:
    """No doubt is left behind: the next leader need not wait for a holder that sent nothing."""
    world = World()
    world.set_up()
    gate, process = _gated(world)
    await process.reconciler.run(REF)
    await asyncio.sleep(18 * 60)
    saved = world.grant
    intended: list[object] = []

    budgets = process.budgets

    def overtaken(server: Server) -> AbstractAsyncContextManager[None]:
        intended.append(world.grant.pending)
        gate.close()
        return budgets.slot(server)

    process.protocol.slots = SimpleNamespace(slot=overtaken)
    with pytest.raises(Withheld):
        await process.reconciler.run(REF)
    assert intended != [None]
    assert len(world.server.sent) == 1
    assert world.grant.pending is None
    assert (world.grant.seq, world.held_is_live) == (saved.seq, True)
    assert not world.condition("RefreshFailed")


async def test_the_end_interrupts_the_waiting_for_a_turn() -> None:
    """A server that takes one request a minute does not hold a shutdown up."""
    gate = Gate(lambda: True)
    gate.open()
    loop = asyncio.get_running_loop()
    start = loop.time()
    loop.call_later(5, gate.close)
    with pytest.raises(Withheld):
        await gate.after(asyncio.sleep(3600))
    assert loop.time() - start == 5


async def test_a_turn_that_comes_after_the_office_was_lost_is_not_taken() -> None:
    """Asked once more at the last moment."""
    office = Office()
    office.held = True
    gate = Gate(office)
    gate.open()
    await gate.after(asyncio.sleep(1))
    asyncio.get_running_loop().call_later(1, gate.shut)
    with pytest.raises(Withheld):
        await gate.after(asyncio.sleep(2))


async def test_nothing_of_a_client_that_another_operator_keeps_is_written_or_deleted() -> None:
    """Not even the Secret of a former name, which that one has yet to replace."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    world.api.objects[CLIENT]["status"]["grant"]["namespace"] = "other"
    world.client(secret={"name": "another"})
    before = len(world.api.writes())
    outcome = await process.run()
    assert outcome.problem is not None
    assert outcome.problem.reason is Reason.CLAIMED_BY_ANOTHER_OPERATOR
    assert [path for _, path in world.api.writes()[before:] if "/events" not in path] == []
    assert world.published
