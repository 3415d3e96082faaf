"""The listener behind the redirect URI, over a real socket."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.login import pages
from citrix_oauth_operator.login.attempt import Attempt
from citrix_oauth_operator.login.callback import Declined
from citrix_oauth_operator.login.certificate import self_signed
from citrix_oauth_operator.login.loopback import Listener, Loopback, PortTaken
from tests.control_plane.children import free_port
from tests.unit.login.attempts import WANTED, answer


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("http://localhost:7182/callback", Loopback("http", "localhost", 7182, "/callback")),
        ("https://localhost/cb?x=1", Loopback("https", "localhost", 443, "/cb")),
        ("http://127.0.0.1", Loopback("http", "127.0.0.1", 80, "/")),
        ("http://[::1]:99/", Loopback("http", "::1", 99, "/")),
        ("https://portal.example/callback", None),
        ("https://10.0.0.1/callback", None),
        ("http://localhost.evil.example/", None),
        ("http://localhost:99999/", None),
        ("myapp:/callback", None),
    ],
)
def test_where_a_redirect_uri_leads(uri: str, found: Loopback | None) -> None:
    """None: not to this machine."""
    assert Loopback.of(uri) == found


@pytest.fixture
def at() -> Loopback:
    """A free port."""
    return Loopback("http", "127.0.0.1", free_port(), "/callback")


@pytest.fixture
async def listener(at: Loopback) -> AsyncIterator[Listener]:
    """One that tells the browser at once to look at the terminal, where nothing is concluded."""
    async with Listener(Attempt.begin(WANTED), at, hold=0) as opened:
        yield opened


@pytest.fixture
async def http(at: Loopback) -> AsyncIterator[httpx.AsyncClient]:
    """The browser."""
    async with httpx.AsyncClient(base_url=at.origin, trust_env=False) as client:
        yield client


def _attempt(listener: Listener) -> Attempt:
    return listener._attempt


async def test_the_browser_is_sent_to_the_server_and_comes_back_by_post(
    listener: Listener, http: httpx.AsyncClient
) -> None:
    """Nothing of it may be kept by the browser, framed by a page or told to the next one."""
    sent = await http.get(listener.start_url)
    assert (sent.status_code, sent.headers["location"]) == (303, _attempt(listener).url)
    back = await http.post("/callback", data=answer(_attempt(listener)))
    assert isinstance(await listener.answer(), SignIn)
    for shown in (sent, back):
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert (back.status_code, "<script" in back.text) == (200, False)
    assert pages.ARRIVED.heading in back.text


async def test_a_server_that_knows_no_form_post_is_understood_too(listener: Listener, http: httpx.AsyncClient) -> None:
    """Its answer is a query."""
    await http.get("/callback", params=answer(_attempt(listener), code="a-code"))  # the test's client logs URLs
    assert isinstance(await listener.answer(), SignIn)


async def test_of_an_answer_by_post_only_the_body_is_read(listener: Listener, http: httpx.AsyncClient) -> None:
    """Citrix repeats the state in the query: that is no parameter given twice, and nothing else there counts."""
    query = {"state": answer(_attempt(listener))["state"], "error": "access_denied"}
    await http.post("/callback", params=query, data=answer(_attempt(listener)))
    assert isinstance(await listener.answer(), SignIn)


async def test_a_second_answer_does_nothing_and_is_shown_the_same_page(
    listener: Listener, http: httpx.AsyncClient
) -> None:
    """Double click, back button, a second tab: the first answer holds."""
    await http.post("/callback", data=answer(_attempt(listener)))
    listener.conclude(pages.signed_in("team-a/reports", "alice"))
    for again in (answer(_attempt(listener), code="CANARY-second"), answer(_attempt(listener), error="access_denied")):
        shown = await http.post("/callback", data=again)
        assert (shown.status_code, "signed in as alice" in shown.text) == (200, True)
    first = await listener.answer()
    assert isinstance(first, SignIn)
    assert first.code.reveal() == "CANARY-code"
    assert "signed in as alice" in (await http.get(listener.start_url)).text


async def test_an_answer_of_an_earlier_sign_in_changes_nothing(listener: Listener, http: httpx.AsyncClient) -> None:
    """And the one that is waited for is still taken."""
    old = Attempt.begin(WANTED)
    for stray in (answer(old), answer(old, error="access_denied"), {}, {"code": "x"}):
        shown = await http.post("/callback", data=stray)
        assert (shown.status_code, pages.STRAY.heading in shown.text) == (400, True)
    assert not listener._answer.done()
    await http.post("/callback", data=answer(_attempt(listener)))
    assert isinstance(await listener.answer(), SignIn)


async def test_a_cancelled_sign_in_is_an_answer(listener: Listener, http: httpx.AsyncClient) -> None:
    """The person learns of it where they are."""
    await http.post("/callback", data=answer(_attempt(listener), error="access_denied", code=None))
    assert isinstance(await listener.answer(), Declined)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("GET", "/favicon.ico", b"", 404, id="another path"),
        pytest.param("GET", "/sign-in/guessed", b"", 404, id="a guessed start"),
        pytest.param("PUT", "/callback", b"", 404, id="another method"),
        pytest.param("POST", "/callback", b"a=" + b"x" * 70_000, 413, id="a large body"),
        pytest.param("POST", "/callback", b"&".join([b"a=1"] * 40), 400, id="very many parameters"),
        pytest.param("POST", "/callback", b"\xff\xfe%ff&&&=", 400, id="no form at all"),
    ],
)
async def test_whatever_else_comes_is_turned_away_quietly(  # noqa: PLR0913, PLR0917
    listener: Listener,
    http: httpx.AsyncClient,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: bytes,
    status: int,
) -> None:
    """Anybody on this machine can connect."""
    caplog.set_level(logging.DEBUG, "aiohttp")
    assert (await http.request(method, path, content=body)).status_code == status
    assert not listener._answer.done()
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


async def test_bytes_that_are_no_http_leave_no_trace(
    listener: Listener, at: Loopback, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Such as TLS on a port without."""
    reader, writer = await asyncio.open_connection(at.host, at.port)
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00CANARY\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.")
    writer.close()
    await writer.wait_closed()
    assert not listener._answer.done()
    assert ("CANARY" in caplog.text, capfd.readouterr()) == (False, ("", ""))


