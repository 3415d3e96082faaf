"""The queue: who is served first, and how many at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.ready import ReadyClients
from tests.unit.examples import TOKEN, outcome
from tests.unit.fakes import T0
from tests.unit.queue_bench import Bench, ref, sight

pytestmark = pytest.mark.looptime


async def test_never_served_first_then_nearest_to_the_end() -> None:
    """Whose consumers have nothing, whose will have nothing soon, the others."""
    async with Bench(passes=1) as bench:
        bench.work.seconds = 0.01
        bench.queue.see(ref("blocker"), sight())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for name, hours in (("late", 5), ("soon", 1), ("never", 0), ("middle", 3)):
            expires = T0 + timedelta(hours=hours) if hours else None
            bench.queue.see(ref(name), sight(expires=expires))
        await asyncio.sleep(60)
        assert bench.work.names == ["blocker", "never", "soon", "middle", "late"]


async def test_namespaces_take_turns() -> None:
    """A namespace with a hundred clients does not make the others wait."""
    async with Bench(passes=1) as bench:
        for n in range(100):
            bench.queue.see(ref(f"big{n}", "big"), sight())
        bench.queue.see(ref("small", "small"), sight())
        await asyncio.sleep(30)
        assert "small" in bench.work.names[:3]


def test_ready_clients_are_served_round_robin() -> None:
    """Two namespaces, each in its own order."""
    ready = ReadyClients()
    for namespace, uid, expires in (("a", "a2", 2), ("a", "a1", 1), ("b", "b9", 9), ("a", "a0", 0), ("b", "b0", 0)):
        ready.push(namespace, uid, expires)
    assert [ready.pop() for _ in range(6)] == ["a0", "b0", "a1", "b9", "a2", None]


async def test_a_dead_server_does_not_stop_the_others() -> None:
    """Its clients take only its own share of the passes."""
    async with Bench(passes=8, passes_a_server=4) as bench:
        for n in range(50):
            bench.work.stuck.add(f"dead{n}")
            bench.queue.see(ref(f"dead{n}", f"ns{n}"), sight("dead"))
        for n in range(20):
            bench.queue.see(ref(f"well{n}", f"ns{n}"), sight("well"))
        await asyncio.sleep(60)
        assert sum(name.startswith("dead") for name in bench.work.names) == 4
        assert sum(name.startswith("well") for name in bench.work.names) == 20


async def test_parked_clients_are_served_when_their_server_has_room() -> None:
    """All of them, in the end."""
    async with Bench(passes=8, passes_a_server=2) as bench:
        for n in range(20):
            bench.queue.see(ref(f"c{n}"), sight())
        await asyncio.sleep(60)
        assert (len(set(bench.work.names)), bench.work.most) == (20, 2)


async def test_never_more_passes_at_once_than_allowed() -> None:
    """Whatever is due."""
    async with Bench(passes=6) as bench:
        for n in range(40):
            bench.queue.see(ref(f"c{n}"), sight(f"s{n % 4}"))
        await asyncio.sleep(300)
        assert (bench.work.most, len(bench.work.names)) == (6, 40)


async def test_a_free_place_is_taken_at_once() -> None:
    """Ten passes of a second each, one at a time, take ten seconds."""
    async with Bench(passes=1) as bench:
        for n in range(10):
            bench.queue.see(ref(f"c{n}"), sight())
        await asyncio.sleep(15)
        assert len(bench.work.names) == 10


async def test_a_served_client_queues_by_its_new_expiry() -> None:
    """Whoever got a token goes behind those that have none."""
    async with Bench(passes=1) as bench:
        bench.work.seconds = 0.01
        later = replace(TOKEN, expires_at=T0 + timedelta(hours=9))
        bench.work.script["x"] = [outcome(token=later)]
        bench.queue.see(ref("x"), sight())
        await asyncio.sleep(10)
        bench.queue.see(ref("y"), sight(expires=T0 + timedelta(hours=1)))
        bench.queue.wake(ref("x").uid)
        await asyncio.sleep(20)
        assert bench.work.names == ["x", "y", "x"]
