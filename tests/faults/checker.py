"""The judge: reads what the servers saw and what was injected, never what the operator says of itself.

Numbers in findings are those of the invariants in docs/reliability.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import TypeVar

from tests.faults.grant_writes import GrantWrite
from tests.faults.records import Evidence, Hit, Rest, Write
from tests.standins.rotating.knobs import AFTER
from tests.standins.rotating.server import Record

T = TypeVar("T")

UNSPILLED = "F4"
SPILL_SECONDS = 0.1  # from the last byte read to the spill; what the client's side of the connection cannot show
REFUSED = {"replay", "revoked", "unknown"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request with the stored intent it was sent under; no intent: it had none."""

    record: Record
    intent: Write | None

    @property
    def replica(self) -> str:
        """Who sent it."""
        return self.intent.replica if self.intent else ""

    @property
    def since(self) -> float:
        """From when on its sender may have died with it on the way; a busy server reads it later, even afterwards."""
        return self.intent.answered if self.intent else self.record.arrival


@dataclass(slots=True)
class Verdict:
    """What a run came to.

    Attributes:
        findings: broken invariants, in words; empty: the promise was kept.
        on_the_wire: families lost because a fault hit their request between its arrival and the spill of its answer.
        with_the_pod: families lost because a pod went that held the answer.
        outside: families lost in any other way; each is a finding as well.
        replays: tokens that were shown again after the server had replaced them.
        exposure: seconds from the server's commit to the spill, one for each answer that was spilled.
    """

    requests: int = 0
    refreshes: int = 0
    kills: int = 0
    replays: int = 0
    refusals: int = 0
    on_the_wire: int = 0
    with_the_pod: int = 0
    outside: int = 0
    told: int = 0
    exposure: list[float] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """All families that need a person to sign in again."""
        return self.on_the_wire + self.with_the_pod + self.outside


def judge(evidence: Evidence) -> Verdict:
    """Judge one run."""
    return Judge(evidence).verdict()