async def test_a_taken_port_is_told(at: Loopback) -> None:
    """Whoever listens there would get the code."""
    with socket.create_server((at.host, at.port)), pytest.raises(PortTaken):
        async with Listener(Attempt.begin(WANTED), at):
            pass


async def test_localhost_is_taken_where_only_one_of_its_addresses_is(at: Loopback) -> None:
    """The browser tries both, and nobody knows which first."""
    try:
        other = socket.create_server(("::1", at.port), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with other, pytest.raises(PortTaken):
        async with Listener(Attempt.begin(WANTED), Loopback("http", "localhost", at.port, "/callback")):
            pass
    with socket.create_server(("127.0.0.1", at.port)):
        pass  # and the first one was let go of again


async def test_the_last_page_still_reaches_the_browser(at: Loopback, http: httpx.AsyncClient) -> None:
    """The command ends as soon as it knows; the browser hears of it all the same."""
    async with Listener(Attempt.begin(WANTED), at) as opened:
        shown = asyncio.create_task(http.post("/callback", data=answer(_attempt(opened))))
        await opened.answer()
        opened.conclude(pages.signed_in("team-a/reports", ""))
    assert "team-a/reports has a token now." in (await shown).text


async def test_https_is_served_with_a_certificate_made_on_the_spot(at: Loopback) -> None:
    """For redirect URIs that must say https; the key is in no file afterwards."""
    context, fingerprint = self_signed({"localhost", "127.0.0.1", "::1"})
    secure = Loopback("https", at.host, at.port, at.path)
    async with Listener(Attempt.begin(WANTED), secure, context, hold=0) as opened:
        pem = await asyncio.to_thread(ssl.get_server_certificate, (at.host, at.port))
        trust = ssl.create_default_context(cadata=pem)
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            assert (await client.get(opened.start_url)).status_code == 303
    assert len(fingerprint) == 32 * 3 - 1


def test_a_page_shows_markup_as_text() -> None:
    """A subject is the server's word."""
    shown = pages.signed_in("team-a/reports", "<script>alert(1)</script>").html()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
