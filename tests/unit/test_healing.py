"""Healing: edited and deleted Secrets, changed credentials, a missed DELETE; never more than the budget of reads."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Marks
from citrix_oauth_operator.healing import ClockWatch, NamespacePoll, Poll, Relist
from citrix_oauth_operator.kube.labels import client_path, secret_path
from citrix_oauth_operator.kube.namespaces import Namespaces
from tests.unit.examples import REJECTED, outcome
from tests.unit.fakes import T0, FakeApi, Fault
from tests.unit.queue_bench import Bench, ref, sight

pytestmark = pytest.mark.looptime


def _path(client: ClientRef, kind: str = "token") -> str:
    return secret_path(client.namespace, f"{client.name}-{kind}")


def _served(bench: Bench, api: FakeApi, names: Iterable[str], *, troubled: bool = False) -> None:
    """Put clients into the queue whose last pass saw their Secrets as they are."""
    for name in names:
        client = ref(name)
        versions = [api.put(_path(client, kind), {"metadata": {}})["metadata"]["resourceVersion"] for kind in KINDS]
        marks = Marks(f"{name}-token", versions[0], f"{name}-creds", versions[1], troubled=troubled)
        end = outcome(marks=marks, problem=REJECTED if troubled else None)
        bench.work.script[name] = [end] * 1000
        bench.queue.see(client, sight())


KINDS = ("token", "creds")


async def _polling(bench: Bench, api: FakeApi) -> asyncio.Task[None]:
    bench.work.seconds = 0.01
    await asyncio.sleep(10)
    bench.work.log.clear()
    return asyncio.create_task(Poll(api, bench.queue, bench.clock).run())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", ["edited", "deleted"])
async def test_a_changed_secret_wakes_its_client(kind: str, change: str) -> None:
    """Within seconds, and nobody else."""
    async with Bench() as bench:
        api = FakeApi()
        _served(bench, api, ["x", "y"])
        await _polling(bench, api)
        path = _path(ref("x"), kind)
        if change == "edited":
            api.put(path, api.objects[path])
        else:
            api.drop(path)
        await asyncio.sleep(8)
        assert set(bench.work.names) == {"x"}


async def test_nothing_changed_wakes_nobody() -> None:
    """However long it polls."""
    async with Bench() as bench:
        api = FakeApi()
        _served(bench, api, ["x", "y"])
        await _polling(bench, api)
        await asyncio.sleep(60)
        assert bench.work.log == []


async def test_the_poll_keeps_its_budget() -> None:
    """20 GET a second in all, whatever the number of clients."""
    async with Bench() as bench:
        api = FakeApi()
        _served(bench, api, [f"c{n}" for n in range(200)])
        _served(bench, api, [f"t{n}" for n in range(50)], troubled=True)
        await _polling(bench, api)
        before = len(api.requests)
        await asyncio.sleep(30)
        assert len(api.requests) - before <= 30 * 20 + 10


async def test_a_troubled_client_among_many_is_looked_at_within_seconds() -> None:
    """A person waits for the cure to be noticed."""
    async with Bench() as bench:
        api = FakeApi()
        _served(bench, api, [f"c{n}" for n in range(500)])
        _served(bench, api, ["stalled"], troubled=True)
        await _polling(bench, api)
        await asyncio.sleep(20)
        path = _path(ref("stalled"), "creds")
        api.put(path, api.objects[path])
        await asyncio.sleep(6)
        assert "stalled" in bench.work.names


async def test_an_api_server_that_is_down_wakes_nobody() -> None:
    """What could not be read has not changed."""
    async with Bench() as bench:
        api = FakeApi()
        _served(bench, api, ["x"])
        api.faults.append(Fault("GET", before=ApiError(500), times=10**6))
        task = await _polling(bench, api)
        await asyncio.sleep(30)
        assert (bench.work.log, task.done()) == ([], False)


async def test_a_client_whose_deletion_was_missed_is_looked_at() -> None:
    """The pass finds out by itself that it is gone."""
    async with Bench() as bench:
        api = FakeApi("a")
        for name in ("gone", "here"):
            bench.queue.see(ref(name), sight())
        api.put(client_path(ref("here")), {"metadata": {"uid": ref("here").uid}})
        await asyncio.sleep(5)
        bench.work.log.clear()
        await Relist(api, bench.queue, ()).once()
        await asyncio.sleep(5)
        assert bench.work.names == ["gone"]


async def test_a_relist_that_fails_is_repeated() -> None:
    """And drops nobody."""
    async with Bench() as bench:
        api = FakeApi("a")
        bench.queue.see(ref("x"), sight())
        api.faults.append(Fault("GET", "citrixclients", before=ApiError(500), times=2))
        task = asyncio.create_task(Relist(api, bench.queue, ("a",)).run())
        await asyncio.sleep(3600)
        assert not task.done()
        assert 5 <= len(api.requests) <= 6


@pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=-1), timedelta(seconds=40)], ids=str)
async def test_a_corrected_wall_clock_wakes_everybody(by: timedelta) -> None:
    """A schedule that was translated by a wrong clock would stay wrong for as long."""
    async with Bench() as bench:
        for name in ("x", "y"):
            bench.queue.see(ref(name), sight(due=bench.clock.now() + timedelta(days=2)))
        task = asyncio.create_task(ClockWatch(bench.queue, bench.clock).run())
        await asyncio.sleep(60)
        assert bench.work.log == []
        bench.clock.jumped = by
        await asyncio.sleep(10)
        assert set(bench.work.names) == {"x", "y"}
        await asyncio.sleep(600)
        assert (len(bench.work.log), task.done()) == (2, False)


async def test_small_corrections_of_the_wall_clock_are_no_news() -> None:
    """Time servers make them all the time; a suspended machine's two clocks go on together."""
    async with Bench() as bench:
        bench.queue.see(ref("x"), sight(due=bench.clock.now() + timedelta(days=2)))
        watching = asyncio.create_task(ClockWatch(bench.queue, bench.clock).run())
        for step in range(20):
            bench.clock.jumped = timedelta(seconds=step % 2 * 20)
            await asyncio.sleep(10)
        bench.clock.suspended = 3600
        await asyncio.sleep(60)
        assert (bench.work.log, watching.done()) == ([], False)


async def test_a_relabelled_namespace_wakes_its_clients() -> None:
    """Within the minute, where a server selects by labels; also those whose own pass did not see the change."""
    async with Bench() as bench:
        api = FakeApi("a", "b")

        def relabelled(name: str) -> None:
            for actor in bench.queue.actors():
                if actor.ref.namespace == name:
                    bench.queue.wake(actor.ref.uid)

        namespaces = Namespaces(api, bench.clock, relabelled)
        for name, server in (("x", "choosy"), ("y", "open")):
            bench.queue.see(ref(name, "a" if name == "x" else "b"), sight(server=server, due=T0 + timedelta(days=1)))
        poll = NamespacePoll(bench.queue, lambda server: server == "choosy", namespaces.labels)
        polling = asyncio.create_task(poll.run())
        await asyncio.sleep(300)
        assert bench.work.log == []
        read = [path for _, path in api.requests]
        assert set(read) == {"/api/v1/namespaces/a"}
        api.put(read[0], {"metadata": {"name": "a", "labels": {"team": "red"}}})
        await asyncio.sleep(62)
        assert bench.work.names == ["x"]
        await asyncio.sleep(600)
        assert (bench.work.names, polling.done()) == (["x"], False)
