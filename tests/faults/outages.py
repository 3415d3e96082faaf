"""Outages: the API server away while tokens are held, the authorization server away while tokens are due."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx

from tests.faults.bed import Bed
from tests.faults.checker import Verdict, judge
from tests.faults.records import Write, writes_of
from tests.faults.rules import Rule
from tests.faults.stage import Row, Stage
from tests.integration.operator.cluster import secrets, text_of

API_SECONDS = 600.0
LIFE, DEAD_SHARE = 600, 0.3  # 9 minutes of a token of 30
FIRST_COMMIT_SECONDS = 10.0
_SAMPLE_SECONDS = 0.25


def api_server(stage: Stage, seconds: float | None = None) -> list[Row]:
    """Cut the API server off while answers are on their way; return what was held and how it came home."""
    seconds = API_SECONDS * stage.share if seconds is None else seconds
    rows: list[Row] = []
    with stage.about("API server away"), stage.bed(count=12, life=6, knobs={"latency": 1.0}) as bed:
        bed.serve()
        bed.until(lambda: bed.in_flight() >= 4, "requests are on their way")
        for rule in (Rule("black hole"), Rule("reset")):
            bed.proxy.set_rules(rule)
            _wait(stage, bed, seconds / 2)
        held = _held(bed)
        returned = time.monotonic()
        bed.proxy.set_rules()
        first = _first_commit(bed, returned) - returned
        bed.settle()
        verdict, restarts = judge(bed.evidence()), bed.replica.starts - 1
        stage.findings += [f"API server away: {finding}" for finding in verdict.findings]
        title, broken = f"API server away for {seconds:.0f} s: ", len(verdict.findings)
        kept = not verdict.lost and not restarts
        rows += [
            Row(f"{title}answers held in the meantime", str(held), "≥ 1", held >= 1),
            Row(f"{title}grants lost, restarts", f"{verdict.lost}, {restarts}", "0, 0", kept),
            Row(
                f"{title}first commit after its return", f"{first:.1f} s", "≤ 10 s", 0 <= first <= FIRST_COMMIT_SECONDS
            ),
            Row(f"{title}invariants found broken", str(broken), "0", not broken),
        ]
    return rows


def authorization_server(stage: Stage, life: int | None = None) -> list[Row]:
    """Let the authorization server be dead for 0.3 of a token's life from the moment when tokens are due."""
    life = max(20, round(LIFE * stage.share)) if life is None else life
    rows: list[Row] = []
    with stage.about("authorization server away"), stage.bed(count=10, life=life) as bed:
        bed.serve()
        consumer = Consumer(bed)
        with consumer:
            _wait(stage, bed, life * 0.48)
            bed.server.set(dead=True)
            _wait(stage, bed, life * DEAD_SHARE)
            bed.server.set(dead=False)
            _wait(stage, bed, life * 0.5)
        bed.settle()
        rows += _outage_rows(stage, consumer, judge(bed.evidence()), life)
    return rows


def _outage_rows(stage: Stage, consumer: Consumer, verdict: Verdict, life: int) -> Iterator[Row]:
    stage.findings += [f"authorization server away: {finding}" for finding in verdict.findings]
    title = f"authorization server away for {DEAD_SHARE * life:.0f} s of a token's {life} s: "
    read = f"{consumer.expired} of {consumer.reads}"
    yield Row(f"{title}expired tokens read", read, "0", consumer.reads > 0 and consumer.expired == 0)
    yield Row(f"{title}grants lost", str(verdict.lost), "0", verdict.lost == 0)
    yield Row(f"{title}invariants found broken", str(len(verdict.findings)), "0", not verdict.findings)


class Consumer:
    """Reads every token Secret as pods do, again and again, and asks the authorization server if it takes the token."""

    def __init__(self, bed: Bed) -> None:
        self.reads = self.expired = 0
        self._bed, self._over = bed, threading.Event()
        self._thread = threading.Thread(target=self._read, name="consumer", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            try:
                found = self._bed.cluster.items(secrets(self._bed.namespace))
                tokens = [
                    text_of(each)["access_token"] for each in found if each["metadata"]["name"].endswith("-token")
                ]
                self.expired += self._bed.server.expired(tokens)
            except httpx.TransportError:
                continue
            self.reads += len(tokens)


def _wait(stage: Stage, bed: Bed, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        bed.require()
        stage.progress(f"waiting, {left:.0f} s")
        time.sleep(min(left, 1.0))


def _commits(bed: Bed, since: float) -> list[Write]:
    writes = writes_of(bed.proxy.calls())
    return [write for write in writes if write.answered >= since and write.grant and not write.grant.attempt]


def _held(bed: Bed) -> int:
    """Count what the server has given out that is not in etcd."""
    evidence = bed.evidence()
    stored = {write.grant.token for write in evidence.writes if write.grant}
    return sum(
        record.handed is not None and record.issued not in stored for record in evidence.requests if record.issued
    )


def _first_commit(bed: Bed, returned: float) -> float:
    bed.until(lambda: bool(_commits(bed, returned)), "a commit after the outage")
    return min(write.answered for write in _commits(bed, returned))
