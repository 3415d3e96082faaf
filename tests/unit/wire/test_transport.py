"""One exchange over real sockets and real TLS: what is sent, what is refused, and which failures are safe to repeat."""

import asyncio
import ipaddress
import logging
import ssl
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import httpcore
import pytest
import trustme

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Reach
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.transport import BODY_LIMIT, FORESEEN, Transport
from tests.standins.token_endpoint import (
    Reply,
    TokenEndpoint,
    drip_reply,
    http_reply,
    json_reply,
    raw_reply,
    reset_after_reading,
    reset_before_reading,
    stall,
)

LOOPBACK = Reach(allowed_addresses=(ipaddress.ip_network("127.0.0.0/8"),))
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
BODY = b"grant_type=refresh_token&refresh_token=CANARY-rt"
LONG_AGO = datetime(2001, 1, 2, tzinfo=UTC)


async def post(
    url: str, *, reach: Reach = LOOPBACK, transport: Transport | None = None
) -> RawAnswer | NotSent | Uncertain:
    """Post the canary."""
    return await (transport or Transport(deadline=20)).post_form(url, BODY, FORM, reach)


class Resolver:
    """Answers from a script, the last answer for ever; an address that a name may change to is a rebinding."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Resolve."""
        assert port > 0
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Certified(TokenEndpoint):
    """A TLS server with a certificate that the test chooses."""

    def __init__(self, *names: str, expired: bool = False, old_tls: bool = False) -> None:
        self._names, self._expired, self._old_tls = names, expired, old_tls
        super().__init__(tls=True)

    def _certify(self) -> ssl.SSLContext:
        authority = trustme.CA()
        self.ca_pem = authority.cert_pem.bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._names, not_after=LONG_AGO if self._expired else None).configure_cert(context)
        if self._old_tls:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context


def trusting(endpoint: TokenEndpoint) -> Reach:
    """Reach loopback and trust the endpoint's CA."""
    return replace(LOOPBACK, ca_bundle=endpoint.ca_pem.decode())


async def test_an_answer_comes_back_as_it_is() -> None:
    """Status, lower-case headers and body; the request has the fields it must have and none of a browser's."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(json_reply({"access_token": "CANARY-at"}, headers={"Retry-After": "7", "Set-Cookie": "a=b"}))
        answer = await post(endpoint.url)
        assert isinstance(answer, RawAnswer)
        assert (answer.status, answer.headers["retry-after"]) == (200, "7")
        assert answer.body == b'{"access_token": "CANARY-at"}'
        assert "CANARY" not in repr(answer)
        (request,) = endpoint.requests
        assert request.body == BODY
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert request.headers["accept"] == "application/json"
        assert request.headers["accept-encoding"] == "identity"


async def test_nothing_of_an_answer_is_carried_into_the_next_request() -> None:
    """No cookie jar, and a fresh connection: the endpoint would serve the second request on the kept one."""
    async with TokenEndpoint() as endpoint:
        head = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=CANARY\r\nContent-Length: 2\r\n\r\n{}"
        endpoint.script(Reply((head,), ending="keep"), Reply((head,), ending="keep"))
        transport = Transport()
        assert isinstance(await post(endpoint.url, transport=transport), RawAnswer)
        assert isinstance(await post(endpoint.url, transport=transport), RawAnswer)
        assert "cookie" not in endpoint.requests[1].headers


async def test_a_trusted_ca_bundle_lets_tls_through() -> None:
    """The address is a number in the certificate here; the name is another test's."""
    async with TokenEndpoint(tls=True) as endpoint:
        endpoint.script(json_reply({}))
        assert isinstance(await post(endpoint.url, reach=trusting(endpoint)), RawAnswer)


async def test_the_certificate_is_asked_for_the_name_not_for_the_address() -> None:
    """The checked address is connected to, while SNI and the check of the certificate keep the host's name."""
    async with Certified("login.example.com") as endpoint:
        endpoint.script(json_reply({}))
        url = endpoint.url.replace("127.0.0.1", "login.example.com")
        resolver = Resolver(["127.0.0.1"])
        answer = await post(url, reach=trusting(endpoint), transport=Transport(resolve=resolver))
        assert isinstance(answer, RawAnswer)
        assert resolver.asked == ["login.example.com"]


