"""Connections that must not come to stand, over real sockets: nothing is sent, and status has a word for the reason."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citrix_oauth_operator.domain.answers import NotSent
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.wire.transport import Transport
from tests.unit.wire.sockets import LONG_AGO, LOOPBACK, Resolver, post

#: A ServerHello of version 3.2: no session, TLS_RSA_WITH_AES_128_CBC_SHA, no extensions.
_HELLO_1_1 = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + bytes(32) + b"\x00\x00\x2f\x00"


@asynccontextmanager
async def _listening(context: ssl.SSLContext | None, greeting: bytes = b"") -> AsyncIterator[tuple[int, list[bytes]]]:
    """Listen on loopback; remember every byte that arrives inside a connection that stands."""
    heard: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        heard.append(await reader.read(64))
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def _context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login.example.com")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("login.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self-signed.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def _refused(context: ssl.SSLContext | None, ca: trustme.CA, greeting: bytes = b"") -> str:
    """Post to a server that calls itself login.example.com; return the word for why nothing was sent."""
    async with _listening(context, greeting) as (port, heard):
        reach = replace(LOOPBACK, ca_bundle=ca.cert_pem.bytes().decode())
        transport = Transport(deadline=60, resolve=Resolver(["127.0.0.1"]))
        answer = await post(f"https://login.example.com:{port}/token", reach=reach, transport=transport)
        assert isinstance(answer, NotSent)
        assert answer.problem.reason is Reason.SERVER_UNREACHABLE
        assert "example.com" not in answer.problem.message + answer.problem.remedy
        assert not any(b"CANARY" in piece or b"POST" in piece for piece in heard)
        return answer.problem.message.rpartition(": ")[2]


async def test_a_certificate_of_a_ca_that_nobody_named() -> None:
    """There is no switch that trusts it all the same."""
    leaf = trustme.CA().issue_cert("login.example.com")
    assert await _refused(_context(leaf), trustme.CA()) == "unknown CA"


async def test_a_self_signed_certificate(tmp_path: Path) -> None:
    """Told apart, for its cure is another one: its own PEM in spec.caBundle."""
    assert await _refused(_self_signed(tmp_path), trustme.CA()) == "self-signed certificate"


async def test_a_certificate_for_another_name() -> None:
    """The name is the URL's, whatever the address."""
    ca = trustme.CA()
    assert await _refused(_context(ca.issue_cert("other.example.com")), ca) == "name mismatch"


async def test_a_certificate_for_the_address_instead_of_the_name() -> None:
    """What was connected to is not what was asked for."""
    ca = trustme.CA()
    assert await _refused(_context(ca.issue_cert("127.0.0.1")), ca) == "name mismatch"


async def test_an_expired_certificate() -> None:
    """By the machine's clock."""
    ca = trustme.CA()
    leaf = ca.issue_cert("login.example.com", not_after=LONG_AGO)
    assert await _refused(_context(leaf), ca) == "certificate expired"


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x46", id="it says so"),
        pytest.param(_HELLO_1_1, id="it goes on with TLS 1.1 all the same"),
    ],
)
async def test_a_server_that_knows_old_versions_only(greeting: bytes) -> None:
    """TLS 1.1 is not spoken."""
    assert await _refused(None, trustme.CA(), greeting) == "the server speaks no TLS version from 1.2 on"


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", id="http"),
        pytest.param(b"220 mail.example.com ESMTP\r\n", id="mail"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="ssh"),
    ],
)
async def test_a_port_without_tls(greeting: bytes) -> None:
    """Nothing is sent in the clear, whatever answers there."""
    assert await _refused(None, trustme.CA(), greeting) == "the server does not speak TLS"


async def test_a_handshake_that_is_hung_up() -> None:
    """The word is general, for the reason is."""
    ca = trustme.CA()
    context = _context(ca.issue_cert("login.example.com"))
    context.verify_mode = ssl.CERT_REQUIRED  # it wants a certificate of ours, and hangs up without one
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await _refused(context, ca) == "TLS handshake failed"
