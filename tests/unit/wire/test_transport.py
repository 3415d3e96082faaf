"""One exchange over real sockets and real TLS: what is sent, and to whom."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from citrix_oauth_operator.domain.answers import NotSent
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.transport import Transport
from tests.standins.token_endpoint import (
    Reply,
    TokenEndpoint,
    http_reply,
    json_reply,
    stall,
)
from tests.unit.wire.sockets import BODY, FORM, LOOPBACK, Certified, Resolver, post, trusting


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
            partial(Certified, "127.0.0.1", old_tls=True),
            True,
            "TLS handshake failed",
            id="an old TLS version",
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
