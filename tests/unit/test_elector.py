"""Leader election on virtual time: who leads when, whatever the API server, the clocks and other people do."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.election import Record, Spans
from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound, Unreachable
from citrix_oauth_operator.elector import Candidate, Elector
from tests.unit.fakes import LoopClock

pytestmark = pytest.mark.looptime

SPANS = Spans(15)
DEAD = "host:here/1:ended"


class Api:
    """The API server with one Lease, as one replica reaches it or not; a list of its versions."""

    name = "citrix-oauth-operator"

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.down: Exception | None = None
        self.hangs = self.loses_answers = False
        self.reads = 0

    async def read(self) -> Record | None:
        """Return the Lease."""
        await self._reached()
        self.reads += 1
        return self._store.record

    async def write(self, record: Record) -> Record:
        """Compare and swap."""
        await self._reached()
        written = self._store.put(record)
        if self.loses_answers:
            raise Unreachable
        return written

    async def follow(self) -> AsyncGenerator[Record | None]:
        """Yield every version from now on; a stream that is cut by a partition says nothing more."""
        await self._reached()
        self.reads += 1
        seen = self._store.record
        yield seen
        while True:
            while seen == self._store.record or self.down or self.hangs:
                await self._store.changed()
            seen = self._store.record
            yield seen

    async def _reached(self) -> None:
        await asyncio.sleep(0.01)
        if self.hangs:
            await asyncio.sleep(10)
            raise Unreachable
        if self.down:
            raise self.down


class Store:
    """What etcd holds."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.writes = 0
        self._versions = 0
        self._change = asyncio.Event()

    def put(self, record: Record) -> Record:
        """Write under the version that was read."""
        if record.version and self.record is None:
            raise NotFound(404)
        if record.version != (self.record.version if self.record else ""):
            raise Conflict(409)
        self.writes += 1
        return self.force(record)

    def force(self, record: Record | None) -> Record:
        """Write whatever is there, as a person does; None deletes."""
        self._versions += 1
        self.record = replace(record, version=str(self._versions)) if record else None
        self._change.set()
        self._change = asyncio.Event()
        return self.record or Record()

    async def changed(self) -> None:
        """Wait for the next version."""
        await self._change.wait()


class Replica:
    """One elector with a clock of its own, and what it was told."""

    def __init__(self, store: Store, name: str, spans: Spans = SPANS) -> None:
        self.api, self.clock = Api(store), LoopClock()
        self.told: list[str] = []
        self.elector = Elector(self.api, Candidate(name, lambda other: other == DEAD), spans, self.clock)
        self.elector.gained = lambda: self.told.append("gained")
        self.elector.lost = lambda: self.told.append("lost")
        self.task = asyncio.create_task(self.elector.run())

    @property
    def leads(self) -> bool:
        """Whether it leads now."""
        return self.elector.leads()

    async def end(self, *, release: bool) -> None:
        """End in order, or as by SIGKILL."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if release:
            await self.elector.release()


async def seconds_until(seen: Callable[[], object], most: float = 120.0) -> float:
    """Return how long it takes until something is so."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    while not seen():
        assert loop.time() - start < most, "never"
        await asyncio.sleep(0.05)
    return loop.time() - start


async def two() -> tuple[Store, Replica, Replica]:
    """Return a leader and a standby that has watched for a while."""
    store = Store()
    leader = Replica(store, "pod:1/a")
    await seconds_until(lambda: leader.leads)
    standby = Replica(store, "pod:2/b")
    await asyncio.sleep(30)
    assert (leader.leads, standby.leads, standby.told) == (True, False, [])
    return store, leader, standby


@pytest.fixture(autouse=True)
async def _no_task_is_left() -> AsyncGenerator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_the_first_one_leads_at_once_and_renews_every_two_seconds() -> None:
    """Nothing else is written, and nothing is read."""
    store = Store()
    replica = Replica(store, "pod:1/a")
    assert await seconds_until(lambda: replica.leads) < 0.2
    writes, reads = store.writes, replica.api.reads
    await asyncio.sleep(60)
    assert replica.leads
    assert replica.told == ["gained"]
    assert 28 <= store.writes - writes <= 31
    assert replica.api.reads == reads
    assert store.record is not None
    assert (store.record.holder, store.record.duration, store.record.transitions) == ("pod:1/a", 15, 0)


async def test_a_standby_writes_nothing() -> None:
    """However long it waits: the stream tells it everything."""
    store, leader, standby = await two()
    del leader
    reads = standby.api.reads
    await asyncio.sleep(300)
    assert store.record is not None
    assert store.record.holder == "pod:1/a"
    assert standby.api.reads == reads


