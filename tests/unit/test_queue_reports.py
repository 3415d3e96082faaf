"""What is told of a pass: after the first tokens that others wait for, but not much later; never between two passes."""

import asyncio
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from tests.unit.examples import outcome
from tests.unit.fakes import T0
from tests.unit.queue_bench import Bench, ref, sight

pytestmark = pytest.mark.looptime


async def test_a_pass_is_reported_at_once_when_nobody_waits_for_a_first_token() -> None:
    """The common case."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(1.1)
        assert bench.reports == [1.0]


async def test_first_tokens_come_before_reports() -> None:
    """Ten clients, two places: all have their tokens after five seconds, then words follow."""
    async with Bench(passes=2) as bench:
        for number in range(10):
            bench.queue.see(ref(f"x{number}"), sight())
        await asyncio.sleep(4.9)
        assert bench.reports == []
        await asyncio.sleep(0.2)
        assert bench.reports == [5.0] * 10


async def test_a_report_does_not_wait_for_ever() -> None:
    """Among thousands of new clients a person still sees what becomes of one."""
    async with Bench(passes=2) as bench:
        bench.work.seconds = 4.0
        for number in range(20):
            bench.queue.see(ref(f"x{number}"), sight())
        await asyncio.sleep(14.1)
        assert bench.reports == [14.0, 14.0]


async def test_refreshes_hold_nobody_up() -> None:
    """A client that has a token, or was looked at before, is not waited for."""
    async with Bench(passes=2) as bench:
        for number in range(4):
            bench.queue.see(ref(f"x{number}"), sight(due=T0, expires=T0 + timedelta(hours=1)))
        await asyncio.sleep(1.1)
        assert bench.reports == [1.0, 1.0]


async def test_a_second_look_at_a_client_without_a_token_holds_nobody_up() -> None:
    """Its server may be dead: what is told of others would always be late."""
    async with Bench() as bench:
        bench.queue.see(ref("sick"), sight())
        await asyncio.sleep(2)
        bench.work.stuck.add("sick")
        bench.queue.wake(ref("sick").uid)
        await asyncio.sleep(1)
        bench.queue.see(ref("new"), sight())
        await asyncio.sleep(1.1)
        assert bench.reports == [1.0, 4.0]


async def test_a_client_that_is_deleted_while_it_waits_holds_nobody_up() -> None:
    """It never gets the token that the others' reports wait for."""
    async with Bench(passes=1) as bench:
        for name in ("x", "y"):
            bench.queue.see(ref(name), sight())
        await asyncio.sleep(0.5)
        bench.queue.forget(ref("y").uid)
        await asyncio.sleep(1)
        assert bench.reports == [1.0]


async def test_no_second_pass_begins_before_the_report() -> None:
    """It would read a status that does not know of the first."""
    async with Bench() as bench:
        bench.report_seconds = 5.0
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(2)
        bench.queue.wake(ref("x").uid)
        await asyncio.sleep(10)
        assert [at for at, _ in bench.work.log] == [0.0, 6.0]


async def test_a_slow_report_takes_no_pass_from_others() -> None:
    """Its place in the queue is free again."""
    async with Bench(passes=1) as bench:
        bench.report_seconds = 50.0
        for name in ("x", "y"):
            bench.queue.see(ref(name), sight())
        await asyncio.sleep(3)
        assert bench.work.names == ["x", "y"]


async def test_the_end_waits_for_the_reports_and_reports_wait_for_nobody_then() -> None:
    """What is under way when the process is told to stop is told."""
    async with Bench(passes=1) as bench:
        for name in ("x", "y"):
            bench.queue.see(ref(name), sight())
        await asyncio.sleep(0.5)
        await bench.queue.close(10)
        assert bench.reports == [1.0]


async def test_a_report_that_fails_is_followed_by_another_pass() -> None:
    """Backing off, as after a pass that fails."""
    async with Bench() as bench:
        bench.work.script["x"] = [outcome(look_again=None)]
        bench.report_failures = [ApiError(500)]
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(60)
        assert bench.work.names == ["x", "x"]
