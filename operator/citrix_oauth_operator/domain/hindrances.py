"""Checks of every grant: what holds any request back for now, whatever it would send."""

from __future__ import annotations

from datetime import datetime

from .decisions import Decision, Fail, Stall, Wait
from .due import after_failure, due_time
from .observed import Observed
from .problem import Problem
from .reasons import ConditionType, Reason
from .schedule import COMMIT_RECHECK, HOURLY


def credential_refused(seen: Observed, now: datetime) -> Decision | None:
    """A refused client credential is tried again hourly, or when it changes, or when a person asks."""
    refusal = seen.refusal
    if refusal is None or seen.client.forced or now >= refusal.at + HOURLY:
        return None
    return Stall(refusal.problem, refusal.at + HOURLY - now)


def answer_kept(seen: Observed, now: datetime) -> Decision | None:
    """An answer waits in the spill folder to be committed: nothing is sent that it may have replaced."""
    return Wait(now + COMMIT_RECHECK, standing=True) if seen.answer_kept else None


def backing_off(seen: Observed, now: datetime) -> Decision | None:
    """After a failure wait as status says, unless the spec changed or a person asked."""
    client, status = seen.client, seen.client.status
    if status.reason_of(ConditionType.REFRESH_FAILED) == Reason.BREAKER_OPEN:
        return None  # the breaker knows when
    unchanged = not client.unseen and not client.forced
    if unchanged and status.has(ConditionType.REFRESH_FAILED) and status.next_refresh and now < status.next_refresh:
        return Wait(status.next_refresh, standing=True)
    return None


def not_due(seen: Observed, now: datetime) -> Decision | None:
    """The token lives and its stored due time has not come."""
    due, failed = due_time(seen), after_failure(seen)
    failing = failed is not None and now < failed and seen.client.status.has(ConditionType.REFRESH_FAILED)
    return Wait(due, standing=failing) if now < due else None


def endpoint_unknown(seen: Observed, _now: datetime) -> Decision | None:
    """Due, but discovery has no token endpoint to offer."""
    endpoints = seen.ready_inputs.endpoints
    if not isinstance(endpoints, Problem):
        return None
    return Fail(endpoints) if endpoints.transient else Stall(endpoints, HOURLY)