async def test_a_released_lease_is_taken_at_once() -> None:
    """The standby watches: no waiting for an end, nor for a next look."""
    store, leader, standby = await two()
    await leader.end(release=True)
    assert await seconds_until(lambda: standby.leads) < 0.2
    assert store.record is not None
    assert store.record.transitions == 1


async def test_a_killed_leader_is_replaced_within_one_and_a_half_leases() -> None:
    """And not before its lease has run out."""
    _, leader, standby = await two()
    await leader.end(release=False)
    assert 15 - 2.1 <= await seconds_until(lambda: standby.leads) < 1.5 * 15


async def test_the_holder_that_is_proven_dead_is_not_waited_for() -> None:
    """The next process of the same pod, or host, goes on at once."""
    store = Store()
    store.force(Record(DEAD, 15, "x", "y", 3))
    replica = Replica(store, "host:here/2:alive")
    assert await seconds_until(lambda: replica.leads) < 0.2


@pytest.mark.parametrize("way", ["refused", "silent", "forbidden"])
async def test_a_leader_without_api_server_stops_before_its_lease_can_be_taken(way: str) -> None:
    """It stays in the race, and is told to stop; the process goes on."""
    _, leader, standby = await two()
    leader.api.down = {"refused": Unreachable(), "silent": None, "forbidden": ApiError(403)}[way]
    leader.api.hangs = way == "silent"
    stopped = await seconds_until(lambda: not leader.leads)
    assert stopped <= SPANS.renew_deadline
    assert not standby.leads
    taken = stopped + await seconds_until(lambda: standby.leads)
    assert taken >= stopped + 2
    await asyncio.sleep(30)
    assert leader.told == ["gained", "lost"]
    assert not leader.task.done()


async def test_a_leader_leads_on_through_a_short_outage() -> None:
    """Renewals that fail for less than the renew deadline are nobody's business."""
    store, leader, standby = await two()
    for _ in range(20):
        leader.api.down = standby.api.down = Unreachable()
        await asyncio.sleep(6)
        leader.api.down = standby.api.down = None
        await asyncio.sleep(5)
        assert leader.leads
    assert (leader.told, standby.told) == (["gained"], [])
    assert store.record is not None
    assert store.record.transitions == 0


async def test_a_partitioned_leader_comes_back_as_a_standby_and_leads_again_when_it_is_free() -> None:
    """It is not restarted in between: it may hold tokens."""
    _, leader, standby = await two()
    leader.api.down = Unreachable()
    await seconds_until(lambda: standby.leads)
    leader.api.down = None
    await asyncio.sleep(60)
    assert (leader.leads, standby.leads) == (False, True)
    await standby.end(release=True)
    assert await seconds_until(lambda: leader.leads) < 0.2
    assert leader.told == ["gained", "lost", "gained"]


async def test_a_lone_leader_takes_its_own_lease_again_after_an_outage() -> None:
    """It waits for nobody: the record names it."""
    store = Store()
    replica = Replica(store, "pod:1/a")
    await seconds_until(lambda: replica.leads)
    replica.api.down = Unreachable()
    await asyncio.sleep(40)
    assert not replica.leads
    replica.api.down = None
    assert await seconds_until(lambda: replica.leads) < 3.5
    assert store.record is not None
    assert store.record.transitions == 0


async def test_a_machine_that_was_suspended_knows_that_it_leads_no_more() -> None:
    """At once when it wakes: by boot time, before anything was asked."""
    _, leader, standby = await two()
    leader.api.hangs = True
    await seconds_until(lambda: standby.leads)
    leader.api.hangs = False
    leader.clock.suspended += 600  # what it slept; the loop's own timers know nothing of it
    assert not leader.leads
    await asyncio.sleep(30)
    assert (leader.leads, standby.leads) == (False, True)


async def test_a_suspended_leader_stops_with_its_first_breath() -> None:
    """Although no timer of its loop has run out."""
    _, leader, _ = await two()
    leader.clock.suspended += 11
    assert not leader.leads


@pytest.mark.parametrize("skew", [timedelta(days=-3650), timedelta(hours=-1), timedelta(days=3650)], ids=str)
async def test_wall_clocks_do_not_matter(skew: timedelta) -> None:
    """Neither a renewTime of the past nor one of the future."""
    _, leader, standby = await two()
    leader.clock.jumped = skew
    await asyncio.sleep(60)
    assert (leader.leads, standby.leads) == (True, False)
    await leader.end(release=False)
    assert 12 < await seconds_until(lambda: standby.leads) < 1.5 * 15


