"""What can be wrong with a sign-in, in fixed words; whatever it is, the grant before it stays as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from .durations import rfc3339
from .problem import Problem
from .reasons import Reason

_AGAIN = "Sign in again"


def malformed(secret: str, key: str, flaw: str, wanted: str) -> Problem:
    """Return the problem of a login Secret that `citrix-oauth login` would not have written."""
    return Problem(
        Reason.CREDENTIALS_INVALID,
        f"Key {key} of Secret {secret}, which hands a sign-in over, {flaw}.",
        f"Write {wanted} there, or sign in with `kubectl citrix-oauth login`, which writes the Secret.",
    )


def refused(problem: Problem, at: datetime) -> Problem:
    """Return what a server's definite no to a code means."""
    if problem.reason is not Reason.GRANT_REJECTED:
        return replace(problem, message=f"The code of the sign-in was not redeemed: {problem.message.rstrip('.')}.")
    return replace(
        problem,
        message=f"The authorization server refused the code of the sign-in at {rfc3339(at)}.",
        remedy=f"{_AGAIN}, without a long pause: a code lives some minutes and works once. If it is refused again, the"
        " redirect URI or the client's secret is not the one of the client's registration.",
    )


def too_old(hindrance: str | None) -> Problem:
    """Return the problem of a code that could not be sent while it lived; `hindrance` is the reason in status."""
    told = f" ({hindrance})" if hindrance else ""
    return Problem(
        Reason.GRANT_REJECTED,
        f"The code of the sign-in could not be sent for 10 minutes{told}; it is too old by now, and is not sent.",
        f"{_AGAIN}, after that is mended: a code lives some minutes.",
    )


def unknown(sent: datetime, problem: Problem | None = None) -> Problem:
    """Return the problem of a code that was or may have been sent, and whose answer nobody has."""
    told = problem or Problem(Reason.OUTCOME_UNKNOWN, "")
    return replace(
        told,
        reason=Reason.OUTCOME_UNKNOWN,
        message=f"The code of the sign-in was sent at {rfc3339(sent)}, and its answer was lost; it is not sent again.",
        remedy=f"{_AGAIN}.",
        retry_after=None,
    )


OF_ANOTHER_SERVER = Problem(
    Reason.ENDPOINT_CHANGED,
    "The code of the sign-in is of another authorization server than the client's has become; it is not sent there.",
    f"{_AGAIN}; if it happens again, whoever signs in sees another AuthorizationServer than the operator: the command"
    " needs `get` on authorizationservers.",
)

NO_REFRESH_TOKEN = Problem(
    Reason.NO_REFRESH_TOKEN,
    "The sign-in brought no refresh token.",
    "Allow Offline Access on the client's registration, put offline_access into spec.scopes, and sign in again.",
)

OVERTAKEN = Problem(
    Reason.OUTCOME_UNKNOWN,
    "While the code was redeemed, another sign-in or seed began a grant; that one is kept.",
    f"{_AGAIN} if it is the wrong one.",
)

NO_ID_TOKEN = Problem(
    Reason.RESPONSE_INVALID,
    "The sign-in brought no id_token, so nobody knows who signed in.",
    "Put openid into spec.scopes, and allow it in the client's registration; then sign in again.",
)


def id_token(flaw: str, remedy: str = "") -> Problem:
    """Return the problem of an id_token that proves something else, or nothing."""
    return Problem(
        Reason.RESPONSE_INVALID,
        f"The id_token of the sign-in {flaw}; nothing of the answer is used.",
        remedy or f"{_AGAIN}; if it happens again, tell whoever runs the authorization server.",
    )


WRONG_PERSON = Problem(
    Reason.ACCOUNT_PROBLEM,
    "Somebody else signed in than spec.login.expectedSubject names; nothing of the answer is used.",
    "Sign in as that person (end the browser's session at the authorization server first), or correct"
    " spec.login.expectedSubject.",
)
