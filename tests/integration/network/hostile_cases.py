"""What broken or hostile token endpoints answer, as bytes, and what each answer must come to: a row a case.

The refresh token that was sent is OLD, the one in a good answer is NEW.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

from citrix_oauth_operator.domain.answers import Answer, Granted, Refused, Uncertain
from citrix_oauth_operator.domain.reasons import Reason
from tests.standins.token_endpoint import (
    Reply,
    drip_reply,
    http_reply,
    json_reply,
    raw_reply,
    reset_after_reading,
    reset_before_reading,
    stall,
)

OLD, NEW, ACCESS = "CANARY-rt-old", "CANARY-rt-new", "CANARY-at"
WORDS = "CANARY-words-of-the-server"
GOOD = {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 1800, "refresh_token": NEW, "scope": "openid"}
BYTES = json.dumps(GOOD).encode()
HTML = {"Content-Type": "text/html"}
PAGE = f"<html>{WORDS}</html>".encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
KIB = 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One answer.

    Attributes:
        kind: what it says of OLD. Granted: replaced by `refresh_token`, or kept where that is None. Refused: unspent,
            or dead. Uncertain: nobody knows.
        reason: of the problem, or of the flaw beside the tokens; None where all is well.
        shortened: whether the deadline is to be a short one, for answers that never end.
    """

    id: str
    reply: Reply
    kind: type[Answer]
    reason: Reason | None = None
    refresh_token: str | None = None
    access_token: str | None = None
    lifetime: int = 1800
    retry_after: int | None = None
    oauth_error: str | None = None
    shortened: bool = False


def _body(**changes: object) -> dict[str, object]:
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}


