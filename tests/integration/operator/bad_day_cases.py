"""Answers of token endpoints on bad days, and what each must come to: a row a case."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.standins.token_endpoint import Reply, http_reply, json_reply, raw_reply, reset_after_reading

NEW, NEXT = "CANARY-rt-new", "CANARY-rt-next"
ACCESS = "CANARY-at-good"
DESCRIPTION = "CANARY-words-of-the-server"
PAGE = b"<html><body>CANARY-words-of-the-server: we are sorry</body></html>"
TRANSACTION = "0f8fad5b-d9cb-469f-a165-70867728950e"
CITRIX_PAGE = f"<h1>Unable to Process Your Request</h1>{DESCRIPTION}<p>Transaction ID: <b>{TRANSACTION}</b>".encode()
HTML = {"Content-Type": "text/html"}
SEED = "the seed"


def tokens(**changes: object) -> dict[str, object]:
    """Return a good answer, changed; None removes a member."""
    good = {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, "refresh_token": NEW, "scope": "openid"}
    return {key: value for key, value in {**good, **changes}.items() if value is not None}


def error(code: object, status: int = 400, headers: dict[str, str] | None = None) -> Reply:
    """Return an OAuth error."""
    return json_reply({"error": code, "error_description": DESCRIPTION}, status, headers)


GOOD_AGAIN = json_reply(tokens(refresh_token=NEXT))


@dataclass(frozen=True, slots=True)
class Case:
    """One bad answer to the first request of a client; afterwards the server is well.

    Attributes:
        reason: shown by RefreshFailed, or by Stalled when `stalls`; "" when nobody is to notice.
        doubt: whether the intent must be marked: the refresh token may be spent.
        resends: the refresh tokens of all requests, in order.
        keeps: the refresh token that is stored in the end.
        life: of the published token.
        apart: the least time between the failure and the next try.
        recovers: whether to wait for the recovery.
        transaction_id: told for the vendor's support.
    """

    id: str
    reply: Reply
    reason: str = ""
    stalls: bool = False
    doubt: bool = False
    resends: tuple[str, ...] = (SEED, SEED)
    keeps: str = NEXT
    life: timedelta = timedelta(hours=1)
    apart: timedelta = timedelta(0)
    recovers: bool = True
    oauth_error: str = ""
    transaction_id: str = ""
    then: Reply = field(default=GOOD_AGAIN)


def _doubtful(name: str, reply: Reply, reason: str, oauth_error: str = "") -> Case:
    return Case(f"{name} leaves a doubt and passes", reply, reason, doubt=True, oauth_error=oauth_error)


def _harmless(name: str, reply: Reply, reason: str, oauth_error: str = "") -> Case:
    return Case(f"{name} spends nothing and passes", reply, reason, oauth_error=oauth_error)


def _final(name: str, reply: Reply, reason: str, oauth_error: str = "") -> Case:
    return Case(
        f"{name} waits for a person",
        reply,
        reason,
        stalls=True,
        resends=(SEED,),
        keeps=SEED,
        recovers=False,
        oauth_error=oauth_error,
    )


def _flawed(name: str, reason: str = "ResponseInvalid", **changes: object) -> Case:
    reply = json_reply(tokens(**changes))
    return Case(f"{name}: the new refresh token is kept, the flaw is told", reply, reason, resends=(SEED, NEW))


def _taken(name: str, life: timedelta = timedelta(hours=1), keeps: str = NEW, **changes: object) -> Case:
    reply = json_reply(tokens(**changes))
    return Case(f"{name} is taken without a word", reply, resends=(SEED,), keeps=keeps, life=life)


_CUT = json.dumps(tokens()).encode()

SERVER_TROUBLE = [
    *(_doubtful(f"{status} with a page", http_reply(PAGE, status, HTML), "ServerError") for status in (500, 502, 504)),
    _doubtful(
        "503 with an OAuth error", error("temporarily_unavailable", 503), "ServerError", "temporarily_unavailable"
    ),
    _doubtful("200 with a page", http_reply(PAGE, 200, HTML), "ResponseInvalid"),
    replace(
        _doubtful("Citrix's own page", http_reply(CITRIX_PAGE, 400, HTML), "ResponseInvalid"),
        transaction_id=TRANSACTION,
    ),
    _doubtful("403 with a page", http_reply(PAGE, 403, HTML), "ResponseInvalid"),
    _doubtful("204 without a body", http_reply(b"", 204), "ResponseInvalid"),
    _doubtful("a list instead of an object", json_reply([tokens()]), "ResponseInvalid"),
    _doubtful(
        "an answer cut in the middle", http_reply(_CUT[:40], headers={"Content-Length": "400"}), "OutcomeUnknown"
    ),
    _doubtful("an empty reply", raw_reply(b""), "OutcomeUnknown"),
    _doubtful("a reset after the request was read", reset_after_reading(), "OutcomeUnknown"),
    _doubtful("a body of 300 KiB", http_reply(b" " * 300 * 1024), "ResponseInvalid"),
    _doubtful("gzip", http_reply(gzip.compress(_CUT), headers={"Content-Encoding": "gzip"}), "ResponseInvalid"),
    _doubtful("tokens with status 401", json_reply(tokens(), 401), "ResponseInvalid"),
    _harmless("400 server_error", error("server_error"), "ServerError", "server_error"),
    _harmless("a redirect", http_reply(b"", 307, {"Location": "/elsewhere"}), "ResponseInvalid"),
]

REFUSALS = [
    *(
        _final(f"{s} invalid_grant", error("invalid_grant", s), "GrantRejected", "invalid_grant")
        for s in (200, 400, 401)
    ),
    *(
        _final(f"{status} {code}", error(code, status), reason, code)
        for status in (400, 401)
        for code, reason in [
            ("invalid_client", "ClientRejected"),
            ("unauthorized_client", "ClientRejected"),
            ("unsupported_grant_type", "ClientRejected"),
            ("invalid_scope", "ScopeRejected"),
        ]
    ),
    *(
        _doubtful(f"{status} {code}", error(code, status), "ResponseInvalid", code)
        for status in (400, 401)
        for code in ("invalid_request", "invalid_target", "teapot")
    ),
    _doubtful("403 invalid_grant", error("invalid_grant", 403), "ResponseInvalid", "invalid_grant"),
    _doubtful("an error that is no string", error(7), "ResponseInvalid", "other"),
]

_THROTTLED = Case("", error("slow_down", 429), "ServerThrottled", oauth_error="slow_down")

THROTTLING = [
    replace(_THROTTLED, id="429 without Retry-After is waited out"),
    replace(_THROTTLED, id="400 slow_down is waited out", reply=error("slow_down")),
    replace(
        _THROTTLED,
        id="429 with Retry-After in seconds is obeyed",
        reply=error("slow_down", 429, {"Retry-After": "5"}),
        apart=timedelta(seconds=5),
    ),
    replace(
        _THROTTLED,
        id="429 with Retry-After as a date is obeyed",
        reply=error("slow_down", 429, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}),
        apart=timedelta(minutes=15),  # and no longer: a date of a far future is nonsense
        resends=(SEED,),
        keeps=SEED,
        recovers=False,
    ),
    replace(
        _THROTTLED,
        id="429 with a Retry-After of garbage is waited out",
        reply=error("slow_down", 429, {"Retry-After": "soon, please"}),
    ),
]

ODD_ANSWERS = [
    _taken("expires_in as a string", timedelta(minutes=30), expires_in="1800"),
    _taken("no expires_in", timedelta(minutes=30), expires_in=None),
    _taken("expires_in of garbage", timedelta(minutes=30), expires_in="half an hour"),
    _taken("a negative expires_in", timedelta(seconds=60), expires_in=-5),
    _taken("expires_in of zero", timedelta(seconds=60), expires_in=0),
    _taken("a huge expires_in", timedelta(hours=24), expires_in=10**30),
    _taken("no refresh token", keeps=SEED, refresh_token=None),
    _taken("an empty refresh token", keeps=SEED, refresh_token=""),
    _taken("token_type in lower case", token_type="bearer"),
    _taken("no token_type", token_type=None),
    _taken("more scopes than status has room for", scope=" ".join(f"scope-{n}" for n in range(200)) + " x" * 999),
    _taken("an id token beside it", id_token="CANARY-id-token-of-the-server"),
    Case(
        "JSON with another content type is taken without a word",
        http_reply(_CUT, headers={"Content-Type": "text/plain"}),
        resends=(SEED,),
        keeps=NEW,
    ),
    _flawed("a line break in the access token", access_token="CANARY-at-with\nline-break"),
    _flawed("no access token", access_token=None),
    _flawed("an access token that is a number", access_token=4711),
    _flawed("another token_type", token_type="mac"),
    replace(
        _flawed("a refresh token with a line break", refresh_token="CANARY-rt-with\nline-break"),
        id="a line break in the refresh token: the old one is kept, the flaw is told",
        resends=(SEED,),
        keeps=SEED,
        recovers=False,  # not before the next refresh: the old one may be spent, and the access token lives on
    ),
    replace(
        _flawed("an access token of 100 KiB", "TokenTooLarge", access_token="x" * 100 * 1024),
        stalls=True,
        resends=(SEED,),
        keeps=NEW,
        recovers=False,
    ),
]

CASES = [*SERVER_TROUBLE, *REFUSALS, *THROTTLING, *ODD_ANSWERS]
