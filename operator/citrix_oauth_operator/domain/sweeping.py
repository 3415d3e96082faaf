"""When what a client left behind may go: pure, and never on the strength of one look."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

GRANT_KEPT = timedelta(hours=24)  # a client created again within it finds its grant
CODE_KEPT = timedelta(days=1)  # a code lives some minutes
CODE_KEPT_OF_MANY, MANY_CODES = timedelta(hours=1), 16  # of one client
CLAIM_KEPT = timedelta(days=30)  # so long a used seed is known after its client is gone


class Sweep(Enum):
    """What one look at a client means for what it left."""

    LEAVE = "leave everything"
    MARK = "note since when the client is gone"
    UNMARK = "the client is back"
    DELETE_GRANT = "delete the grant, keep the claim"
    DELETE_ALL = "delete the grant and the claim"


def is_over(age: timedelta, newer: int) -> bool:
    """Whether the claim of a code may go.

    Args:
        newer: how many claims of codes its client has that are newer; the newest stays, for it leads to the grant.
    """
    return newer > 0 and age >= (CODE_KEPT if newer < MANY_CODES else CODE_KEPT_OF_MANY)


def sweep(*, gone: bool, marked: datetime | None, now: datetime) -> Sweep:
    """Decide by this look, and by the earlier one that left a mark.

    Args:
        gone: whether a GET just now gave 404, or a client that could never use the grant.
        marked: when an earlier look found the same; a mark in the future is of a clock that was wrong.
    """
    if not gone:
        return Sweep.LEAVE if marked is None else Sweep.UNMARK
    if marked is None or marked > now:
        return Sweep.MARK
    age = now - marked
    if age >= CLAIM_KEPT:
        return Sweep.DELETE_ALL
    return Sweep.DELETE_GRANT if age >= GRANT_KEPT else Sweep.LEAVE
