"""The audit log (docs/audit.md): one line for each security event, under fixed names, whatever the log level.

Values are names, times, counters and fixed words; of a refresh token at most the 8 hex digits that its intent shows.
"""

from __future__ import annotations

import json
import logging
import re
from enum import StrEnum

from citrix_oauth_operator.domain.model import ClientRef, Grant
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.logs import AUDIT

log = logging.getLogger(AUDIT)

_PLAIN = re.compile(r"[A-Za-z0-9_.:/+-]+")


class Event(StrEnum):
    """Names of events, besides the reasons in `TOLD_ONCE`."""

    SEED_ADOPTED = "SeedAdopted"
    SIGN_IN_BEGUN = "SignInBegun"
    SIGN_IN_DECLINED = "SignInDeclined"
    SIGN_IN_HANDED_OVER = "SignInHandedOver"
    CODE_SENT = "CodeSent"
    SIGNED_IN = "SignedIn"
    SIGN_IN_FAILED = "SignInFailed"
    GRANT_REVOKED = "GrantRevoked"
    GRANT_NOT_REVOKED = "GrantNotRevoked"
    SENT_IN_DOUBT = "SentInDoubt"
    INTENT_TAKEN_OVER = "IntentTakenOver"
    ANSWER_RECOVERED = "AnswerRecovered"
    CREDENTIAL_MARKED = "CredentialMarked"
    LEADERSHIP_GAINED = "LeadershipGained"
    LEADERSHIP_LOST = "LeadershipLost"
    LEADERSHIP_RELEASED = "LeadershipReleased"


#: Reasons whose beginning is an event: the reporter tells each when its condition appears.
TOLD_ONCE = frozenset(
    {
        Reason.ROTATION_LOST,
        Reason.GRANT_REJECTED,
        Reason.GRANT_EXPIRED,
        Reason.GRANT_ROLLED_BACK,
        Reason.SEED_ALREADY_USED,
        Reason.CLAIMED_BY_ANOTHER_OPERATOR,
        Reason.SECRET_NOT_OWNED,
        Reason.CLIENT_REJECTED,
        Reason.ENDPOINT_CHANGED,
        Reason.INPUTS_CHANGED,
        Reason.ADDRESS_NOT_ALLOWED,
        Reason.AUTHORIZATION_SERVER_NOT_ALLOWED,
    }
)

_GOOD = frozenset(
    {
        Event.SEED_ADOPTED,
        Event.SIGN_IN_BEGUN,
        Event.SIGN_IN_HANDED_OVER,
        Event.CODE_SENT,
        Event.SIGNED_IN,
        Event.GRANT_REVOKED,
        Event.ANSWER_RECOVERED,
        Event.LEADERSHIP_GAINED,
        Event.LEADERSHIP_RELEASED,
    }
)

Fact = str | int | None


def tell(event: Event | Reason, client: ClientRef | None = None, **facts: Fact) -> None:
    """Write one line: `key=value` after the name in text, fields of their own in JSON. None is left out.

    Args:
        facts: names of fields as JSON spells them; values must be ours or sanitised.
    """
    fields = {"event": str(event), "client": str(client) if client else None, **facts}
    shown = {key: value for key, value in fields.items() if value is not None}
    text = " ".join(f"{key}={_quoted(value)}" for key, value in shown.items() if key != "event")
    level = logging.INFO if event in _GOOD else logging.WARNING
    log.log(level, "audit %s %s", event, text, extra={"fields": shown})


def of_grant(grant: Grant | None) -> dict[str, Fact]:
    """Return what identifies a grant: its chain, its seq, and the refresh token's 8 digits."""
    if grant is None:
        return {}
    return {"chain": grant.chain, "seq": grant.seq, "token": grant.refresh_token.fingerprint()}


def _quoted(value: str | int) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
