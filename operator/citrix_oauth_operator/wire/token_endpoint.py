"""The two messages of a token endpoint (RFC 6749 sections 5 and 6), without I/O.

Reading an answer never raises, whatever the bytes, and looks for the refresh token before anything else: once the
server has replaced it, losing the new one costs a person's sign-in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from authlib.oauth2.rfc6749.parameters import prepare_token_request

from citrix_oauth_operator.domain.answers import Answer, Granted, Uncertain
from citrix_oauth_operator.domain.catalogue import Catalogue, Finding
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText, StaysHere
from citrix_oauth_operator.domain.template import LONGEST_ACCESS_TOKEN

from .client_auth import Authentication
from .echo import without_echo
from .raw import RawAnswer
from .refusals import problem, verdict
from .strict_json import Document, parse_object

LONGEST_LIFE = timedelta(hours=24)
SHORTEST_LIFE = timedelta(seconds=60)
LONGEST_REFRESH_TOKEN = 8 * 1024
_LONGEST_SCOPE = 4096
_MOST_SECONDS = 10 * 365 * 24 * 3600
_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]+")  # RFC 6749 section A.12, without the space that no header value survives
_REFRESH_TOKEN = re.compile(r"[\x20-\x7e]+")  # section A.17: a space is legal, and lost with it would be the grant
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # section A.4
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")


@dataclass(frozen=True, slots=True)
class TokenRequest(StaysHere):
    """A request ready to be sent; printing it shows the URL alone."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom the client's proof is for, and when it was made."""

    audience: str
    at: datetime


def token_request(
    url: str, grant_type: str, parameters: Mapping[str, str], authentication: Authentication, proof: Addressed
) -> TokenRequest:
    """Build the request of `grant_type`; empty parameters are left out."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",  # exactly: Citrix refuses a charset behind it
        "Accept": "application/json",  # Citrix refuses */*
    }
    form = prepare_token_request(grant_type, **parameters)
    signed, body = authentication.applied(url, headers, form, proof.audience, proof.at)
    return TokenRequest(url, signed, body.encode("ascii"))


def read_answer(raw: RawAnswer, *, default_lifetime: timedelta, catalogue: Catalogue, now: datetime) -> Answer:
    """Say what an answer means for the grant.

    Tokens count only with a successful status, an error code only where the server cannot have spent the refresh token.

    Args:
        default_lifetime: life of an access token whose answer does not say, or says nonsense.
        now: for a `Retry-After` that is a date.
    """
    return read_tokens(raw, default_lifetime) or verdict(raw, parse_object(raw.body), catalogue, now)


def read_tokens(raw: RawAnswer, default_lifetime: timedelta) -> Granted | Uncertain | None:
    """Read the tokens of a success; None when there is nothing like tokens in it."""
    document = parse_object(raw.body)
    return _tokens(raw, document, default_lifetime) if raw.successful and document is not None else None


def _tokens(raw: RawAnswer, document: Document, default_lifetime: timedelta) -> Granted | Uncertain | None:
    """Read the tokens of a success; None when it is an error in its dress."""
    members = document.members
    refresh_token = _refresh_token(members.get("refresh_token"))
    kept = refresh_token if isinstance(refresh_token, SecretText) else None
    error = members.get("error")
    failed = error not in (None, "", False)
    if failed and kept is None:
        return None
    access_token = _access_token(document, failed=failed)
    if isinstance(access_token, Finding) and kept is None:
        return Uncertain(problem(raw, replace(access_token, reason=Reason.RESPONSE_INVALID)))
    flaw = next((token for token in (access_token, refresh_token) if isinstance(token, Finding)), None)
    return Granted(
        access_token=None if isinstance(access_token, Finding) else access_token,
        lifetime=_lifetime(members.get("expires_in"), default_lifetime),
        refresh_token=kept,
        refresh_lifetime=_refresh_lifetime(members),
        scopes=_scopes(raw, members),
        id_token=_id_token(members.get("id_token")),
        flaw=None if flaw is None else problem(raw, flaw, error if isinstance(error, str) else None),
        successor_unusable=isinstance(refresh_token, Finding),
    )


def _refresh_token(value: object) -> SecretText | Finding | None:
    """Read the member; null and the empty string are how some servers say that they keep the old one."""
    return _checked("refresh_token", value, _REFRESH_TOKEN, LONGEST_REFRESH_TOKEN) if value else None


def _id_token(value: object) -> SecretText | None:
    """Read the member; what is no JWS in compact form is as good as none (RFC 7515 section 7.1)."""
    well = isinstance(value, str) and len(value) <= LONGEST_ACCESS_TOKEN and _COMPACT.fullmatch(value)
    return SecretText(value) if well and isinstance(value, str) else None


def _access_token(document: Document, *, failed: bool) -> SecretText | Finding:
    members = document.members
    if failed:
        return Finding(Reason.RESPONSE_INVALID, "the answer holds an error beside its tokens")
    if "access_token" in document.repeated:
        return Finding(Reason.RESPONSE_INVALID, "the answer holds more than one access_token")
    kind = members.get("token_type") or "Bearer"
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return Finding(Reason.RESPONSE_INVALID, "the answer's token_type is not Bearer", _REGISTRATION)
    return _checked("access_token", members.get("access_token"), _ACCESS_TOKEN, LONGEST_ACCESS_TOKEN)


def _checked(name: str, value: object, form: re.Pattern[str], longest: int) -> SecretText | Finding:
    if not isinstance(value, str) or not form.fullmatch(value):
        return Finding(Reason.RESPONSE_INVALID, f"the answer holds no usable {name}")
    if len(value) > longest:
        return Finding(
            Reason.TOKEN_TOO_LARGE, f"the answer's {name} is longer than {longest} characters", _REGISTRATION
        )
    return SecretText(value)


_REGISTRATION = "change what the authorization server issues to this client, in the client's registration there"


def _lifetime(value: object, default: timedelta) -> timedelta:
    seconds = _seconds(value)
    if seconds is None:
        return default
    return min(timedelta(seconds=seconds), LONGEST_LIFE) if seconds >= 1 else SHORTEST_LIFE


def _refresh_lifetime(members: Mapping[str, object]) -> timedelta | None:
    for name in ("refresh_token_expires_in", "refresh_expires_in"):
        seconds = _seconds(members.get(name))
        if seconds is not None and seconds >= 1:
            return timedelta(seconds=seconds)
    return None


def _seconds(value: object) -> int | None:
    """Read a number of seconds in any spelling, rounded down and kept within what a timedelta holds."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return int(min(max(value, -1), _MOST_SECONDS))


def _scopes(raw: RawAnswer, members: Mapping[str, object]) -> tuple[str, ...] | None:
    value = members.get("scope")
    if not isinstance(value, str) or not value or len(value) > _LONGEST_SCOPE:
        return None
    return without_echo(filter(_SCOPE.fullmatch, value.split(" ")), raw, members)
