"""Who leads: pure rules over the Lease and our own clock. Times that others wrote are never compared with ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from .durations import rfc3339_micro

SHORTEST_SECONDS, LONGEST_SECONDS = 3, 300  # of a lease; a record that asks for more is not believed


@dataclass(frozen=True, slots=True)
class Spans:
    """How long a lease lives; renew deadline and retry in proportion (15, 10 and 2 s), as in client-go."""

    duration: int = 15

    @property
    def renew_deadline(self) -> float:
        """Seconds after which a leader that could not renew starts nothing more: well before others may take over."""
        return self.duration * 10 / 15

    @property
    def retry(self) -> float:
        """Seconds between two renewals, and between two tries."""
        return self.duration * 2 / 15


@dataclass(frozen=True, slots=True)
class Record:
    """A Lease as it is stored.

    Attributes:
        holder: empty: nobody.
        duration: seconds after its last change until others may take it; None: not said.
        acquired, renewed: RFC 3339, by the holder's clock: only whether they change means anything.
        version: resourceVersion; empty: not stored yet.
    """

    holder: str = ""
    duration: int | None = None
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was last seen of the Lease.

    Attributes:
        record: None: there is none.
        since: boot time [s] since which it has been so, as far as we know.
        was_held: whether somebody else was ever seen to hold it.
    """

    record: Record | None
    since: float
    was_held: bool = False


def look(before: Sighting | None, record: Record | None, me: str, now: float) -> Sighting:
    """Return the sighting of `record`: the same holder's same renewal is as old as when it was first seen."""
    held = record is not None and record.holder not in {"", me}
    was_held = held or (before is not None and before.was_held)
    same = before is not None and _content(before.record) == _content(record)
    return Sighting(record, before.since if before is not None and same else now, was_held)


def _content(record: Record | None) -> Record | None:
    """Leave the version out: a label that somebody puts on the Lease renews nothing."""
    return replace(record, version="") if record else None


def free_from(seen: Sighting, me: str, spans: Spans, is_dead: Callable[[str], bool]) -> float:
    """Return the boot time [s] from which the Lease may be written by us.

    Args:
        is_dead: whether the process of that identity is proven dead: its lease need not be waited out.
    """
    record = seen.record
    if record is None:  # deleted: whoever held it learns that with the next renewal, and writes it anew
        return seen.since + (spans.duration if seen.was_held else 0)
    if record.holder in {"", me} or is_dead(record.holder):
        return seen.since
    return seen.since + min(record.duration or spans.duration, LONGEST_SECONDS)


def claimed(record: Record | None, me: str, spans: Spans, now: datetime) -> Record:
    """Return the record that says we hold the Lease: renewed, or taken over from whoever had it."""
    record, stamp = record or Record(), rfc3339_micro(now)
    ours = replace(record, holder=me, duration=spans.duration, renewed=stamp)
    if record.holder == me:
        return ours
    return replace(ours, acquired=stamp, transitions=record.transitions + (1 if record.version else 0))


def released(record: Record, now: datetime) -> Record:
    """Return the record that leaves the Lease to whoever comes first."""
    return replace(record, holder="", duration=1, renewed=rfc3339_micro(now))
