"""A certificate for https on loopback, made on the spot: for the redirect URIs that must say https."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=1)


def self_signed(hosts: Iterable[str]) -> tuple[ssl.SSLContext, str]:
    """Return a context that serves a new certificate for `hosts`, and its SHA-256 as browsers show it.

    The key is on disk for as long as OpenSSL takes to read it, for its user alone.
    """
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "citrix-oauth login")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + _LIFE)
    for extension in (
        x509.SubjectAlternativeName([_name(host) for host in hosts]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.BasicConstraints(ca=False, path_length=None),
    ):
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(key, SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # 0700
        path = Path(folder, "tls.pem")
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context, certificate.fingerprint(SHA256()).hex(":").upper()


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
