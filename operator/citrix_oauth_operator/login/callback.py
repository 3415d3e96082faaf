"""What the browser brought back, read strictly: whose it is first, then from whom, then what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import KEYS, SignIn

from .attempt import Attempt

BODY_LIMIT = 64 * 1024  # bytes of a form that is looked at

_CODE = next(key for key in KEYS if key.name == "code")
_MOST_PARAMETERS = 32


class Stray(StrEnum):
    """An answer that is not to this attempt: it is told so, and changes nothing."""

    NO_STATE = "no state"
    OTHER_STATE = "another state"
    REPEATED = "a parameter more than once"  # RFC 6749 section 3.1


@dataclass(frozen=True, slots=True)
class Declined:
    """The sign-in came to nothing, in words of ours; nothing the server wrote is repeated.

    Attributes:
        error: the code of RFC 6749 section 4.1.2.1 or OpenID Connect; "other" for any unknown one, "" for none.
        message, remedy: one sentence each.
    """

    error: str
    message: str
    remedy: str


def parameters(text: str) -> list[tuple[str, str]]:
    """Return the parameters of a query or of a form, decoded; of a flood of them none."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return []


def read(attempt: Attempt, parameters: Iterable[tuple[str, str]]) -> SignIn | Declined | Stray:
    """Judge the parameters of a callback, decoded, in the order they came.

    Source: RFC 6749 sections 4.1.2 and 10.12, RFC 9207 section 2.4.
    """
    pairs = list(parameters)
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        return Stray.REPEATED
    given = dict(pairs)
    if not given.get("state"):
        return Stray.NO_STATE
    if SecretText(given["state"]) != attempt.state:  # in constant time
        return Stray.OTHER_STATE
    if flaw := _foreign(attempt, given.get("iss")):
        return flaw
    if "error" in given:
        return declined(given["error"])
    code = given.get("code", "")
    if not _CODE.shortest <= len(code) <= _CODE.longest or not _CODE.form.fullmatch(code):
        return Declined("", "The authorization server's answer holds no code.", _AGAIN)
    return attempt.finished(SecretText(code))


def _foreign(attempt: Attempt, issuer: str | None) -> Declined | None:
    wanted = attempt.wanted
    if wanted.issuer is None or issuer == wanted.issuer or (issuer is None and not wanted.iss_required):
        return None
    flaw = "does not say from whom it is" if issuer is None else "comes from another authorization server"
    remedy = "Sign in again in a new browser window; if it happens again, check spec.issuer of the AuthorizationServer."
    return Declined("", f"The answer {flaw} (RFC 9207), so its code was not used.", remedy)


def declined(error: str) -> Declined:
    """Return what an error code of the authorization endpoint means."""
    message, remedy = _ERRORS.get(error, ("The authorization server refused the sign-in.", _AGAIN))
    return Declined(error if error in _ERRORS else "other", message, remedy)


_AGAIN = "Sign in again; if it happens again, ask whoever runs the authorization server."
_REGISTRATION = "Compare spec.clientID, spec.scopes and spec.login.redirectURI with the client's registration."
_ASKED = (
    "The authorization server would have to ask something, and was told not to.",
    "Sign in again in a new browser window.",
)
_ERRORS = {
    "access_denied": (
        "The sign-in was cancelled, or this user may not use the client.",
        "Sign in again, as a user who may.",
    ),
    "invalid_scope": (
        "The authorization server does not grant these scopes to this client.",
        "Correct spec.scopes, or allow them in the client's registration (Offline Access for offline_access).",
    ),
    "unauthorized_client": ("The client may not sign people in this way.", _REGISTRATION),
    "invalid_request": ("The authorization server does not accept the request.", _REGISTRATION),
    "invalid_target": ("The authorization server does not know the API that the token is for.", "Check spec.resource."),
    "unsupported_response_type": ("The client may not use authorization codes.", _REGISTRATION),
    "request_not_supported": ("The authorization server does not accept the request.", _REGISTRATION),
    "server_error": ("The authorization server reports an error of its own.", _AGAIN),
    "temporarily_unavailable": ("The authorization server is overloaded or in maintenance.", "Try again in a while."),
    "login_required": _ASKED,
    "interaction_required": _ASKED,
    "consent_required": _ASKED,
    "account_selection_required": _ASKED,
}
