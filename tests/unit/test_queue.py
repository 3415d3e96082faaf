"""The queue: one pass of a client at a time; nothing that happens is lost, and no failure ends an actor."""

import asyncio
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Conflict
from tests.unit.examples import outcome
from tests.unit.fakes import T0
from tests.unit.queue_bench import Bench, ref, sight

pytestmark = pytest.mark.looptime


async def test_a_new_client_is_looked_at_at_once() -> None:
    """And once."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(100)
        assert bench.work.log == [(0.0, "x")]


async def test_a_client_that_is_well_waits_for_its_time() -> None:
    """After a restart nobody is looked at early because of its watch event."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight(due=T0 + timedelta(seconds=600)))
        await asyncio.sleep(599)
        assert bench.work.log == []
        await asyncio.sleep(2)
        assert [round(at) for at, _ in bench.work.log] == [600]


async def test_our_own_status_write_is_passed_over() -> None:
    """The same version again is an echo; another one is looked at."""
    async with Bench() as bench:
        for version in (1, 1, 1, 2):
            bench.queue.see(ref("x"), sight(version=version))
            await asyncio.sleep(10)
        assert bench.work.names == ["x", "x"]


async def test_a_wake_during_a_pass_runs_one_more() -> None:
    """Not at the same time, not lost, and not once for each wake."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(0.5)
        for _ in range(5):
            bench.queue.wake(ref("x").uid)
        await asyncio.sleep(100)
        assert [at for at, _ in bench.work.log] == [0.0, 1.0]


async def test_a_change_during_a_pass_runs_one_more() -> None:
    """The pass may have read the old spec."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(0.5)
        bench.queue.see(ref("x"), sight(version=2))
        await asyncio.sleep(10)
        assert [at for at, _ in bench.work.log] == [0.0, 1.0]


async def test_never_two_passes_of_one_client_at_once() -> None:
    """Whatever fires, whenever."""
    async with Bench(passes=5) as bench:
        names = [f"c{n}" for n in range(8)]
        for turn in range(200):
            name = names[turn % 8]
            bench.queue.see(ref(name), sight(version=turn // 16))
            bench.queue.wake(ref(names[(turn * 3) % 8]).uid)
            await asyncio.sleep(0.3)
        assert bench.work.most <= 5


@pytest.mark.parametrize(
    ("end", "waits"),
    [
        pytest.param(Conflict(409), 0.2, id="a conflict: soon"),
        pytest.param(ApiError(500), 2, id="no API server: with growing delays"),
        pytest.param(RuntimeError("CANARY"), 2, id="a bug: with growing delays"),
    ],
)
async def test_no_failure_ends_an_actor(end: Exception, waits: float) -> None:
    """The client is looked at again, and the text of the failure is not logged: it may quote a server."""
    async with Bench() as bench:
        bench.work.script["x"] = [end]
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(30)
        assert [at for at, _ in bench.work.log] == [0.0, pytest.approx(1 + waits)]


async def test_failures_in_a_row_wait_longer_and_a_success_forgets_them() -> None:
    """2, 4, 8 ... seconds."""
    async with Bench() as bench:
        bench.work.seconds = 0
        again = outcome(look_again=T0 + timedelta(seconds=100))
        bench.work.script["x"] = [ApiError(500), ApiError(500), ApiError(500), again, ApiError(500)]
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(200)
        assert [round(at) for at, _ in bench.work.log] == [0, 2, 6, 14, 100, 102]


async def test_the_outcome_says_when_to_look_again() -> None:
    """Also after the wall clock jumped: a stored time is translated once."""
    async with Bench() as bench:
        bench.work.script["x"] = [outcome(look_again=T0 + timedelta(seconds=300))]
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(10)
        bench.clock.jumped += timedelta(hours=3)
        await asyncio.sleep(280)
        assert len(bench.work.log) == 1
        await asyncio.sleep(20)
        assert [round(at) for at, _ in bench.work.log] == [0, 300]


async def test_a_machine_that_wakes_up_looks_within_seconds() -> None:
    """Boot time goes on while the machine sleeps; the loop's timers do not."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight(due=T0 + timedelta(hours=1)))
        await asyncio.sleep(10)
        bench.clock.suspended += 2 * 3600
        await asyncio.sleep(6)
        assert bench.work.names == ["x"]


async def test_a_client_that_is_gone_is_forgotten() -> None:
    """By its event, or by a pass that does not find it."""
    async with Bench() as bench:
        bench.work.script["gone"] = [None]
        for name in ("gone", "deleted", "stays"):
            bench.queue.see(ref(name), sight())
        await asyncio.sleep(0.5)
        bench.queue.forget(ref("deleted").uid)
        await asyncio.sleep(10)
        assert [actor.ref.name for actor in bench.queue.actors()] == ["stays"]


async def test_close_waits_for_the_passes_under_way() -> None:
    """They may hold tokens; nothing new is started meanwhile."""
    async with Bench(passes=2) as bench:
        bench.work.seconds = 20
        for n in range(4):
            bench.queue.see(ref(f"c{n}"), sight())
        await asyncio.sleep(1)
        await bench.queue.close(100)
        assert bench.clock.boottime() == pytest.approx(20)
        await asyncio.sleep(100)
        assert (bench.work.running, len(bench.work.names)) == ([], 2)


async def test_close_does_not_wait_for_ever() -> None:
    """The grace period of the pod ends."""
    async with Bench() as bench:
        bench.work.stuck.add("x")
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(1)
        await bench.queue.close(30)
        assert bench.clock.boottime() == pytest.approx(31)
