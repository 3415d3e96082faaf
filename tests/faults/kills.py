"""Ten SIGKILLs during the refreshes of many clients, for the operator and for the naive one; what a kill costs."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

from tests.benchmarks import contestants
from tests.faults.checker import REFUSED, judge
from tests.faults.records import Hit
from tests.faults.stage import Row, Stage
from tests.standins.rotating import RotatingServer
from tests.standins.rotating.server import Record

CLIENTS, KILLS, LIFE = 500, 10, 40
AFTERWARDS_SECONDS = 60.0
COST_KILLS = 40


@dataclass(frozen=True, slots=True)
class Toll:
    """What a number of kills cost, from the authorization server's log alone.

    Attributes:
        in_flight: requests that were with the server at a kill and that it was to grant.
        in_hand: grants lost although the client had read the whole answer; on_the_wire: lost before that.
        refusals: answers `invalid_grant`; most: to any one grant; most_heard: of these, not under way at a kill.
    """

    kills: int
    in_flight: int
    in_hand: int
    on_the_wire: int
    refusals: int
    most: int
    most_heard: int

    @property
    def lost(self) -> int:
        """All grants that need a person."""
        return self.in_hand + self.on_the_wire


def toll(records: list[Record], hits: list[Hit]) -> Toll:
    """Count from the server's log what the kills cost."""
    refused: dict[str, list[Record]] = {}
    for record in records:
        if record.outcome in REFUSED:
            refused.setdefault(record.family, []).append(record)
    wire = sum(_on_the_wire(records, family, hits) for family in refused)
    granted = [record for record in records if record.outcome not in REFUSED]
    return Toll(
        kills=len(hits),
        in_flight=sum(_under_way(record, hit) for record in granted for hit in hits),
        in_hand=len(refused) - wire,
        on_the_wire=wire,
        refusals=sum(len(each) for each in refused.values()),
        most=max(map(len, refused.values()), default=0),
        most_heard=max((_heard(each, hits) for each in refused.values()), default=0),
    )


def _heard(refusals: list[Record], hits: list[Hit]) -> int:
    """Count what no kill kept from its client: of any other the outcome is unknown, and it is asked for again."""
    return sum(not any(_under_way(refusal, hit) for hit in hits) for refusal in refusals)


def _under_way(record: Record, hit: Hit) -> bool:
    return record.arrival <= hit.begin <= (inf if record.closed is None else record.closed)


def _on_the_wire(records: list[Record], family: str, hits: list[Hit]) -> bool:
    last = max((r for r in records if r.family == family and r.committed), key=lambda r: r.arrival)
    return any(_under_way(last, hit) for hit in hits)


def five_hundred(stage: Stage) -> list[Row]:
    """Kill both operators; return the figures side by side."""
    rows: list[Row] = []
    with stage.about("kills, operator"):
        ours, findings = _ours(stage)
        stage.findings += [f"kills: {finding}" for finding in findings]
        with stage.about("kills, naive operator"):
            rows += _side_by_side(ours, _naive(stage), stage.scaled(CLIENTS))
    return rows


def _side_by_side(ours: Toll, naive: Toll, clients: int) -> Iterator[Row]:
    title = f"{ours.kills} kills, {clients} clients, strict server with 50 ms: "

    def row(figure: str, ours_: object, naive_: object, target: str, *, met: bool) -> Row:
        return Row(f"{title}{figure}", f"{ours_} (naive {naive_})", target, met)

    wire = f"≤ {ours.in_flight} in flight"
    yield row("lost in hand", ours.in_hand, naive.in_hand, "0", met=ours.in_hand == 0)
    yield row("lost on the wire", ours.on_the_wire, naive.on_the_wire, wire, met=ours.on_the_wire <= ours.in_flight)
    yield row("in flight at the kills", ours.in_flight, naive.in_flight, "", met=True)
    refusals = "refusals, most for one grant, most of these not under way at a kill"
    yield row(refusals, _refusals(ours), _refusals(naive), "1 for each lost", met=ours.most_heard <= 1)


