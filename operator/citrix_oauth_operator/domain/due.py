"""When a client's next request is due, and when its grant ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .model import Grant
from .observed import Observed
from .reasons import ANSWERED, ConditionType
from .schedule import backoff


def grant_end(grant: Grant, lifetime: timedelta | None) -> datetime | None:
    """Return when the current refresh token ends at the latest: announced by the server, or its declared lifetime."""
    return grant.refresh_expires_at or (grant.received_at + lifetime if lifetime else None)


def due_time(seen: Observed) -> datetime:
    """Return when the next request may and should be sent, the interval between two of one grant kept."""
    token, minimum = seen.token, seen.ready_inputs.server.requests.min_interval
    if token is None:
        due = _without_token(seen, minimum)
    else:
        due = token.issued_at + minimum if _at_once(seen) else token.refresh_at
    failed = after_failure(seen)
    return max(due, failed) if failed else due


def after_failure(seen: Observed) -> datetime | None:
    """Return before when a request that failed forbids another one; None: it does not.

    People may ask, and edit the spec, as often as they like: neither makes more requests of it.
    """
    status, minimum = seen.client.status, seen.ready_inputs.server.requests.min_interval
    if status.last_failure is None:
        return None
    if _at_once(seen):
        return status.last_failure + minimum
    if status.reason_of(ConditionType.REFRESH_FAILED) in ANSWERED:
        return status.last_failure + max(minimum, backoff(status.failed_attempts, 1.0))
    return None


def _at_once(seen: Observed) -> bool:
    """Whether a new token is wanted as soon as one may be asked for."""
    return seen.client.forced or (seen.token is not None and seen.token.inputs != seen.ready_inputs.fingerprint)


def lateness(seen: Observed, now: datetime) -> timedelta | None:
    """Return how late a token's successor is begun; None where nothing was due: first tokens, repeats, wishes."""
    token, status = seen.token, seen.client.status
    repeated = status.has(ConditionType.REFRESH_FAILED) or status.has(ConditionType.STALLED)
    in_doubt = seen.grant is not None and seen.grant.pending is not None
    if token is None or repeated or in_doubt or _at_once(seen):
        return None
    return max(now - token.refresh_at, timedelta(0))


def _without_token(seen: Observed, minimum: timedelta) -> datetime:
    """A chain that was refreshed but has no token got an unusable one: the interval holds."""
    if seen.grant is not None:
        return seen.grant.received_at + (minimum if seen.grant.seq else timedelta(0))
    last = seen.client.status.last_refresh
    return last + minimum if last else datetime.min.replace(tzinfo=UTC)
