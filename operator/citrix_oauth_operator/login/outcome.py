"""What the operator says of a sign-in that was handed over, read from the client's status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339, words
from citrix_oauth_operator.domain.kinds import LifetimeModel
from citrix_oauth_operator.domain.reasons import ConditionType, Reason
from citrix_oauth_operator.kube.api import JSON

from .ending import Ending, SignInEnded

SILENCE = (
    "The operator has not redeemed the sign-in, and its code has expired by now.",
    "Check that an operator runs (its log tells more), then sign in again.",
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in from which a token was made.

    Attributes:
        subject: `sub` of who signed in; "" where the server does not say.
        grant_ends: when somebody must sign in again; None: not known.
        model: how sure that is.
    """

    subject: str
    secret: str
    token_ends: datetime | None
    grant_ends: datetime | None
    model: str

    def told(self, now: datetime) -> list[str]:
        """Return the lines for the person who signed in."""
        who = f"Signed in as {self.subject}." if self.subject else "Signed in."
        lines = [who, f"Secret {self.secret} holds a token{until(self.token_ends, now)}; it is kept fresh."]
        if self.grant_ends:
            lines.append(f"Somebody must sign in again{until(self.grant_ends, now, 'by')}{SURE.get(self.model, '')}.")
        return lines


#: How sure the end of a grant is, by its model.
SURE: dict[str, str] = {
    LifetimeModel.ABSOLUTE: " (no refresh moves that)",
    LifetimeModel.SLIDING: " at the earliest (each refresh moves that)",
    LifetimeModel.UNKNOWN: " at the earliest (the server does not say whether a refresh moves that)",
}


def until(moment: datetime | None, now: datetime, word: str = "until") -> str:
    """Return ` until <moment>, in <span>`, or nothing where that is not known or over."""
    return f" {word} {rfc3339(moment)}, in {words(moment - now)}" if moment and moment > now else ""


def outcome(body: JSON, secret_uid: str) -> SignedIn | None:
    """Return what came of the sign-in that was handed over in the Secret of that UID; None: nothing yet.

    Raises:
        SignInEnded: it was refused, or no token could be made from it.
    """
    status = body.get("status") or {}
    last = status.get("lastSignIn") or {}
    if last.get("secretUID") != secret_uid:
        return None
    if last.get("reason") != Reason.SIGNED_IN:
        raise SignInEnded(Ending.REFUSED, f"{_plain(last.get('reason'))}: {_plain(last.get('message'))}")
    conditions: dict[str, Any] = {condition["type"]: condition for condition in status.get("conditions") or ()}
    if stalled := conditions.get(ConditionType.STALLED):
        raise SignInEnded(Ending.REFUSED, f"Signed in, but {_plain(stalled['reason'])}: {_plain(stalled['message'])}")
    if conditions.get(ConditionType.READY, {}).get("status") != "True":
        return None
    return SignedIn(
        subject=_plain(last.get("subject")),
        secret=_plain(status.get("secretName")),
        token_ends=parse_rfc3339(status.get("expirationTime")),
        grant_ends=parse_rfc3339(status.get("grantExpirationTime")),
        model=str(status.get("grantExpirationModel", "")),
    )


def _plain(text: object) -> str:
    """Return a text of the status without what a terminal would act on."""
    return "".join(filter(str.isprintable, text)) if isinstance(text, str) else ""
