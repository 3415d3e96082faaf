"""Two replicas and one Lease, on a real API server and a strict authorization server: who serves, and at what cost.

What is asserted is order, read from the proxy's log of writes and the replicas' own words, never a duration.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.faults.bed import Bed
from tests.faults.conftest import Beds
from tests.faults.leadership import await_turns, gained, leading
from tests.faults.records import Hit, writes_of
from tests.faults.replica import Replica
from tests.faults.rules import Rule
from tests.faults.test_quick import kept
from tests.integration.operator.eventually import eventually


def test_a_standby_writes_nothing_and_takes_over_when_the_leader_is_told_to_end(beds: Beds) -> None:
    """The Lease is the last that the leader writes, and nobody waits for its end: a rolling update is not felt."""
    with pair(beds, lease_seconds=60) as (bed, leader, standby):  # so long that nobody loses it for want of processor
        begun_at_once = ("/namespaces", "/leases")  # whoever comes second finds them made
        assert [call for call in writes(bed, standby) if not str(call["path"]).endswith(begun_at_once)] == []
        assert asked(standby, "/readyz") == httpx.codes.OK
        assert leader.terminate() == 0, leader.operator.log
        bed.grant_more(6)
        assert "audit LeadershipReleased" in leader.operator.log
        assert "former=" not in gained(standby)[0]
        assert "/leases" in str(writes(bed, leader)[-1]["path"])
        leader.start()
        bed.grant_more(6)
        await_turns(leader, standby)
        kept(bed)


def test_a_killed_leader_is_replaced(beds: Beds) -> None:
    """Once its lease has run out; its next process finds somebody else in office, and waits."""
    with pair(beds) as (bed, leader, standby):
        leader.kill()
        bed.grant_more(6)
        former = f"former=pod:{leader.operator.env['CITRIX_OAUTH_POD_UID']}"
        assert any(former in term for term in gained(standby)), standby.operator.log
        leader.start()
        leader.operator.await_serving()
        bed.grant_more(6)
        await_turns(leader, standby)
        kept(bed)


def test_a_leader_that_was_stopped_for_longer_than_its_lease_spends_nothing(beds: Beds) -> None:
    """It knows by its own clock, before it asks anybody, that it leads no more; what it had begun is refused."""
    with pair(beds) as (bed, leader, standby):
        for _ in range(3):
            stopped, begin = leading(bed), time.monotonic()
            stopped.operator.signal(signal.SIGSTOP)
            bed.grant_more(6)
            stopped.operator.signal(signal.SIGCONT)
            stopped.hits.append(Hit("stop", stopped.name, begin, time.monotonic()))
            eventually(lambda each=stopped: "LeadershipLost" in each.operator.log, "it says so")  # type: ignore[misc]
        assert gained(leader)
        assert gained(standby)
        kept(bed)


def test_a_partitioned_leader_gives_way_and_lives_on(beds: Beds) -> None:
    """It is healthy, for it may hold tokens; it starts nothing, and is a standby when the network is back."""
    with pair(beds) as (bed, leader, standby):
        begin = time.monotonic()
        bed.proxy.set_rules(Rule("black hole", replica=leader.name))
        bed.grant_more(6)
        assert gained(standby)
        eventually(lambda: "LeadershipLost" in leader.operator.log, "it says so", lambda: leader.operator.log)
        assert asked(leader, "/healthz") == httpx.codes.OK
        assert leader.operator.alive
        bed.proxy.set_rules()
        back = time.monotonic()
        leader.hits.append(Hit("stop", leader.name, begin, back, pod_lost=True))  # what it held had reached nobody
        bed.grant_more(6)
        await_turns(leader, standby)
        assert standby.terminate() == 0, standby.operator.log
        bed.grant_more(6)
        assert len(gained(leader)) > 1
        kept(bed)


def test_two_leaders_send_no_refresh_token_twice(beds: Beds) -> None:
    """Each with a Lease of its own: the compare-and-swap alone keeps them apart, on a server that forgives nothing."""
    with beds(count=8, life=4, replicas=("a", "b"), leases=2) as bed:
        bed.serve()
        bed.until(lambda: served(bed) == {"a", "b"}, "both of them serve: else nothing is tried")
        bed.grant_more(80)
        assert all(gained(each) for each in bed.replicas)
        verdict = kept(bed)
        assert bed.server.stats()["replays"] == 0
        assert (verdict.lost, verdict.replays) == (0, 0)


def test_an_answer_that_cannot_be_committed_before_the_end_is_committed_by_the_next_process(beds: Beds) -> None:
    """SIGTERM while the API server takes no grant: the process ends in its grace period, its spill folder keeps it."""
    with beds(count=4, life=4) as bed:
        bed.replica.operator.env["CITRIX_OAUTH_DRAIN_SECONDS"] = "2"
        bed.serve()
        assert bed.replica.terminate() == 0
        bed.server.set(held=True)
        bed.replica.start()
        bed.until(lambda: bed.in_flight() >= bed.count, "a request of each client is under way")
        bed.proxy.set_rules(Rule("black hole", verb="PUT", path=".*/secrets/grant"))
        bed.server.set(held=False)
        bed.until(lambda: len(bed.replica.stray()) == bed.count, "every answer is spilled")
        assert bed.replica.terminate() == 0, bed.replica.operator.log
        assert len(bed.replica.stray()) == bed.count
        assert "did not end within 2 s" in bed.replica.operator.log
        bed.proxy.set_rules()
        bed.replica.start()
        bed.grant_more(8)
        verdict = kept(bed)
        assert (verdict.lost, verdict.replays) == (0, 0)


@contextmanager
def pair(beds: Beds, lease_seconds: int = 3) -> Iterator[tuple[Bed, Replica, Replica]]:
    """Start two replicas with one Lease; return the bed, who leads, and who does not."""
    with beds(count=6, life=4, replicas=("a", "b"), lease_seconds=lease_seconds) as bed:
        bed.serve()
        leader = leading(bed)
        standby = next(each for each in bed.replicas if each is not leader)
        standby.operator.await_serving()
        yield bed, leader, standby


def writes(bed: Bed, replica: Replica) -> list[dict[str, object]]:
    """Return what a replica wrote, or tried to write."""
    return [call for call in bed.proxy.calls() if call["replica"] == replica.name]


def served(bed: Bed) -> set[str]:
    """Return who has written grants."""
    return {write.replica for write in writes_of(bed.proxy.calls()) if write.grant}


def asked(replica: Replica, probe: str) -> int:
    """Return the status with which a replica answers a probe."""
    return httpx.get(f"http://127.0.0.1:{replica.http_port}{probe}", timeout=60).status_code
