"""What a client does about each reason of a challenge (CitrixAuth Authentication Scheme, the twelve values)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason

from . import words


class Do(Enum):
    """What happens next."""

    RUN_CHAIN = "no token was sent: run the chain"
    RENEW = "a new service token from the primary one; if that is refused, a new logon"
    ASK_FOR_REALM = "the token was for another service: ask for one for the realm of this challenge, once"
    DROP_ALL = "drop every token and log on again, once"
    STOP = "a person must change something"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What to do; for STOP, what a person is told."""

    do: Do
    problem: Problem | None = None


def _stop(problem: Problem) -> Reaction:
    return Reaction(Do.STOP, problem)


REACTIONS = MappingProxyType(
    {
        "notoken": Reaction(Do.RUN_CHAIN),
        "expired": Reaction(Do.RENEW),
        "notforthisservice": Reaction(Do.ASK_FOR_REALM),
        "nottrusted": _stop(words.NOT_TRUSTED),
        "invalidtoken": Reaction(Do.RENEW),
        "passwordClaimNotFound": _stop(words.PASSWORD_CLAIM_NOT_FOUND),
        "badpassword": _stop(words.BAD_PASSWORD),
        "badaccount": _stop(words.BAD_ACCOUNT),
        "invalidAudience": _stop(words.INVALID_AUDIENCE),
        "tokenSignatureNotVerified": Reaction(Do.DROP_ALL),
        "wrongclaims": _stop(words.WRONG_CLAIMS),
        "gatewayclaimsinconsistent": _stop(words.GATEWAY_CLAIMS_INCONSISTENT),
    }
)

_BY_FOLDED = {reason.lower(): reaction for reason, reaction in REACTIONS.items()}

#: They judge the account behind a token: its password is not sent again before it changes.
ABOUT_THE_ACCOUNT = frozenset({Reason.PASSWORD_REFUSED, Reason.PASSWORD_MUST_CHANGE, Reason.ACCOUNT_PROBLEM})


def reaction_to(reason: str) -> Reaction:
    """Return the reaction to a reason; one that nobody knows is treated as `invalidtoken`."""
    return _BY_FOLDED.get(reason.lower(), REACTIONS["invalidtoken"])