@pytest.mark.parametrize(
    ("certified", "trusted", "words"),
    [
        pytest.param(partial(Certified, "127.0.0.1"), False, "unknown CA", id="a CA that nobody named"),
        pytest.param(
            partial(Certified, "other.example.com"), True, "name mismatch", id="a certificate for another name"
        ),
        pytest.param(
            partial(Certified, "127.0.0.1", expired=True), True, "certificate expired", id="an expired certificate"
        ),
        pytest.param(
            partial(Certified, "127.0.0.1", old_tls=True), True, "TLS handshake failed", id="an old TLS version"
        ),
    ],
)
async def test_tls_failures_are_not_sent_and_named_coarsely(
    certified: Callable[[], Certified], trusted: bool, words: str
) -> None:
    """Not a byte of the request leaves before the server is known, and the remedy names the field."""
    async with certified() as endpoint:
        answer = await post(endpoint.url, reach=trusting(endpoint) if trusted else LOOPBACK)
        assert isinstance(answer, NotSent)
        assert answer.problem.reason is Reason.SERVER_UNREACHABLE
        assert answer.problem.message.endswith(words)
        assert "spec.caBundle" in answer.problem.remedy
        assert not endpoint.requests


async def test_a_plain_server_on_a_tls_port_is_not_sent_to() -> None:
    """What answers in the clear is not even asked."""
    async with TokenEndpoint() as endpoint:
        answer = await post(endpoint.url.replace("http:", "https:"), transport=Transport(deadline=0.3))
        assert isinstance(answer, NotSent)
        assert not endpoint.requests


async def test_a_ca_bundle_that_cannot_be_read_names_its_field() -> None:
    """Never a fall-back to another trust store."""
    bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    answer = await post("https://127.0.0.1:1/", reach=replace(LOOPBACK, ca_bundle=bundle))
    assert isinstance(answer, NotSent)
    assert "spec.caBundle" in answer.problem.remedy


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_never_followed(status: int) -> None:
    """307 would post the refresh token and the client secret to wherever the answer points."""
    async with TokenEndpoint() as elsewhere, TokenEndpoint() as endpoint:
        endpoint.script(http_reply(b"", status, {"Location": elsewhere.url}))
        answer = await post(endpoint.url)
        assert isinstance(answer, RawAnswer)
        assert answer.status == status
        assert not elsewhere.requests


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable must not be able to divert credentials."""
    async with TokenEndpoint() as proxy, TokenEndpoint() as endpoint:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        endpoint.script(json_reply({}))
        assert isinstance(await post(endpoint.url), RawAnswer)
        assert not proxy.requests


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(
            http_reply(b"x", headers={"Content-Encoding": "gzip"}), Reason.RESPONSE_INVALID, id="compressed unasked"
        ),
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


async def test_a_resolver_that_hangs_hits_the_deadline_before_anything_is_sent() -> None:
    """The deadline covers the name, too."""

    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError((host, port))

    answer = await post("http://login.example.com/", transport=Transport(deadline=0.05, resolve=hang))
    assert isinstance(answer, NotSent)


async def test_a_refused_connection_is_not_sent() -> None:
    """Port 1 on loopback has no listener."""
    answer = await post("http://127.0.0.1:1/")
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.SERVER_UNREACHABLE
    assert "127" not in answer.problem.message + answer.problem.remedy


async def test_addresses_are_tried_in_order_until_one_answers() -> None:
    """The first address is dead; both were checked before."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(json_reply({}))
        url = endpoint.url.replace("127.0.0.1", "login.example.com")
        transport = Transport(resolve=Resolver(["127.0.0.2", "127.0.0.1"]))
        assert isinstance(await post(url, transport=transport), RawAnswer)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://" + host + "/", id=host)
        for host in (
            "localhost",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",  # noqa: S104
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "169.254.169.254",
            "192.0.0.192",
            "100.100.100.200",
            "168.63.129.16",
            "10.96.0.1",
            "[fd00:ec2::254]",
            "[fe80::1]",
        )
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(url: str) -> None:
    """The system's own resolver reads the odd spellings; the result is what is checked."""
    answer = await post(url, reach=Reach(), transport=Transport(deadline=20))
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.ADDRESS_NOT_ALLOWED
    assert "spec.allowedAddresses" in answer.problem.remedy
    assert "AuthorizationServer" in answer.problem.remedy


