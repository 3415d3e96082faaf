"""Which failures are free to repeat, and which may have spent the refresh token."""

import asyncio
import ssl
from collections.abc import Sequence
from functools import partial

import httpcore
import pytest

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.transport import BODY_LIMIT, FORESEEN, Transport
from tests.standins.token_endpoint import (
    Reply,
    TokenEndpoint,
    drip_reply,
    http_reply,
    raw_reply,
    reset_after_reading,
    reset_before_reading,
    stall,
)
from tests.unit.wire.sockets import post


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(http_reply(b"x" * (BODY_LIMIT + 1)), Reason.RESPONSE_INVALID, id="a body of 256 KiB and a byte"),
        pytest.param(
            raw_reply(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BODY_LIMIT + 1)),
            Reason.RESPONSE_INVALID,
            id="a large body that names no length",
        ),
        pytest.param(
            raw_reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000),
            Reason.RESPONSE_INVALID,
            id="thousands of tiny chunks",
        ),
        pytest.param(
            raw_reply(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 0123456789\r\n" * 20_000),
            Reason.OUTCOME_UNKNOWN,
            id="a flood of headers",
        ),
        pytest.param(
            http_reply(b'{"refresh_token":', headers={"Content-Length": "500"}),
            Reason.OUTCOME_UNKNOWN,
            id="a body shorter than announced",
        ),
        pytest.param(raw_reply(b"SSH-2.0-OpenSSH_9.6\r\n"), Reason.OUTCOME_UNKNOWN, id="another protocol"),
        pytest.param(raw_reply(b""), Reason.OUTCOME_UNKNOWN, id="closed without an answer"),
        pytest.param(reset_after_reading(), Reason.OUTCOME_UNKNOWN, id="reset after the request was read"),
        pytest.param(reset_before_reading(), Reason.OUTCOME_UNKNOWN, id="reset before the request was read"),
    ],
)
async def test_after_the_first_byte_every_failure_is_uncertain(reply: Reply, reason: Reason) -> None:
    """The server may have acted: only the complete answer would tell."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(reply)
        answer = await post(endpoint.url)
        assert isinstance(answer, Uncertain)
        assert answer.problem.reason is reason


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    """The limit is inclusive."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(http_reply(b"x" * BODY_LIMIT))
        answer = await post(endpoint.url)
        assert isinstance(answer, RawAnswer)
        assert len(answer.body) == BODY_LIMIT


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(stall(), id="silence"),
        pytest.param(drip_reply(b"HTTP/1.1 200 OK\r\n" + b"x" * 10_000), id="a header, byte by byte"),
        pytest.param(
            drip_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999), id="a body, byte by byte"
        ),
    ],
)
async def test_one_deadline_ends_every_kind_of_slowness(reply: Reply) -> None:
    """A limit per read would wait for ever on a server that drips."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(reply)
        answer = await post(endpoint.url, transport=Transport(deadline=0.3))
        assert isinstance(answer, Uncertain)
        assert answer.problem.reason is Reason.OUTCOME_UNKNOWN


@pytest.mark.looptime
async def test_the_deadline_is_30_seconds_unless_told_otherwise() -> None:
    """On a virtual clock: exactly as long as the write protocol counts on."""
    loop = asyncio.get_running_loop()
    for transport, seconds in ((partial(Transport), 30), (partial(Transport, deadline=7), 7)):
        started = loop.time()
        await post("http://login.example.com/", transport=transport(resolve=hang))
        assert loop.time() - started == pytest.approx(seconds)


async def hang(host: str, port: int) -> Sequence[str]:
    """Resolve never."""
    await asyncio.Event().wait()
    raise AssertionError((host, port))


async def test_a_resolver_that_hangs_hits_the_deadline_before_anything_is_sent() -> None:
    """The deadline covers the name, too."""
    answer = await post("http://login.example.com/", transport=Transport(deadline=0.05, resolve=hang))
    assert isinstance(answer, NotSent)


async def test_a_refused_connection_is_not_sent() -> None:
    """Port 1 on loopback has no listener."""
    answer = await post("http://127.0.0.1:1/")
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.SERVER_UNREACHABLE
    assert "127" not in answer.problem.message + answer.problem.remedy


EXCEPTIONS = [
    kind
    for kind in vars(httpcore).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__.startswith("httpcore")
]


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_every_exception_of_the_library_is_foreseen(kind: type[Exception]) -> None:
    """A release that adds one makes this fail, not a refresh."""
    assert issubclass(kind, FORESEEN)


@pytest.mark.parametrize("kind", [*EXCEPTIONS, ConnectionResetError, ssl.SSLError, ZeroDivisionError])
async def test_after_the_first_byte_no_exception_escapes(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a bug: an exception would be taken for "nothing happened"."""

    async def fail(*_: object, **__: object) -> bytes:
        raise kind

    monkeypatch.setattr("citrix_oauth_operator.wire.network.Stream.read", fail)
    async with TokenEndpoint() as endpoint:
        assert isinstance(await post(endpoint.url), Uncertain)
        assert len(endpoint.requests) <= 1, "ConnectionNotAvailable makes the pool send again, unless it is stopped"


@pytest.mark.parametrize("kind", [*EXCEPTIONS, ConnectionResetError, ssl.SSLError])
async def test_before_the_first_byte_every_exception_is_not_sent(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has been spent, so it is free to repeat."""
    connection = httpcore.AsyncHTTP11Connection

    async def fail(*_: object, **__: object) -> httpcore.Response:
        raise kind

    monkeypatch.setattr(connection, "handle_async_request", fail)
    assert isinstance(await post("http://127.0.0.1:1/"), NotSent)
