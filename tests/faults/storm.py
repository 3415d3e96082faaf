"""Faults of all kinds at once: what is drawn, and the loop that plays it until enough has happened."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.bed import Bed
from tests.faults.failpoints import POINTS
from tests.faults.replica import Replica
from tests.faults.rules import Rule
from tests.standins.rotating import knobs

WRITES = "POST|PUT|PATCH"
SECRETS = r".*/secrets"
NOT_CLAIMS = r"(?!.*/configmaps)"  # an API server never says 409 to a create of what is not there

#: A bad day of the API server: slow, busy, restarting, and answers that get lost on the way.
API_RULES = (
    Rule("delay", 0.4, verb=WRITES, share=0.05),
    Rule("drop answer", verb=WRITES, path=SECRETS, share=0.04),
    Rule("status", 409, verb=WRITES, path=NOT_CLAIMS, share=0.02),
    Rule("status", 429, share=0.02),
    Rule("status", 500, share=0.02),
    Rule("status", 503, share=0.02),
    Rule("reset", verb=WRITES, share=0.02),
)
#: A bad day of the authorization server, before and after it rotated.
BEFORE: tuple[dict[str, object], ...] = tuple({"kind": kind, "share": 0.02} for kind in knobs.BEFORE)
AFTER: tuple[dict[str, object], ...] = tuple({"kind": kind, "share": 0.005} for kind in knobs.AFTER)


@dataclass(frozen=True, slots=True)
class Storm:
    """What to play.

    Attributes:
        kills: how often a process dies; `refreshes`: how many grants there must be at least in the end.
        failpoints: share of kills at a failpoint, the rest at random moments.
        pods: share of kills that take the pod.
        stops: share of attacks that stop a process for `stop_seconds` instead of killing it.
        clock: by how many seconds a replica's wall clock jumps now and then; 0: never.
    """

    kills: int
    refreshes: int = 0
    failpoints: float = 0.5
    pods: float = 0.0
    stops: float = 0.1
    stop_seconds: float = 6.0
    clock: float = 0.0
    calm_seconds: float = 1.5
    api: tuple[Rule, ...] = API_RULES
    server: tuple[dict[str, object], ...] = BEFORE + AFTER
    seed: int = 1


def rage(bed: Bed, storm: Storm, progress: Callable[[str], None] = lambda _text: None) -> None:
    """Play a storm; every dead grant is signed in again, so that there is always something to lose."""
    draw = random.Random(storm.seed)  # noqa: S311 - a plan, not a secret
    bed.server.set(faults=list(storm.server))
    bed.proxy.set_rules(*storm.api)
    kills = points = 0
    while kills < storm.kills or bed.server.grants() < storm.refreshes:
        replica = draw.choice(bed.replicas)
        if storm.clock and draw.random() < 0.2:
            replica.set_clock(draw.choice((-storm.clock, 0, storm.clock)))
        time.sleep(draw.uniform(0.1, storm.calm_seconds))
        if kills >= storm.kills:
            pass  # enough died; what is missing are refreshes
        elif draw.random() < storm.stops:
            replica.suspend(storm.stop_seconds)
        else:
            kills += 1
            pod_lost = draw.random() < storm.pods
            if draw.random() < storm.failpoints:
                _kill_at(replica, POINTS[points % len(POINTS)], draw, pod_lost=pod_lost)
                points += 1
            else:
                replica.kill(pod_lost=pod_lost)
            replica.start()
        bed.require()
        bed.sign_in_again()
        progress(f"storm: {kills} of {storm.kills} kills, {bed.server.grants()} grants")


def _kill_at(replica: Replica, point: str, draw: random.Random, *, pod_lost: bool) -> None:
    """Arm a failpoint; where nothing comes by for long, because all wait for something, kill at random."""
    replica.failpoints.arm(point, after=draw.randrange(4))
    for _ in range(100):
        if not replica.operator.alive:
            replica.await_death(pod_lost=pod_lost)
            return
        time.sleep(0.1)
    replica.failpoints.disarm()
    if replica.failpoints.fired():
        replica.await_death(pod_lost=pod_lost)
    else:
        replica.kill(pod_lost=pod_lost)
    replica.failpoints.disarm()  # it may have counted a passage just then, and armed it again
