"""The long campaign: storms over strict and forgiving servers, one replica and two, one Lease and two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.checker import Verdict, judge
from tests.faults.stage import Row, Stage, percentile
from tests.faults.storm import Storm, rage

KILLS, REFRESHES = 200, 2000
CLIENTS, LIFE, GRACE = 24, 5, 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix."""

    title: str
    grace: float
    replicas: tuple[str, ...] = ("a",)
    leases: int = 1


MATRIX = (
    Case("strict server, one replica", 0.0),
    Case("strict server, two replicas, one Lease", 0.0, ("a", "b")),
    Case("strict server, two replicas, two Leases", 0.0, ("a", "b"), 2),
    Case("grace period, one replica", GRACE),
    Case("grace period, two replicas, one Lease", GRACE, ("a", "b")),
    Case("grace period, two replicas, two Leases", GRACE, ("a", "b"), 2),
)


def run(stage: Stage) -> list[Row]:
    """Play the whole matrix; return the figures of all of it."""
    verdicts = []
    for number, case in enumerate(MATRIX):
        with stage.about(case.title):
            verdicts.append(_play(stage, case, number))
            stage.findings += [f"{case.title}: {finding}" for finding in verdicts[-1].findings]
    return list(_figures(stage, verdicts))


def _play(stage: Stage, case: Case, number: int) -> Verdict:
    kills = stage.scaled(-(-KILLS // len(MATRIX)))
    refreshes = stage.scaled(-(-REFRESHES // len(MATRIX)))
    storm = Storm(kills=kills, refreshes=refreshes, pods=0.1, clock=100.0, seed=number)
    bed = stage.bed(
        count=CLIENTS, life=LIFE, grace=case.grace, replicas=case.replicas, leases=case.leases, knobs={"commit_at": 0.3}
    )
    with bed:
        bed.serve()
        rage(bed, storm, stage.progress)
        stage.progress("settling")
        bed.settle()
        return judge(bed.evidence())


def _figures(stage: Stage, verdicts: list[Verdict]) -> Iterator[Row]:
    refreshes, kills = sum(v.refreshes for v in verdicts), sum(v.kills for v in verdicts)
    wanted, deaths = stage.scaled(REFRESHES), stage.scaled(KILLS)
    lost, told = sum(v.lost for v in verdicts), sum(v.told for v in verdicts)
    outside = sum(v.outside for v in verdicts)
    replays = sum(v.replays for v in verdicts)
    unexplained = sum("replay" in finding for v in verdicts for finding in v.findings)
    exposure = [1000 * seconds for v in verdicts for seconds in v.exposure]
    yield Row("campaign: refreshes", str(refreshes), f"≥ {wanted}", refreshes >= wanted)
    yield Row("campaign: processes killed", str(kills), f"≥ {deaths}", kills >= deaths)
    yield Row("campaign: lost outside the window", str(outside), "0", outside == 0)
    yield Row(
        "campaign: lost in the window, on the wire", str(sum(v.on_the_wire for v in verdicts)), "told", told == lost
    )
    yield Row("campaign: lost with a deleted pod", str(sum(v.with_the_pod for v in verdicts)), "told", told == lost)
    yield Row("campaign: lost grants told as RotationLost", f"{told} of {lost}", "all", told == lost)
    yield Row("campaign: replays, unexplained ones", f"{replays}, {unexplained}", "0 unexplained", unexplained == 0)
    broken = sum(len(v.findings) for v in verdicts)
    yield Row("campaign: invariants found broken", str(broken), "0", broken == 0)
    p99 = f"{percentile(exposure, 0.5):.0f}, {percentile(exposure, 0.99):.0f} ms"
    yield Row("campaign: exposure (server's commit to spill), p50, p99", p99, "", bool(exposure))