async def test_rebinding_finds_nothing_to_change() -> None:
    """The name is resolved once: the answer that was checked is the one that is used."""
    async with TokenEndpoint() as endpoint:
        url = endpoint.url.replace("127.0.0.1", "rebind.example.com")
        resolver = Resolver(["192.0.2.1"], ["127.0.0.1"])
        reach = Reach(allowed_addresses=(ipaddress.ip_network("192.0.2.0/24"),))
        answer = await post(url, reach=reach, transport=Transport(deadline=0.3, resolve=resolver))
        assert isinstance(answer, NotSent)
        assert len(resolver.asked) == 1
        assert not endpoint.requests


async def test_one_forbidden_address_condemns_the_name() -> None:
    """Else a server could offer a good address for the check and hope for the other one."""
    async with TokenEndpoint() as endpoint:
        url = endpoint.url.replace("127.0.0.1", "mixed.example.com")
        answer = await post(url, transport=Transport(resolve=Resolver(["127.0.0.1", "169.254.169.254"])))
        assert isinstance(answer, NotSent)
        assert answer.problem.reason is Reason.ADDRESS_NOT_ALLOWED
        assert not endpoint.requests


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "http://0177.0.0.1/",
        "https://",
        "http://[::1",
        "https://" + "a" * 300 + ".example/",
        "ftp://127.0.0.1/",
    ],
)
async def test_a_url_that_cannot_be_called_is_not_sent(url: str) -> None:
    """Such URLs are refused long before; here they must not raise."""
    assert isinstance(await post(url), NotSent)


async def test_on_sending_is_told_right_before_the_first_byte() -> None:
    """Not when the connection fails, once when it stands."""
    told: list[str] = []
    async with TokenEndpoint() as endpoint:
        endpoint.script(json_reply({}))
        transport = Transport()
        await transport.post_form("http://127.0.0.1:1/", BODY, FORM, LOOPBACK, on_sending=lambda: told.append("dead"))
        await transport.post_form(endpoint.url, BODY, FORM, LOOPBACK, on_sending=lambda: told.append("alive"))
    assert told == ["alive"]


async def test_cancelling_is_never_swallowed_and_hangs_up() -> None:
    """The caller decides about cancellation; the connection does not outlive it."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(stall())
        asking = asyncio.create_task(post(endpoint.url))
        while not endpoint.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_documents_are_fetched_with_get_and_without_a_body() -> None:
    """The same guard, the same limits."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(json_reply({"issuer": "x"}))
        answer = await Transport().get_json(endpoint.url, {}, LOOPBACK)
        assert isinstance(answer, RawAnswer)
        assert (endpoint.requests[0].method, endpoint.requests[0].body) == ("GET", b"")
        assert endpoint.requests[0].headers["accept"] == "application/json"


async def test_the_libraries_below_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG they would print headers of the answer; the Location of a sign-in holds its code."""
    caplog.set_level(logging.DEBUG)
    async with TokenEndpoint() as endpoint:
        endpoint.script(http_reply(b"", 302, {"Location": "https://x.example/?code=CANARY"}))
        await post(endpoint.url)
    assert not [record for record in caplog.records if record.name.startswith(("http", "h11"))]


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
    pool = httpcore.AsyncConnectionPool

    async def fail(*_: object, **__: object) -> httpcore.Response:
        raise kind

    monkeypatch.setattr(pool, "handle_async_request", fail)
    assert isinstance(await post("http://127.0.0.1:1/"), NotSent)
