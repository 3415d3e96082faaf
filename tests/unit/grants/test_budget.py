"""What a server may be asked, and what an edit of its object keeps of that."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.answers import Granted, NotSent, Uncertain
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, RequestBudget, Server
from citrix_oauth_operator.grants.budget import Budgets
from tests.unit.examples import SERVER
from tests.unit.fakes import LoopClock

pytestmark = pytest.mark.looptime

LOST = Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "the request was sent, but no complete answer came back"))
GOOD = Granted(SecretText("CANARY-at"), timedelta(minutes=30))
ELSEWHERE = replace(SERVER, endpoints=Endpoints(token="https://other.example/token"))


def _with(**changes: int) -> Server:
    return replace(SERVER, requests=replace(RequestBudget(), **changes))  # type: ignore[arg-type] # only numbers


def _ref(name: str) -> ClientRef:
    return ClientRef("a", name, f"uid-{name}")


def _sicken(budgets: Budgets, server: Server = SERVER) -> None:
    for name in "abcab":
        budgets.heard(server, "a", name, LOST)


async def _seconds(budgets: Budgets, server: Server, turns: int) -> float:
    started = asyncio.get_running_loop().time()
    for _ in range(turns):
        await budgets.turn(server)
    return asyncio.get_running_loop().time() - started


async def test_a_burst_is_saved_up_by_quiet_time() -> None:
    """Nothing at the start, the whole burst after a while, then the rate."""
    budgets, server = Budgets(LoopClock()), _with(per_second=10, burst=20)
    assert await _seconds(budgets, server, 11) == pytest.approx(1.0)
    await asyncio.sleep(60)
    assert await _seconds(budgets, server, 20) == pytest.approx(0.0)
    assert await _seconds(budgets, server, 10) == pytest.approx(1.0)


async def test_an_edit_of_the_budget_counts_who_is_in_flight_already() -> None:
    """More places are there at once; fewer are kept to as soon as enough have ended."""
    budgets, wide, narrow = Budgets(LoopClock()), _with(concurrency=4), _with(concurrency=1)
    order: list[str] = []

    async def hold(name: str, server: Server, seconds: float) -> None:
        async with budgets.slot(server):
            order.append(name)
            await asyncio.sleep(seconds)

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(hold(f"early{number}", wide, 10 + number))
        await asyncio.sleep(1)
        group.create_task(hold("late", narrow, 10))
        await asyncio.sleep(11.5)  # three of four have ended
        assert len(order) == 4
        await asyncio.sleep(1)
        assert order[-1] == "late"
        group.create_task(hold("last", wide, 1))
        await asyncio.sleep(0.5)
        assert order[-1] == "last"
    assert budgets.states()[SERVER.name].in_flight == 0


async def test_whoever_gives_up_waiting_for_a_place_takes_none_along() -> None:
    """A pass may be cancelled while it waits."""
    budgets, server = Budgets(LoopClock()), _with(concurrency=1)
    async with AsyncExitStack() as held:
        await held.enter_async_context(budgets.slot(server))
        waiting = asyncio.create_task(AsyncExitStack().enter_async_context(budgets.slot(server)))
        await asyncio.sleep(1)
        waiting.cancel()
    async with budgets.slot(server):
        assert budgets.states()[server.name].in_flight == 1


async def test_an_edited_budget_keeps_what_is_known_of_the_server() -> None:
    """Neither Retry-After nor the breaker is forgotten."""
    budgets = Budgets(LoopClock())
    budgets.close(SERVER, timedelta(minutes=5))
    _sicken(budgets)
    edited = _with(per_second=3)
    assert budgets.closed_for(edited) == timedelta(minutes=5)
    assert budgets.breaker(edited, _ref("x"), None)


async def test_an_edited_address_begins_anew() -> None:
    """What was known is known of another place; whoever waited may go on."""
    woken: list[str] = []
    budgets = Budgets(LoopClock(), woken.append)
    budgets.close(SERVER, timedelta(minutes=5))
    _sicken(budgets)
    assert budgets.breaker(SERVER, _ref("x"), None)
    assert budgets.closed_for(ELSEWHERE) == timedelta(0)
    assert (budgets.breaker(ELSEWHERE, _ref("y"), None), woken) == (None, ["uid-x"])
    _sicken(budgets, SERVER)  # late answers from the old place
    assert not budgets.states()[SERVER.name].breaker_open


async def test_two_objects_that_lead_to_one_host_do_not_share() -> None:
    """One of them may have a wrong CA bundle."""
    budgets = Budgets(LoopClock())
    _ = budgets.closed_for(SERVER)
    twin = replace(SERVER, name="twin")
    _ = budgets.closed_for(twin)
    _sicken(budgets)
    assert [state.breaker_open for state in budgets.states().values()] == [True, False]


async def test_the_neediest_is_woken_to_probe_and_all_when_it_was_answered() -> None:
    """First after five seconds; while the probe is under way nobody else may leave."""
    clock = LoopClock()
    woken: list[str] = []
    budgets = Budgets(clock, woken.append)
    _ = budgets.closed_for(SERVER)
    _sicken(budgets)
    ends = {name: clock.now() + timedelta(minutes=minutes) for name, minutes in (("x", 9), ("y", 2), ("z", 5))}
    for name, end in ends.items():
        problem = budgets.breaker(SERVER, _ref(name), end)
        assert problem is not None
        assert "OutcomeUnknown" in problem.message
    await asyncio.sleep(4.9)
    assert woken == []
    await asyncio.sleep(0.2)
    assert woken == ["uid-y"]
    assert budgets.breaker(SERVER, _ref("y"), ends["y"]) is None
    assert budgets.refusal(SERVER, "a", "y") is None
    assert budgets.refusal(SERVER, "a", "x") is not None
    budgets.heard(SERVER, "a", "y", GOOD)
    assert sorted(woken[1:]) == ["uid-x", "uid-z"]
    assert budgets.refusal(SERVER, "a", "x") is None


async def test_somebody_else_probes_when_the_neediest_does_not_come() -> None:
    """It was deleted meanwhile."""
    woken: list[str] = []
    budgets = Budgets(LoopClock(), woken.append)
    _ = budgets.closed_for(SERVER)
    _sicken(budgets)
    for name in ("gone", "here"):
        assert budgets.breaker(SERVER, _ref(name), None)
    await asyncio.sleep(11)
    assert woken == ["uid-gone", "uid-here"]


async def test_who_was_on_the_way_when_the_server_asked_for_silence_is_turned_back() -> None:
    """Nothing is sent, and the time is told."""
    budgets = Budgets(LoopClock())
    budgets.close(SERVER, timedelta(seconds=90))
    refusal = budgets.refusal(SERVER, "a", "x")
    assert refusal == replace(problems.THROTTLED, retry_after=timedelta(seconds=90))
    await asyncio.sleep(91)
    assert budgets.refusal(SERVER, "a", "x") is None


async def test_a_server_that_is_gone_is_forgotten() -> None:
    """Its gauges would be shown for ever."""
    woken: list[str] = []
    budgets = Budgets(LoopClock(), woken.append)
    _ = budgets.closed_for(SERVER)
    _sicken(budgets)
    assert budgets.breaker(SERVER, _ref("x"), None)
    budgets.forget(SERVER.name)
    assert (dict(budgets.states()), woken) == ({}, ["uid-x"])
    budgets.heard(SERVER, "a", "x", NotSent(Problem(Reason.SERVER_UNREACHABLE, "x")))