class Judge:
    """One run under examination."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._stored = _stored_at(evidence.writes)
        self._sent = list(self._join())
        self._verdict = Verdict()

    def verdict(self) -> Verdict:
        """Return what all checks say."""
        verdict, requests = self._verdict, self._evidence.requests
        verdict.requests = len(requests)
        verdict.refreshes = sum(record.committed is not None for record in requests)
        verdict.kills = sum(hit.kind == "kill" for hit in self._evidence.hits)
        self._judge_intents()
        self._judge_repeats()
        self._judge_overlaps()
        self._judge_writes()
        self._judge_families()
        self._measure_exposure()
        if self._evidence.stray:
            self._find(5, f"answers left in a spill folder: {self._evidence.stray}")
        return verdict

    def _find(self, invariant: int, text: str) -> None:
        self._verdict.findings.append(f"[{invariant}] {text}")

    def _join(self) -> Iterator[Sent]:
        """Give each request the newest intent for its token that was stored before it came; each counts once.

        The last one first: a server that stood still reads the request of a dead process after its successor's intent.
        """
        intents: dict[str, list[Write]] = defaultdict(list)
        for write in self._evidence.writes:
            if write.grant and write.grant.intent:
                intents[write.grant.intent].append(write)
        joined: list[Sent] = []
        used: set[str] = set()
        for record in sorted(self._evidence.requests, key=lambda each: each.arrival, reverse=True):
            stored = [write for write in intents[record.presented[:8]] if write.answered < record.arrival]
            free = [write for write in stored if write.grant and write.grant.attempt not in used]
            intent = free[-1] if free else None
            if intent and intent.grant:
                used.add(intent.grant.attempt)
            joined.append(Sent(record, intent))
        return reversed(joined)

    def _judge_intents(self) -> None:
        for sent in self._sent:
            if sent.intent is None:
                self._find(2, f"{_name(sent.record)} was sent without a stored intent of its own")

    def _judge_repeats(self) -> None:
        """A token that was shown before is shown again only after a fault on that showing, and in recorded doubt."""
        for showings in _grouped(self._sent, by=lambda sent: sent.record.presented).values():
            committed = False
            for before, after in pairwise(showings):
                committed = committed or before.record.committed is not None
                if committed:
                    self._verdict.replays += 1
                    self._judge_replay(before, after)
                if before.record.outcome in REFUSED and not self._hit_before_recorded(before):
                    self._find(10, f"{_name(after.record)} was sent after a definite refusal")

    def _judge_replay(self, before: Sent, after: Sent) -> None:
        if not self._explained(before):
            self._find(3, f"{_name(after.record)} is a replay that no fault explains; before: {_course(before)}")
        if after.intent and after.intent.grant and not after.intent.grant.doubt:
            self._find(3, f"{_name(after.record)} is a replay without recorded doubt")

    def _explained(self, sent: Sent) -> bool:
        """Whether a fault hit this request or, where its answer went with a pod, what was made of it."""
        stored = self._stored.get(sent.record.issued, inf)
        if sent.record.fault or self._hit(sent) or self._pod_lost(sent, stored):
            return True
        return sent.record.outcome in REFUSED and self._hit_before_recorded(sent)

    def _hit(self, sent: Sent) -> Hit | None:
        """Return the kill or stop that hit the sender between intent and spill."""
        ended = inf if sent.record.closed is None else sent.record.closed + SPILL_SECONDS
        return self._hit_within(sent, sent.since, ended) or self._died_unspilled(sent)

    def _died_unspilled(self, sent: Sent) -> Hit | None:
        """Return the failpoint between the answer and the spill that its sender died at, however long it took there."""
        there = (hit for hit in self._evidence.hits if (hit.point, hit.token) == (UNSPILLED, sent.record.presented))
        return next((hit for hit in there if hit.replica == sent.replica and hit.begin >= sent.since), None)

    def _hit_within(self, sent: Sent, begin: float, end: float) -> Hit | None:
        theirs = (hit for hit in self._evidence.hits if hit.replica == sent.replica)
        return next((hit for hit in theirs if hit.begin <= end and hit.end >= begin), None)

    def _pod_lost(self, sent: Sent, stored: float) -> Hit | None:
        hits = [hit for hit in self._evidence.hits if hit.pod_lost and hit.replica == sent.replica]
        return next((hit for hit in hits if sent.record.arrival <= hit.end and hit.begin <= stored), None)

    def _hit_before_recorded(self, refused: Sent) -> bool:
        """Whether a process died with a refusal in hand: the next one cannot know of it."""
        recorded = (
            write.answered
            for write in self._evidence.writes
            if write.grant and write.grant.rejected and write.grant.token == refused.record.presented
        )
        return self._hit_within(refused, refused.since, min(recorded, default=inf)) is not None

    def _judge_overlaps(self) -> None:
        for requests in _grouped(self._sent, by=lambda sent: sent.record.client).values():
            for before, after in pairwise(requests):
                overlap = before.record.closed is None or after.record.arrival < before.record.closed
                if overlap and not (before.record.fault or self._hit(before)):
                    self._find(1, f"{_name(after.record)} was sent while {_name(before.record)} was under way")

    def _judge_writes(self) -> None:
        for writes in _grouped((write for write in self._evidence.writes if write.grant), by=_grant_name).values():
            self._judge_order([write.grant for write in writes if write.grant])
        kept: set[str] = set()
        for write in self._evidence.writes:
            if write.grant:
                kept.add(write.grant.access)
            elif write.published not in kept:
                self._find(7, "a token was published before its grant was committed")

    def _judge_order(self, grants: list[GrantWrite]) -> None:
        """`seq` goes up by one with each new token of a chain; no token and no chain ever comes back."""
        seen = {(grants[0].chain, grants[0].token)}
        for before, after in pairwise(grants):
            same = (after.chain, after.seq, after.token) == (before.chain, before.seq, before.token)
            fresh = (after.chain, after.token) not in seen
            next_seq = before.seq + 1 if after.chain == before.chain else 0
            if not same and not (fresh and after.seq == next_seq):
                self._find(4, f"{after.name}: seq {before.seq} was followed by seq {after.seq} with another token")
            seen.add((after.chain, after.token))

    def _judge_families(self) -> None:
        families = _grouped((sent for sent in self._sent if sent.record.family), by=lambda sent: sent.record.family)
        newest = {client: requests[-1].record.family for client, requests in self._by_client().items()}
        for family, requests in families.items():
            client = requests[0].record.client
            refusals = [sent for sent in requests if sent.record.outcome in REFUSED]
            self._verdict.refusals += len(refusals)
            rest = self._evidence.rest.get(client, Rest(None)) if newest[client] == family else None
            at_rest = (
                rest is not None and rest.stored is not None and rest.stored.token == self._evidence.live.get(family)
            )
            if refusals or (rest is not None and not at_rest):
                self._judge_loss(family, requests, rest)

    def _by_client(self) -> dict[str, list[Sent]]:
        return _grouped((sent for sent in self._sent if sent.record.family), by=lambda sent: sent.record.client)

    def _judge_loss(self, family: str, requests: list[Sent], rest: Rest | None) -> None:
        culprit = next((s for s in requests if s.record.committed and s.record.issued not in self._stored), None)
        verdict, client = self._verdict, requests[0].record.client
        if culprit and self._in_the_window(culprit):
            verdict.on_the_wire += 1
        elif culprit and self._pod_lost(culprit, inf):
            verdict.with_the_pod += 1
        else:
            verdict.outside += 1
            self._find(12, f"{client}: family {family} is lost outside the window ({_name(requests[-1].record)})")
        reasons = {w.grant.rejected for w in self._evidence.writes if w.grant and w.grant.token in _shown(requests)} - {
            ""
        }
        told = reasons == {"RotationLost"} and (rest is None or rest.stalled == "RotationLost")
        verdict.told += told
        if not told:
            self._find(11, f"{client}: family {family} is lost, and what is told is {reasons or 'nothing'}, {rest}")

    def _in_the_window(self, sent: Sent) -> bool:
        """Whether a fault came between; a server may commit for a client that died while it was at work."""
        record = sent.record
        if record.fault in AFTER:
            return True
        return self._hit(sent) is not None

    def _measure_exposure(self) -> None:
        for sent in self._sent:
            attempt = sent.intent.grant.attempt if sent.intent and sent.intent.grant else ""
            if sent.record.committed is not None and attempt in self._evidence.spilled:
                self._verdict.exposure.append(self._evidence.spilled[attempt] - sent.record.committed)


def _stored_at(writes: Iterable[Write]) -> dict[str, float]:
    """Return when each refresh token was first in a grant Secret."""
    stored: dict[str, float] = {}
    for write in writes:
        if write.grant:
            stored.setdefault(write.grant.token, write.answered)
    return stored


def _shown(requests: Iterable[Sent]) -> set[str]:
    return {sent.record.presented for sent in requests}


def _grant_name(write: Write) -> str:
    return write.grant.name if write.grant else ""


def _name(record: Record) -> str:
    fault = f", {record.fault}" if record.fault else ""
    return f"{record.client} {record.presented} at {record.arrival:.3f} ({record.outcome}{fault})"


def _course(sent: Sent) -> str:
    record = sent.record
    times = {"intent": sent.since, "arrival": record.arrival, "committed": record.committed, "closed": record.closed}
    return f"{record.outcome}, " + ", ".join(f"{name} {at:.3f}" for name, at in times.items() if at is not None)


def _grouped(items: Iterable[T], by: Callable[[T], str]) -> dict[str, list[T]]:
    groups: dict[str, list[T]] = defaultdict(list)
    for item in items:
        groups[by(item)].append(item)
    return groups
