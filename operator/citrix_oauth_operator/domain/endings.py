"""How a grant ended, told with when and why, in fixed words: what a person reads before signing in again."""

from __future__ import annotations

from datetime import datetime

from .durations import rfc3339
from .model import Doubt, Grant, Pending
from .problem import Problem
from .problems import AGAIN
from .reasons import Reason

_WHY = {
    Doubt.PROCESS_ENDED: "the operator's process ended before it had stored an answer",
    Doubt.ANSWER_LOST: "no complete answer came back",
    Doubt.SERVER_ERROR: "the authorization server answered with an error of its own (5xx)",
    Doubt.UNREADABLE: "the answer did not say whether the token was used",
    Doubt.SUCCESSOR_UNUSABLE: "the answer's new refresh token could not be kept",
}


def rotation_lost(pending: Pending | None, refused_at: datetime) -> Problem:
    """Return the end of a grant whose successor was in an answer that nobody has."""
    return Problem(
        Reason.ROTATION_LOST,
        f"An answer of the authorization server was lost, and with it the new refresh token: {told(pending)};"
        f" sent again, the token was refused at {rfc3339(refused_at)}.",
        AGAIN,
        oauth_error="invalid_grant",
    )


def ended_in_doubt(pending: Pending | None, end: datetime) -> Problem:
    """Return the end of a grant that was repeated in doubt, without an answer, for as long as it lived."""
    return Problem(
        Reason.ROTATION_LOST,
        f"An answer of the authorization server was lost, and with it the new refresh token: {told(pending)};"
        f" no repeat was answered before the token's life ended at {rfc3339(end)}.",
        AGAIN,
    )


def repeated(pending: Pending, again: datetime | None) -> str:
    """Say what is being done about a doubt while it lasts."""
    when = f"at {rfc3339(again)}" if again else "later"
    return (
        f"Whether the refresh token was used is unknown: {told(pending)}. The same one is sent again {when}, after"
        f" {pending.tries} {'try' if pending.tries == 1 else 'tries'}; then after 1, 3, 9 and 20 s, each minute, each"
        " 15 minutes, until it is answered or ends."
    )


def told(pending: Pending | None) -> str:
    """Say when the outcome of a sending became unknown, and why."""
    if pending is None or pending.cause is None or pending.unknown_since is None:
        return "what became of an earlier sending is unknown"
    return f"the refresh token was sent at {rfc3339(pending.unknown_since)}, and {_WHY[pending.cause]}"


def grant_expired(end: datetime, refused_at: datetime) -> Problem:
    """Return the end of a grant at the end of its life."""
    return Problem(
        Reason.GRANT_EXPIRED,
        f"The refresh token reached the end of its life at {rfc3339(end)} and was refused at {rfc3339(refused_at)}.",
        AGAIN,
        oauth_error="invalid_grant",
    )


def grant_rejected(grant: Grant, refused_at: datetime) -> str:
    """Return what is said of a grant that the server ended by itself: no answer of it is missing."""
    return (
        f"The authorization server refused the refresh token at {rfc3339(refused_at)}. No answer before was lost, so"
        " the grant was ended at the server (revoked, its user disabled, its life over), or somebody else used this"
        f" token, which was received at {rfc3339(grant.received_at)}."
    )
