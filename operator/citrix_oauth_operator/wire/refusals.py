"""What a token endpoint says when it gives no tokens, and what that leaves of the refresh token."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from citrix_oauth_operator.domain.answers import Refused, Uncertain
from citrix_oauth_operator.domain.catalogue import NOTHING_KNOWN, Catalogue, Finding
from citrix_oauth_operator.domain.claims_challenge import claims_challenge
from citrix_oauth_operator.domain.problem import Problem, sanitised
from citrix_oauth_operator.domain.reasons import Reason

from .echo import without_echo
from .raw import RawAnswer
from .strict_json import Document, parse_object

_LONGEST_WAIT, _SHORTEST_WAIT = timedelta(minutes=15), timedelta(seconds=1)
_LONGEST_HEADER = 64
_CITRIX_PAGE = b"unable to process your request"
_PAGES_ID = re.compile(r"transaction[\s-]*id", re.IGNORECASE)
_AN_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
_ID_HEADERS = ("citrix-transactionid", "client-request-id")
_CORRELATION = "correlation_id"  # of Entra's errors, which its sign-in log is searched by
_CODE = re.compile(r"[a-z]{1,24}(?:_[a-z]{1,24}){0,4}")  # as all registered ones are, and no token is
_TAG = re.compile(r"<[^<>]*>")
_TRANSIENT_CODES = frozenset({"temporarily_unavailable", "server_error"})


_CLIENT = Finding(
    Reason.CLIENT_REJECTED,
    "the authorization server refuses the client",
    "check spec.clientID, client_secret in the credentials Secret, and the client's registration",
)
_REFUSALS = {
    "invalid_grant": Finding(
        Reason.GRANT_REJECTED,
        "the authorization server refuses the grant",
        "sign in again, or put a new refresh_token into the credentials Secret",
    ),
    "invalid_client": _CLIENT,
    "unauthorized_client": _CLIENT,
    "unsupported_grant_type": _CLIENT,
    "invalid_scope": Finding(
        Reason.SCOPE_REJECTED,
        "the authorization server refuses the scope",
        "correct spec.scopes, or allow them in the client's registration",
    ),
}
_GRANT_STATUSES = frozenset({200, 400, 401})  # the end of a grant is believed only where the RFC or habit puts it


def verdict(raw: RawAnswer, document: Document | None, catalogue: Catalogue, now: datetime) -> Refused | Uncertain:
    """Judge an answer without tokens.

    Source: RFC 6749 section 5.2; an unknown code, and `invalid_target` and `invalid_request` among the known ones, can
    come after a server has already replaced the refresh token.
    """
    error = document.members.get("error") if document else None
    code = error if isinstance(error, str) else None
    if raw.encoding:
        return Uncertain(problem(raw, _ENCODED, wait=retry_after(raw, now)))
    if raw.status >= 500:  # noqa: PLR2004
        return Uncertain(problem(raw, _SERVER_ERROR, code, retry_after(raw, now)))
    if 300 <= raw.status < 400:  # noqa: PLR2004
        return Refused(problem(raw, _REDIRECT))
    if raw.status == 429 or code == "slow_down":  # noqa: PLR2004
        return Refused(problem(raw, _THROTTLED, code, retry_after(raw, now)))
    if raw.status != 200 and raw.status < 400:  # noqa: PLR2004
        return Uncertain(problem(raw, _NO_TOKENS))
    return _by_code(raw, code, catalogue) if error else Uncertain(problem(raw, _page(raw)))


def _by_code(raw: RawAnswer, code: str | None, catalogue: Catalogue) -> Refused | Uncertain:
    if code in _TRANSIENT_CODES:
        failed = problem(raw, _SERVER_ERROR, code)
        return Refused(failed) if raw.status == 400 else Uncertain(failed)  # noqa: PLR2004
    refusal = _row(raw, catalogue) or catalogue.errors.get(code or "") or _REFUSALS.get(code or "")
    misplaced = raw.status not in _GRANT_STATUSES and (code == "invalid_grant" or code not in _REFUSALS)
    if code is None or refusal is None or misplaced:
        return Uncertain(problem(raw, _UNKNOWN_CODE, code or "other"))
    if code in _REFUSALS and refusal is _REFUSALS[code]:
        refusal = replace(refusal, remedy=catalogue.remedies.get(code, refusal.remedy))
    return Refused(problem(raw, refusal, code, catalogue=catalogue))


def _row(raw: RawAnswer, catalogue: Catalogue) -> Finding | None:
    document = parse_object(raw.body) if raw.status in _GRANT_STATUSES else None
    return catalogue.find(document.members) if document else None


_SERVER_ERROR = Finding(Reason.SERVER_ERROR, "the authorization server reports an error of its own")
_THROTTLED = Finding(Reason.SERVER_THROTTLED, "the authorization server asks for fewer requests")
_ENCODED = Finding(
    Reason.RESPONSE_INVALID,
    "the authorization server's answer has a content encoding that was not asked for",
    "look for a proxy that compresses answers in front of the authorization server",
)
_REDIRECT = Finding(
    Reason.RESPONSE_INVALID,
    "the token endpoint answers with a redirect, which is never followed",
    "correct the token URL: spec.endpoints.token or the metadata document of the AuthorizationServer",
)
_NO_TOKENS = Finding(
    Reason.RESPONSE_INVALID,
    "the token endpoint's answer is no OAuth answer",
    "check that the token URL of the AuthorizationServer is a token endpoint, and no proxy answers in its place",
)
_UNKNOWN_CODE = Finding(
    Reason.RESPONSE_INVALID,
    "the token endpoint answers with an error that does not say whether the grant was used",
    "look the error code up in the authorization server's documentation",
)
_CITRIX = Finding(
    Reason.RESPONSE_INVALID,
    'Citrix answers with the page "Unable to Process Your Request"',
    "one of three: the client is disabled, the redirect URI is not on its list, or offline_access was requested "
    "without Offline Access being enabled on it; Citrix Support asks for the transaction id",
)


def is_citrix_page(raw: RawAnswer) -> bool:
    """Whether an answer is the page with which Citrix refuses a client."""
    return _CITRIX_PAGE in raw.body.lower()


def _page(raw: RawAnswer) -> Finding:
    return _CITRIX if is_citrix_page(raw) else _NO_TOKENS


def problem(
    raw: RawAnswer,
    refusal: Finding,
    code: str | None = None,
    wait: timedelta | None = None,
    catalogue: Catalogue = NOTHING_KNOWN,
) -> Problem:
    """Return the finding with the facts of the answer: texts of ours, and codes of the server in a narrow alphabet."""
    document = parse_object(raw.body)
    members = document.members if document else {}

    def told(value: str | None) -> str | None:
        return next(iter(without_echo(filter(None, [value]), raw, members)), None)

    return Problem(
        refusal.reason,
        refusal.message,
        refusal.remedy,
        oauth_error=None if code is None else told(code if _CODE.fullmatch(code) else None) or "other",
        http_status=raw.status,
        server_code=told(catalogue.told(members) or sanitised(raw.headers.get("citrix-error-source"))),
        transaction_id=told(transaction_id(raw)) or sanitised(raw.transaction_id),
        claims=told(claims_challenge(members.get("claims"))),
        retry_after=wait,
    )


def transaction_id(raw: RawAnswer) -> str | None:
    """Return the id for the vendor's support: the one in the answer (page, member, header), else the one we sent."""
    if is_citrix_page(raw):
        page = raw.body.decode("utf-8", "replace").replace("\n", " ")
        label = _PAGES_ID.search(page)
        found = _AN_ID.search(_TAG.sub(" ", page[label.end() :][:400])) if label else None
        if found:
            return sanitised(found[0])
    document = parse_object(raw.body)
    member = document.members.get(_CORRELATION) if document else None
    if isinstance(member, str) and _AN_ID.fullmatch(member):
        return member
    answered = (raw.headers[name] for name in _ID_HEADERS if raw.headers.get(name))
    return sanitised(next(answered, None) or raw.transaction_id)


def retry_after(raw: RawAnswer, now: datetime) -> timedelta | None:
    """Return the server's wish (RFC 9110 section 10.2.3) between 1 s and 15 minutes; None for none or nonsense."""
    value = raw.headers.get("retry-after", "").strip()
    if not value or len(value) > _LONGEST_HEADER or not value.isascii():
        return None
    if value.isdecimal():
        seconds = min(int(value), int(_LONGEST_WAIT.total_seconds()))
        return max(timedelta(seconds=seconds), _SHORTEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)