def _error(code: object, status: int = 400, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return json_reply({"error": code, "error_description": WORDS}, status, named)


def _doubt(name: str, reply: Reply, reason: Reason = Reason.RESPONSE_INVALID, **more: object) -> Case:
    return Case(f"{name}: a doubt", reply, Uncertain, reason, **more)  # type: ignore[arg-type] # the rows name fields


def _lost(name: str, reply: Reply, *, shortened: bool = False) -> Case:
    return _doubt(name, reply, Reason.OUTCOME_UNKNOWN, shortened=shortened)


def _taken(name: str, reply: Reply, **more: object) -> Case:
    fields: dict[str, object] = {"refresh_token": NEW, "access_token": ACCESS, **more}
    return Case(f"{name}: taken", reply, Granted, **fields)  # type: ignore[arg-type] # as above


def _flawed(name: str, reason: Reason = Reason.RESPONSE_INVALID, **changes: object) -> Case:
    reply = json_reply(_body(**changes))
    return Case(f"{name}: the new refresh token is kept", reply, Granted, reason, refresh_token=NEW)


def _old_stays(name: str, **changes: object) -> Case:
    return Case(f"{name}: the old one stays", json_reply(_body(**changes)), Granted, access_token=ACCESS)


def _life(name: str, seconds: int, value: object) -> Case:
    return _taken(f"expires_in {name}", json_reply(_body(expires_in=value)), lifetime=seconds)


def _raw_life(name: str, seconds: int, number: str) -> Case:
    body = json.dumps(_body(expires_in=0)).replace('"expires_in": 0', f'"expires_in": {number}')
    return _taken(f"expires_in {name}", http_reply(body.encode()), lifetime=seconds)


def _no(status: int, code: str, reason: Reason) -> Case:
    return Case(f"{status} {code}: a definite no", _error(code, status), Refused, reason, oauth_error=code)


def _throttled(name: str, seconds: int | None, status: int = 429, **headers: str) -> Case:
    reply = _error("slow_down", status, **headers)
    return Case(
        f"{name}: unspent", reply, Refused, Reason.SERVER_THROTTLED, retry_after=seconds, oauth_error="slow_down"
    )


def _with(status: int, body: bytes = PAGE) -> Reply:
    return http_reply(body, status, HTML)


NOT_OAUTH = [
    *(_doubt(f"{status} with a page", _with(status), Reason.SERVER_ERROR) for status in (500, 502, 503, 504, 599)),
    _doubt("200 with a page, as a captive portal sends", _with(200)),
    _doubt("an empty 200", http_reply(b"")),
    _doubt("204", http_reply(b"", 204)),
    _doubt("404 with a page", _with(404)),
    _doubt("403 of a firewall", _with(403)),
    _doubt("tokens with 401", json_reply(GOOD, 401)),
    _doubt("tokens with 500", json_reply(GOOD, 500), Reason.SERVER_ERROR),
    *(
        Case(f"{s} to another host: unspent", http_reply(b"", s, {"Location": "https://x.example/"}), Refused,
             Reason.RESPONSE_INVALID)
        for s in (301, 302, 303, 307, 308)
    ),
]  # fmt: skip

REFUSALS = [
    *(_no(status, "invalid_grant", Reason.GRANT_REJECTED) for status in (200, 400, 401)),
    *(_no(status, "invalid_client", Reason.CLIENT_REJECTED) for status in (400, 401)),
    _no(401, "unauthorized_client", Reason.CLIENT_REJECTED),
    _no(400, "unsupported_grant_type", Reason.CLIENT_REJECTED),
    _no(400, "invalid_scope", Reason.SCOPE_REJECTED),
    Case(
        "401 with WWW-Authenticate: a definite no",
        _error("invalid_client", 401, WWW_Authenticate="Basic"),
        Refused,
        Reason.CLIENT_REJECTED,
        oauth_error="invalid_client",
    ),
    *(
        _doubt(f"400 {code}", _error(code), oauth_error=code)
        for code in ("invalid_target", "invalid_request", "something_new")
    ),
    _doubt("403 invalid_grant, which no token endpoint says", _error("invalid_grant", 403),
           oauth_error="invalid_grant"),
    _doubt("503 temporarily_unavailable", _error("temporarily_unavailable", 503), Reason.SERVER_ERROR,
           oauth_error="temporarily_unavailable"),
    *(
        Case(f"400 {code}: unspent", _error(code), Refused, Reason.SERVER_ERROR, oauth_error=code)
        for code in ("server_error", "temporarily_unavailable")
    ),
    _doubt("an error that is a number", _error(7), oauth_error="other"),
    _doubt("an error that is an object", _error({"code": "invalid_grant"}), oauth_error="other"),
    _doubt("an empty error", _error("")),
    _doubt("400 without an error", json_reply({"message": WORDS}, 400)),
    _doubt("an error that repeats the refresh token", _error(OLD), oauth_error="other"),
    _doubt("an error of control characters", _error("\x1b[31m\r\n"), oauth_error="other"),
    Case(
        "an error_description of 200 KB with control characters: a definite no",
        json_reply({"error": "invalid_grant", "error_description": "\x1b[2J<b>CANARY" * 9_000}, 400),
        Refused,
        Reason.GRANT_REJECTED,
        oauth_error="invalid_grant",
    ),
    _doubt("an error_description of 1 MB",
           json_reply({"error": "invalid_grant", "error_description": "x" * 2**20}, 400)),
]  # fmt: skip

THROTTLING = [
    _throttled("slow_down", None, 400),
    _throttled("429 without Retry-After", None),
    _throttled("429 with seconds", 7, Retry_After="7"),
    _throttled("429 with zero seconds, a second", 1, Retry_After="0"),
    _throttled("429 with an hour, 15 minutes", 900, Retry_After="3600"),
    _throttled("429 with 400 digits, ignored", None, Retry_After="9" * 400),
    _throttled("429 with a date of 2099, 15 minutes", 900, Retry_After="Thu, 31 Dec 2099 23:59:59 GMT"),
    _throttled("429 with a date of 1999, a second", 1, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"),
    _throttled("429 with a negative number, ignored", None, Retry_After="-5"),
    _throttled("429 with a fraction, ignored", None, Retry_After="1.5"),
    _throttled("429 with words, ignored", None, Retry_After="soon, please"),
    _doubt("503 with Retry-After", http_reply(PAGE, 503, {"Retry-After": "9"}), Reason.SERVER_ERROR, retry_after=9),
]

BROKEN = [
    _lost("JSON cut in the middle, with its length", http_reply(BYTES[:60], headers={"Content-Length": "400"})),
    _doubt("JSON cut in the middle, with a length that fits", http_reply(BYTES[:60])),
    _lost("a reset after the headers", Reply((OK + b"Content-Length: 400\r\n\r\n",), ending="reset")),
    _lost("a reset in the body", Reply((OK + b"Content-Length: 400\r\n\r\n" + BYTES[:60],), ending="reset")),
    _lost("a reset after the request was read", reset_after_reading()),
    _lost("a reset before the request was read", reset_before_reading()),
    _lost("an empty reply", raw_reply(b"")),
    _lost("another protocol", raw_reply(b"SSH-2.0-OpenSSH_9.6\r\n")),
    _lost("HTTP/2 in the clear", raw_reply(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    _lost("a status line without a status", raw_reply(b"HTTP/1.1 OK\r\n\r\n")),
    _lost("two lengths that differ", raw_reply(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}    ")),
    _lost("a length that is a word", raw_reply(OK + b"Content-Length: many\r\n\r\n{}")),
    _lost("a chunk whose size is a word", raw_reply(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")),
    _lost("chunks without an end", raw_reply(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")),
    _lost("a header with a line break of its own", raw_reply(OK + b"X: a\rb\x00\r\n\r\n{}")),
    _lost("a flood of headers", raw_reply(OK + b"X-Filler: 0123456789\r\n" * 20_000)),
    _doubt("a body of 256 KiB and a byte", http_reply(b" " * (256 * KIB + 1))),
    _doubt("a body without a length that does not end", raw_reply(OK + b"\r\n" + b" " * (600 * KIB))),
    _doubt("thousands of tiny chunks",
           raw_reply(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 5000)),
    _doubt("a gzip bomb", http_reply(gzip.compress(b" " * 20_000_000), headers={"Content-Encoding": "gzip"})),
    *(
        _doubt(f"{name} that nobody asked for", http_reply(gzip.compress(BYTES), headers={"Content-Encoding": name}))
        for name in ("gzip", "br", "x-made-up", "gzip, gzip")
    ),
    _lost("silence", stall(), shortened=True),
    _lost("a head, byte by byte", drip_reply(OK + b"x" * 10_000), shortened=True),
    _lost("a body, byte by byte", drip_reply(OK + b"Content-Length: 9999\r\n\r\n" + b" " * 9999), shortened=True),
    _lost("a body that stops", Reply((OK + b"Content-Length: 400\r\n\r\n{",), ending="stall"), shortened=True),
    _lost("100 Continue for ever", drip_reply(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, size=25), shortened=True),
]  # fmt: skip

ODD_JSON = [
    _doubt("an array", json_reply([GOOD])),
    _doubt("null", json_reply(None)),
    _doubt("a string", json_reply("tokens")),
    _doubt("an empty object", json_reply({})),
    _doubt("form-encoded tokens", http_reply(f"access_token={ACCESS}&refresh_token={NEW}".encode())),
    _doubt("UTF-16", http_reply(json.dumps(GOOD).encode("utf-16"))),
    _doubt("Latin-1", http_reply(json.dumps({**GOOD, "name": "é"}, ensure_ascii=False).encode("latin-1"))),
    _doubt("UTF-8 that is none", http_reply(b'{"refresh_token": "\xff\xfe"}')),
    _doubt("two objects", http_reply(BYTES + BYTES)),
    _taken("a byte order mark", http_reply(b"\xef\xbb\xbf" + BYTES)),
    _taken("another content type", http_reply(BYTES, headers={"Content-Type": "text/plain"})),
    _taken("no content type", http_reply(BYTES)),
    _taken("an encoding that is named and not there", http_reply(BYTES, headers={"Content-Encoding": "gzip"})),
    _taken("identity as the encoding", http_reply(BYTES, headers={"Content-Encoding": "identity"})),
    _taken("chunks", raw_reply(OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BYTES), BYTES))),
    _taken("no length, and the end", raw_reply(OK + b"\r\n" + BYTES)),
    _taken("a cookie", json_reply(GOOD, headers={"Set-Cookie": "session=CANARY-cookie"})),
    _taken("deep nesting beside the tokens", http_reply(BYTES[:-1] + b', "x": ' + b"[" * 9000 + b"]" * 9000 + b"}")),
    _taken("a number of 5,000 digits beside them", http_reply(BYTES[:-1] + b', "x": ' + b"9" * 5000 + b"}")),
    _taken("NaN beside them", http_reply(BYTES[:-1] + b', "x": NaN, "y": -Infinity}')),
    _taken("the refresh token twice, the last counts",
           http_reply(b'{"refresh_token": "CANARY-first", ' + BYTES[1:])),
    _taken("a clock that is an hour off", json_reply(GOOD, headers={"Date": "Mon, 01 Jan 2001 00:00:00 GMT"})),
    _taken("an expires_at of the server's own, ignored", json_reply(_body(expires_at=1))),
    _taken("an id token", json_reply(_body(id_token="CANARY.id.token"))),
    Case("the access token twice: the new refresh token is kept",
         http_reply(b'{"access_token": "CANARY-first", ' + BYTES[1:]), Granted, Reason.RESPONSE_INVALID,
         refresh_token=NEW),
]  # fmt: skip

ODD_TOKENS = [
    _old_stays("no refresh token", refresh_token=...),
    _old_stays("a refresh token of null", refresh_token=None),
    _old_stays("an empty refresh token", refresh_token=""),
    _taken("the same refresh token", json_reply(_body(refresh_token=OLD)), refresh_token=OLD),
    *(
        Case(f"{name}: told, the old one stays, the access token is used", json_reply(_body(refresh_token=value)),
             Granted, reason, access_token=ACCESS)
        for name, value, reason in [
            ("a refresh token that is a number", 12345, Reason.RESPONSE_INVALID),
            ("a refresh token with a line break", "CANARY\r\nX: y", Reason.RESPONSE_INVALID),
            ("a refresh token beyond ASCII", "CANARY-\u20ac", Reason.RESPONSE_INVALID),
            ("a refresh token of 9 KB", "x" * 9000, Reason.TOKEN_TOO_LARGE),
        ]
    ),
    *(
        _flawed(f"an access token {name}", access_token=value)
        for name, value in [
            ("that is missing", ...), ("of null", None), ("that is a number", 12345), ("that is empty", ""),
            ("with a line break", "CANARY\r\nX-Injected: 1"), ("with a NUL", "CANARY\x00"),
            ("with a space", "CANARY at"), ("beyond ASCII", "CANARY-\u20ac"), ("that is an object", {"a": 1}),
        ]
    ),
    _flawed("an access token of 100 KB", Reason.TOKEN_TOO_LARGE, access_token="x" * 100_000),
    *(_flawed(f"token_type {kind!r}", token_type=kind) for kind in ("mac", "DPoP", 5, ["Bearer"])),
    *(_taken(f"token_type {kind!r}", json_reply(_body(token_type=kind))) for kind in ("bearer", "BEARER", None, ...)),
    _flawed("an error beside good tokens", error="invalid_target"),
    _doubt("an unusable access token alone", json_reply({"access_token": 12345})),
    _doubt("a DPoP token alone", json_reply({"access_token": ACCESS, "token_type": "DPoP"})),
]  # fmt: skip

LIVES = [
    _life("as a string", 1800, "1800"),
    _life("as a fraction", 1800, 1800.9),
    _life("of zero, a minute", 60, 0),
    _life("below zero, a minute", 60, -5),
    _life("of null, the default", 1800, None),
    _life("that is missing, the default", 1800, ...),
    _life("of true, the default", 1800, True),
    _life("of words, the default", 1800, "soon"),
    _life("that is a list, the default", 1800, [1]),
    _life("of 10^30, a day", 86_400, 10**30),
    _raw_life("of NaN, the default", 1800, "NaN"),
    _raw_life("of Infinity, the default", 1800, "Infinity"),
    _raw_life("of 1e999, a day", 86_400, "1e999"),
    _raw_life("of 5,000 digits, a day", 86_400, "9" * 5000),
]

CASES = [*NOT_OAUTH, *REFUSALS, *THROTTLING, *BROKEN, *ODD_JSON, *ODD_TOKENS, *LIVES]
