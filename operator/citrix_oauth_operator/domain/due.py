"""When a client's next request is due, and when its grant ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .model import Grant
from .observed import Observed
from .reasons import ConditionType


def grant_end(grant: Grant, lifetime: timedelta | None) -> datetime | None:
    """Return when the current refresh token ends at the latest: announced by the server, or its declared lifetime."""
    return grant.refresh_expires_at or (grant.received_at + lifetime if lifetime else None)


def due_time(seen: Observed) -> datetime:
    """Return when the next request may and should be sent, the interval between two of one grant kept."""
    inputs, token = seen.ready_inputs, seen.token
    minimum = inputs.server.requests.min_interval
    if token is None:
        return _without_token(seen, minimum)
    if seen.client.forced or token.inputs != inputs.fingerprint:
        return _last_request(seen, token.issued_at) + minimum
    return token.refresh_at


def lateness(seen: Observed, now: datetime) -> timedelta | None:
    """Return how late a token's successor is begun; None where nothing was due: first tokens, repeats, wishes."""
    token, status = seen.token, seen.client.status
    repeated = status.has(ConditionType.REFRESH_FAILED) or status.has(ConditionType.STALLED)
    in_doubt = seen.grant is not None and seen.grant.pending is not None
    if token is None or repeated or in_doubt or seen.client.forced or token.inputs != seen.ready_inputs.fingerprint:
        return None
    return max(now - token.refresh_at, timedelta(0))


def _without_token(seen: Observed, minimum: timedelta) -> datetime:
    """A chain that was refreshed but has no token got an unusable one: the interval holds."""
    if seen.grant is not None:
        return seen.grant.received_at + (minimum if seen.grant.seq else timedelta(0))
    last = seen.client.status.last_refresh
    return last + minimum if last else datetime.min.replace(tzinfo=UTC)


def _last_request(seen: Observed, issued_at: datetime) -> datetime:
    failed = seen.client.status.last_failure
    return max(issued_at, failed) if failed else issued_at