async def test_a_lost_answer_costs_nothing() -> None:
    """The next renewal conflicts with our own write, and the record names us."""
    store, leader, standby = await two()
    leader.api.loses_answers = True
    await asyncio.sleep(3)
    leader.api.loses_answers = False
    await asyncio.sleep(30)
    assert (leader.told, standby.told) == (["gained"], [])
    await leader.end(release=True)
    assert await seconds_until(lambda: standby.leads) < 0.2
    assert store.record is not None


async def test_a_release_is_not_stopped_by_a_renewal_whose_answer_was_lost() -> None:
    """It reads, and leaves what is its own."""
    _, leader, standby = await two()
    leader.api.loses_answers = True
    await asyncio.sleep(3)
    await leader.end(release=False)
    leader.api.loses_answers = False
    await leader.elector.release()
    assert await seconds_until(lambda: standby.leads) < 0.2


async def test_a_release_leaves_somebody_elses_lease_alone() -> None:
    """Who was replaced has nothing to give away."""
    store, leader, standby = await two()
    leader.api.down = Unreachable()
    await seconds_until(lambda: standby.leads)
    leader.api.down = None
    await leader.end(release=True)
    await asyncio.sleep(5)
    assert standby.leads
    assert store.record is not None
    assert store.record.holder == "pod:2/b"


async def test_a_lease_taken_by_force_is_lost_at_the_next_renewal() -> None:
    """A person, or a foreign client, wrote another holder into it."""
    store, leader, _ = await two()
    store.force(Record("somebody else", 15, "x", "y", 9))
    assert await seconds_until(lambda: not leader.leads) <= SPANS.retry + 0.2


async def test_a_deleted_lease_is_written_anew_by_who_leads() -> None:
    """The standby leaves it the time to notice."""
    store, leader, standby = await two()
    store.force(None)
    await asyncio.sleep(30)
    assert (leader.leads, standby.leads, leader.told) == (True, False, ["gained"])
    assert store.record is not None


async def test_a_deleted_lease_of_a_dead_leader_is_taken() -> None:
    """After the time that a living one would have had."""
    store, leader, standby = await two()
    await leader.end(release=False)
    store.force(None)
    assert 14 < await seconds_until(lambda: standby.leads) < 1.5 * 15


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(Record(), id="empty"),
        pytest.param(Record("", 10**9, "garbage", "garbage", -5), id="nobody's, for ever"),
        pytest.param(Record("gone", None), id="no duration, no times"),
        pytest.param(Record("gone", 0, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"), id="the far future"),
        pytest.param(Record("gone", -7), id="a negative duration"),
    ],
)
async def test_a_strange_record_is_overcome(record: Record) -> None:
    """Within one and a half leases, whatever its fields say."""
    store = Store()
    store.force(record)
    replica = Replica(store, "pod:1/a")
    assert await seconds_until(lambda: replica.leads) < 1.5 * 15


async def test_a_record_that_asks_for_a_year_is_not_believed() -> None:
    """Five minutes are the most that any of ours would ask for."""
    store = Store()
    store.force(Record("gone", 365 * 86400))
    replica = Replica(store, "pod:1/a")
    assert 299 < await seconds_until(lambda: replica.leads, 400) < 302


async def test_a_label_on_the_lease_renews_nothing() -> None:
    """Somebody's edits do not keep a dead leader in office."""
    store, leader, standby = await two()
    await leader.end(release=False)
    for _ in range(20):
        await asyncio.sleep(1)
        if store.record and not standby.leads:
            store.force(store.record)
    assert standby.leads


async def test_of_five_racers_one_leads() -> None:
    """At every moment at most one, and nearly always one."""
    store = Store()
    racers = [Replica(store, f"pod:{n}/x") for n in range(5)]
    leaderless = 0.0
    for step in range(800):
        await asyncio.sleep(0.5)
        leaders = [racer for racer in racers if racer.leads]
        assert len(leaders) <= 1
        leaderless += 0 if leaders else 0.5
        if leaders and step % 80 == 79:
            leaders[0].api.down = Unreachable()
        for racer in racers:
            if racer.api.down and step % 80 == 40:
                racer.api.down = None
    assert leaderless < 9 * 17


async def test_a_failure_that_nobody_foresaw_ends_no_elector() -> None:
    """It would take the process with it, and what that holds."""
    store, leader, standby = await two()
    standby.api.down = ValueError("CANARY")
    leader.api.down = RuntimeError("CANARY")
    await asyncio.sleep(60)
    standby.api.down = leader.api.down = None
    await seconds_until(lambda: leader.leads or standby.leads)
    assert not leader.task.done()
    assert not standby.task.done()
    assert store.record is not None
