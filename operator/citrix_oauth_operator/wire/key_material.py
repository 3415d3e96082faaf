"""Private keys and certificates: whether they can be used, and what is signed with them (RFC 7523 section 2.2).

Imported when the first client with a key is met, not with the operator.
"""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.secrecy import SecretText

LIFE = timedelta(minutes=2)
EARLIER = timedelta(seconds=30)  # the server's clock may be behind ours
_SHORTEST_RSA = 2048


@lru_cache(maxsize=1024)  # parsing an RSA key costs a millisecond, and each pass looks
def flaw(key: ClientKey) -> tuple[str, str] | None:
    """Return which part cannot be used, `key` or `certificate`, and why; None when both can."""
    try:
        private = _private(key.private_key)
    except (ValueError, TypeError):
        return "key", "is no PEM private key without a passphrase"
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < _SHORTEST_RSA:
        return "key", f"is an RSA key of fewer than {_SHORTEST_RSA} bits"
    if not _algorithm(private):
        return "key", "is neither an RSA key nor one of curve P-256"
    if not key.certificate:
        return None
    try:
        certificate = _certificate(key.certificate)
    except ValueError:
        return "certificate", "is no PEM certificate"
    return None if _same_key(certificate, private) else ("certificate", "does not belong to the private key")


def certificate_end(key: ClientKey) -> datetime | None:
    """Return when the certificate ends; None where there is none."""
    return _certificate(key.certificate).not_valid_after_utc if key.certificate else None


def certificate_names(key: ClientKey) -> str:
    """Return whom the certificate names, to compare: a renewed one names the same."""
    certificate = _certificate(key.certificate)
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.public_bytes()
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        others = b""
    return f"{certificate.subject.rfc4514_string()} {others.hex()}"


def assertion(key: ClientKey, client_id: str, audience: str, now: datetime) -> SecretText:
    """Sign who the client is, for one request: RS256 or ES256 by the key, a new `jti` each time.

    The header names the certificate by its thumbprints (RFC 7515 sections 4.1.7 and 4.1.8), as Entra ID and ADFS want.
    """
    private = _private(key.private_key)
    algorithm = _algorithm(private)
    header: dict[str, object] = {"alg": algorithm, "typ": "JWT"}
    if key.certificate:
        certificate = _certificate(key.certificate)
        header["x5t"] = _base64(certificate.fingerprint(hashes.SHA1()))  # noqa: S303 - a name, not a proof
        header["x5t#S256"] = _base64(certificate.fingerprint(hashes.SHA256()))
    if key.key_id:
        header["kid"] = key.key_id
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "iat": int(now.timestamp()),
        "nbf": int((now - EARLIER).timestamp()),
        "exp": int((now + LIFE).timestamp()),
    }
    pem = key.private_key.reveal()
    signer = RSAKey.import_key(pem) if algorithm == "RS256" else ECKey.import_key(pem)
    return SecretText(jwt.encode(header, claims, signer, algorithms=[algorithm]))


def _private(pem: SecretText) -> object:
    return serialization.load_pem_private_key(pem.reveal().encode(), password=None)


def _algorithm(private: object) -> str:
    if isinstance(private, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return "ES256"
    return ""


def _certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pem.encode())[0]


def _same_key(certificate: x509.Certificate, private: object) -> bool:
    public = private.public_key() if isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None
    return certificate.public_key() == public


def _base64(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
