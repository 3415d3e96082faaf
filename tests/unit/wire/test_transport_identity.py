"""A client that proves itself by its certificate (RFC 8705): real TLS, a server that asks for one."""

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trustme

from citrix_oauth_operator.domain.answers import NotSent
from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.transport import Transport
from tests.standins.storefront import Authority, StoreFront, serve
from tests.standins.storefront.service import CERTIFICATE
from tests.standins.token_endpoint import TokenEndpoint, json_reply
from tests.unit.key_pairs import certificate_pem, ec_key, pem
from tests.unit.wire.sockets import LOOPBACK, post, trusting


class Asking(TokenEndpoint):
    """A TLS server that takes clients of one authority only."""

    def __init__(self, authority: trustme.CA) -> None:
        self._authority = authority
        super().__init__(tls=True, default=json_reply({}))

    def _certify(self) -> ssl.SSLContext:
        context = super()._certify()
        self._authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def identity(authority: trustme.CA) -> ClientKey:
    """Return a key with a certificate of that authority."""
    issued = authority.issue_cert("reports.team-a.example")
    chain = "".join(blob.bytes().decode() for blob in issued.cert_chain_pems)
    return ClientKey(SecretText(issued.private_key_pem.bytes().decode()), chain)


def showing(endpoint: TokenEndpoint, key: ClientKey | None) -> Reach:
    """Return a reach that trusts the endpoint and shows a certificate."""
    return replace(trusting(endpoint), identity=key)


async def test_a_certificate_that_the_server_knows_lets_the_client_in() -> None:
    """And after a rotation the next one does, by the same transport, without a restart."""
    authority, transport = trustme.CA(), Transport()
    async with Asking(authority) as endpoint:
        for key in (identity(authority), identity(authority)):
            assert isinstance(await post(endpoint.url, reach=showing(endpoint, key), transport=transport), RawAnswer)


@pytest.mark.parametrize("shown", ["a stranger's", "none"])
async def test_a_certificate_that_the_server_does_not_take_has_sent_nothing(shown: str) -> None:
    """The handshake comes first: nobody read the refresh token. A reset that overtakes the alert leaves a doubt."""
    async with Asking(trustme.CA()) as endpoint:
        key = identity(trustme.CA()) if shown == "a stranger's" else None
        answer = await post(endpoint.url, reach=showing(endpoint, key))
        assert not isinstance(answer, RawAnswer)
        assert endpoint.requests == []


async def test_the_alert_of_a_handshake_is_a_definite_no() -> None:
    """As servers send it that let it be read before they hang up; an asyncio server resets the connection instead."""
    authority, certified = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certified.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(_refuse_one, listening, context))
        reach = replace(LOOPBACK, ca_bundle=certified.cert_pem.bytes().decode(), identity=identity(trustme.CA()))
        answer = await post(f"https://127.0.0.1:{listening.getsockname()[1]}/token", reach=reach)
        await serving
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.CLIENT_REJECTED
    assert "tls.crt" in answer.problem.remedy


def _refuse_one(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Fail one handshake, then read on until the other side has read the alert and hung up."""
    plain, _ = listening.accept()
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inward, outward, server_side=True)
    with plain:
        done = False
        while received := plain.recv(65536):
            inward.write(received)
            if not done:
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    done = True
                plain.sendall(outward.read())


@pytest.mark.parametrize("shown", ["svc.example.com", "a stranger's"])
async def test_a_server_may_ask_for_the_certificate_when_it_knows_the_path(shown: str) -> None:
    """As IIS does: TLS stands and the request is read, and only then a certificate is wanted, or found wanting."""
    storefront, authority = StoreFront(lambda: datetime.now(UTC)), Authority()
    certificate, key = (authority if "." in shown else Authority()).issue("svc.example.com")
    with serve(storefront, authority):
        reach = replace(LOOPBACK, ca_bundle=authority.pem, identity=ClientKey(SecretText(key), certificate))
        answer = await post(f"{storefront.base}{CERTIFICATE}", reach=reach)
    if "." in shown:
        assert isinstance(answer, RawAnswer)
        assert answer.status == 415  # a form, and no message of StoreFront's: judged after the certificate
        assert storefront.shown == ["svc.example.com"]
    else:
        assert not isinstance(answer, RawAnswer)
        assert storefront.shown == []


async def test_a_pair_that_does_not_fit_is_told_as_the_clients_own() -> None:
    """Not as a wrong CA bundle."""
    async with Asking(trustme.CA()) as endpoint:
        key = ClientKey(SecretText(pem(ec_key())), certificate_pem(ec_key(1)))
        answer = await post(endpoint.url, reach=showing(endpoint, key))
        assert isinstance(answer, NotSent)
        assert answer.problem.reason is Reason.CREDENTIALS_INVALID