def _refusals(cost: Toll) -> str:
    return f"{cost.refusals}/{cost.most}/{cost.most_heard}"


def _ours(stage: Stage) -> tuple[Toll, list[str]]:
    with stage.bed(count=stage.scaled(CLIENTS), life=LIFE) as bed:
        bed.serve()
        draw = random.Random(500)  # noqa: S311 - a plan, not a secret
        for number in range(KILLS):
            _into_refreshes(bed.server, draw)
            bed.replica.kill()
            bed.replica.start()
            stage.progress(f"killed, {number + 1} of {KILLS}")
        stage.progress("afterwards")
        time.sleep(AFTERWARDS_SECONDS * stage.share)
        bed.settle()
        evidence = bed.evidence()
        return toll(evidence.requests, evidence.hits), judge(evidence).findings


def _naive(stage: Stage) -> Toll:
    folder = stage.new_folder()
    kind = replace(contestants.NAIVE, key=f"naive-{folder.name}")
    hits = []
    with RotatingServer(folder, logged=True) as server:
        server.set(life=LIFE)
        stage.admin.create_namespace(kind.namespace)
        stage.admin.create_all(kind.clients(stage.scaled(CLIENTS), server.url))
        draw = random.Random(500)  # noqa: S311 - the same plan
        operator = kind.start(folder, stage.plane, LIFE)
        try:
            for number in range(KILLS):
                _into_refreshes(server, draw)
                begin = time.monotonic()
                operator.stop(grace_seconds=0)
                hits.append(Hit("kill", "naive", begin, time.monotonic()))
                operator = kind.start(folder, stage.plane, LIFE)
                stage.progress(f"killed, {number + 1} of {KILLS}")
            stage.progress("afterwards")
            time.sleep(AFTERWARDS_SECONDS * stage.share)
        finally:
            operator.stop(grace_seconds=0)
            stage.plane.kubectl("delete", "namespace", kind.namespace, "--wait=false", check=False)
        return toll([Record(**line) for line in server.records()], hits)


def _into_refreshes(server: RotatingServer, draw: random.Random) -> None:
    """Return at a random moment while refreshes go on."""
    first = server.grants()
    while server.grants() == first:
        time.sleep(0.02)
    time.sleep(draw.uniform(0.2, 3.0))
    for _ in range(200):
        if server.stats()["in_flight"]:
            return
        time.sleep(0.01)


def cost(stage: Stage) -> list[Row]:
    """Return what kills cost on a strict server that commits in the middle of the request."""
    rows = []
    for title, abandons in (
        ("which commits all the same", False),
        ("which gives up a request whose client is gone", True),
    ):
        with stage.about("cost of a kill"):
            paid = _cost(stage, abandons=abandons)
            share = 1000 * paid.lost / max(paid.in_flight, 1)
            figure = f"cost of {paid.kills} kills on a server {title}: grants lost per 1,000 requests in flight"
            measured = f"{share:.0f} ({paid.lost} of {paid.in_flight})"
            rows.append(Row(figure, measured, "≤ 1,000", 0 < paid.in_flight >= paid.lost))
    return rows


def _cost(stage: Stage, *, abandons: bool) -> Toll:
    draw = random.Random(5)  # noqa: S311 - a plan, not a secret
    knobs = {"latency": 0.2, "commit_at": 0.5, "abandons": abandons}
    with stage.bed(count=64, life=5, knobs=knobs) as bed:
        bed.serve()
        for _ in range(stage.scaled(COST_KILLS)):
            bed.grant_more(1)
            bed.until(lambda: bed.in_flight() > 0, "a request is on its way")
            time.sleep(draw.uniform(0.0, 0.15))
            bed.replica.kill()
            bed.replica.start()
        bed.settle()
        evidence = bed.evidence()
    stage.findings += [f"cost of a kill: {finding}" for finding in judge(evidence).findings]
    return toll(evidence.requests, evidence.hits)
