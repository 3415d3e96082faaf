"""How long nobody serves when a leader ends, told to or killed, by the servers' logs; no test judges a duration."""

from __future__ import annotations

import time

from tests.faults.bed import Bed
from tests.faults.checker import judge
from tests.faults.leadership import leading
from tests.faults.replica import Replica
from tests.faults.stage import Row, Stage

ROUNDS = 5
LEASE_SECONDS = 15  # as it is shipped
RELEASED_SECONDS, KILLED_LEASES = 1.0, 1.5


def run(stage: Stage) -> list[Row]:
    """End the leader of two again and again; return the longest gap of each kind."""
    rows: list[Row] = []
    with stage.about("hand-over"), stage.bed(count=24, life=4, replicas=("a", "b"), lease_seconds=LEASE_SECONDS) as bed:
        bed.serve()
        leader = leading(bed)
        standby = next(each for each in bed.replicas if each is not leader)
        released, killed = [], []
        for number in range(stage.scaled(ROUNDS)):
            stage.progress(f"round {number + 1}")
            released.append(_terminated(bed, leader, standby))
            leader, standby = standby, leader
            killed.append(_killed(bed, leader, standby))
            leader, standby = standby, leader
        bed.settle()
        findings = judge(bed.evidence()).findings
        stage.findings += [f"hand-over: {finding}" for finding in findings]
        rows += _rows(released, killed)
    return rows


def _rows(released: list[float], killed: list[float]) -> list[Row]:
    bound = KILLED_LEASES * LEASE_SECONDS
    return [
        Row(
            f"hand-over, {len(released)} leaders told to end: Lease released to the standby's first request",
            f"{max(released):.2f} s",
            f"≤ {RELEASED_SECONDS:.0f} s",
            max(released) <= RELEASED_SECONDS,
        ),
        Row(
            f"hand-over, {len(killed)} leaders killed, Lease of {LEASE_SECONDS} s: to the standby's first request",
            f"{max(killed):.1f} s",
            f"≤ {bound:.1f} s",
            max(killed) <= bound,
        ),
    ]


def _terminated(bed: Bed, leader: Replica, standby: Replica) -> float:
    _await_ready(standby)
    leader.terminate()
    leases = [call for call in bed.proxy.calls() if call["replica"] == leader.name and "/leases/" in call["path"]]
    released = max(float(call["answered"]) for call in leases if call["answered"])
    gap = _first_request(bed, released) - released
    leader.start()
    return gap


def _killed(bed: Bed, leader: Replica, standby: Replica) -> float:
    _await_ready(standby)
    leader.kill()
    begin, end = leader.hits[-1].begin, leader.hits[-1].end
    gap = _first_request(bed, end) - begin
    leader.start()
    return gap


def _await_ready(standby: Replica) -> None:
    standby.operator.await_serving()
    time.sleep(1.0)  # its watch of the Lease has begun


def _first_request(bed: Bed, since: float) -> float:
    def later() -> list[float]:
        return [record.arrival for record in bed.evidence().requests if record.arrival > since]

    bed.until(lambda: bool(later()), "the standby serves")
    return min(later())
