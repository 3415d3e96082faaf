"""Who signed in: an id_token is believed when its signature, issuer, audience, nonce and times say what was expected.

Source: OpenID Connect Core section 3.1.3.7. The algorithm is one of ours, never one that only the token names. Where a
server has no JWK Set, its endpoints being given by hand, TLS takes the signature's place (item 6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeGuard

from citrix_oauth_operator.domain import sign_in_problems as problems
from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import Expected

from .documents import DocumentTransport
from .strict_json import parse_object

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

LEEWAY = timedelta(minutes=2)  # between the server's clock and ours
_SECONDS_KEPT, _SECONDS_BETWEEN = 3600.0, 60.0
_MOST = 64
_SUBJECT = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class _Kept:
    found: KeySet
    at: float


class IdTokens:
    """Checks id_tokens; remembers each server's keys for an hour, and asks for them once a minute at most."""

    def __init__(self, transport: DocumentTransport, boottime: Callable[[], float]) -> None:
        self._transport, self._boottime = transport, boottime
        self._kept: dict[tuple[str, Reach], _Kept] = {}

    async def prepare(self, expected: Expected, reach: Reach) -> Problem | None:
        """Fetch the keys before anything is spent; return why they cannot be had."""
        if expected.issuer and not expected.keys:
            return _no_keys("are not named on a host that is allowed", None)
        found = await self._keys(expected.keys, reach, _SECONDS_KEPT) if expected.keys else None
        return found if isinstance(found, Problem) else None

    async def check(self, token: SecretText | None, expected: Expected, reach: Reach, at: datetime) -> str | Problem:
        """Return the subject that a token proved when it came, "" where none was needed, or what is wrong with it."""
        if token is None:
            return problems.NO_ID_TOKEN if expected.required else ""
        payload = await self._payload(token, expected, reach)
        if isinstance(payload, Problem):
            return payload
        document = parse_object(payload)
        return _subject(document.members if document else {}, expected, at)

    async def _payload(self, token: SecretText, expected: Expected, reach: Reach) -> bytes | Problem:
        from . import signatures  # noqa: PLC0415 - 10 MiB that nobody without a sign-in needs

        if not expected.keys:
            return signatures.unverified(token) or problems.id_token("cannot be read")
        for age in (_SECONDS_KEPT, _SECONDS_BETWEEN):  # a key that is not there may be new
            keys = await self._keys(expected.keys, reach, age)
            if isinstance(keys, Problem):
                return keys
            if (payload := signatures.verified(token, keys)) is not None:
                return payload
        return problems.id_token("is not signed with a key of the authorization server")

    async def _keys(self, url: str, reach: Reach, oldest: float) -> KeySet | Problem:
        place, now = (url, reach), self._boottime()
        kept = self._kept.get(place)
        if kept is not None and now - kept.at < oldest:
            return kept.found
        found = await self._fetch(url, reach)
        if isinstance(found, Problem):
            return found  # what is kept stays good for its hour
        self._kept.pop(place, None)
        self._kept[place] = _Kept(found, now)
        while len(self._kept) > _MOST:
            self._kept.pop(next(iter(self._kept)))
        return found

    async def _fetch(self, url: str, reach: Reach) -> KeySet | Problem:
        from .signatures import usable_keys  # noqa: PLC0415 - as above

        answer = await self._transport.get_json(url, {}, reach)
        if isinstance(answer, NotSent):
            return answer.problem
        if isinstance(answer, Uncertain):
            return _no_keys("could not be read", answer.problem.http_status)
        document = parse_object(answer.body) if answer.status == 200 else None  # noqa: PLR2004
        keys = document.members.get("keys") if document else None
        if not isinstance(keys, list):
            return _no_keys("are not there, or are no JWK Set", answer.status)
        return usable_keys(keys) or _no_keys("hold none to verify with", answer.status)


def _subject(claims: Mapping[str, object], expected: Expected, now: datetime) -> str | Problem:
    audience, subject = claims.get("aud"), claims.get("sub")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.issuer and claims.get("iss") != expected.issuer:
        return problems.id_token("names another issuer", "write spec.issuer of the AuthorizationServer as it does")
    if expected.client_id not in audiences:
        return problems.id_token("is for another client")
    if claims.get("azp", expected.client_id) != expected.client_id:
        return problems.id_token("is for another client")
    if claims.get("nonce") != expected.nonce:
        return problems.id_token("belongs to another sign-in")
    if not _living(claims, now):
        return problems.id_token("has expired, or is not valid yet", "compare the clocks of both sides; sign in again")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        return problems.id_token("names nobody")
    return problems.WRONG_PERSON if expected.subject and subject != expected.subject else subject


def _living(claims: Mapping[str, object], now: datetime) -> bool:
    end, begin, issued = (claims.get(name) for name in ("exp", "nbf", "iat"))
    seconds, leeway = now.timestamp(), LEEWAY.total_seconds()
    if not _is_number(end) or end <= seconds - leeway:
        return False
    return all(moment is None or (_is_number(moment) and moment <= seconds + leeway) for moment in (begin, issued))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_keys(flaw: str, status: int | None) -> Problem:
    return Problem(
        Reason.DISCOVERY_FAILED,
        f"the authorization server's keys (jwks_uri) {flaw}; no code is redeemed before they are there",
        "check the metadata document of the authorization server",
        http_status=status,
    )
