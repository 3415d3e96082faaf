"""What a client must prove before it gets a token; each proof is registered for it, and another one can replace it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol
from urllib.parse import unquote_plus

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from tests.standins.web import Request

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2
_LONGEST_LIFE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client shows with one request.

    Attributes:
        audience: whom an assertion must be for: the token endpoint, as a client knows it.
        seen: `jti` of every assertion that was ever taken; RFC 7523 section 3 lets a server refuse a second one.
    """

    request: Request
    form: Mapping[str, str]
    client_id: str
    audience: str
    seen: set[str]

    @property
    def ways(self) -> int:
        """In how many ways it proves itself; more than one is forbidden (RFC 6749 section 2.3)."""
        return sum((
            "client_secret" in self.form,
            "authorization" in self.request.headers,
            "client_assertion" in self.form,
        ))  # fmt: skip


class Proof(Protocol):
    """What the registration of a client holds."""

    kind: ClassVar[str]

    def holds(self, shown: Shown) -> bool:
        """Whether that is the client."""


@dataclass(frozen=True, slots=True)
class SecretInForm:
    """`client_secret_post` (RFC 6749 section 2.3.1)."""

    secret: str
    kind: ClassVar[str] = "secret"

    def holds(self, shown: Shown) -> bool:
        """Whether id and secret are in the form."""
        return shown.form.get("client_id") == shown.client_id and _same(shown.form.get("client_secret"), self.secret)


@dataclass(frozen=True, slots=True)
class SecretInHeader:
    """`client_secret_basic`: both form-encoded before base64."""

    secret: str
    kind: ClassVar[str] = "secret"

    def holds(self, shown: Shown) -> bool:
        """Whether id and secret are in the header."""
        scheme, _, value = shown.request.headers.get("authorization", "").partition(" ")
        try:
            client_id, _, secret = base64.b64decode(value, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return (scheme, unquote_plus(client_id)) == ("Basic", shown.client_id) and _same(
            unquote_plus(secret), self.secret
        )


@dataclass(frozen=True, slots=True)
class SignedAssertion:
    """`private_key_jwt` (RFC 7523).

    Attributes:
        certificate: whose key signs.
        algorithm: RS256 or ES256; no other one is taken.
        named: the certificate must be named in the header by its thumbprint, as Entra ID and ADFS want it.
    """

    certificate: x509.Certificate
    algorithm: str
    named: bool = False
    kind: ClassVar[str] = "assertion"

    def holds(self, shown: Shown) -> bool:
        """Whether the assertion is the client's, for us, of now, and new."""
        form = shown.form
        if (
            form.get("client_id", shown.client_id) != shown.client_id
            or form.get("client_assertion_type") != _JWT_BEARER
        ):
            return False
        try:
            token = jwt.decode(form.get("client_assertion", ""), self._key(), algorithms=[self.algorithm])
            self._rules(shown).validate(token.claims)
        except (JoseError, ValueError):
            return False
        jti, late = token.claims["jti"], token.claims["exp"] > time.time() + _LONGEST_LIFE_SECONDS
        if late or jti in shown.seen or (self.named and not self._names_it(token.header)):
            return False
        shown.seen.add(jti)
        return True

    def _rules(self, shown: Shown) -> JWTClaimsRegistry:
        who: ClaimsOption = {"essential": True, "value": shown.client_id}
        whom: ClaimsOption = {"essential": True, "value": shown.audience}
        there: ClaimsOption = {"essential": True}
        return JWTClaimsRegistry(iss=who, sub=who, aud=whom, exp=there, jti=there)

    def _key(self) -> RSAKey | ECKey:
        pem = self.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return RSAKey.import_key(pem) if self.algorithm == "RS256" else ECKey.import_key(pem)

    def _names_it(self, header: Mapping[str, object]) -> bool:
        der = self.certificate.public_bytes(Encoding.DER)
        names = {"x5t": hashlib.sha1(der).digest(), "x5t#S256": hashlib.sha256(der).digest()}  # noqa: S324 - a name
        told = {name: header[name] for name in names if name in header}
        return bool(told) and all(
            value == base64.urlsafe_b64encode(names[name]).rstrip(b"=").decode() for name, value in told.items()
        )


@dataclass(frozen=True, slots=True)
class CertificateOfConnection:
    """A certificate that the connection was opened with (RFC 8705 section 2)."""

    certificate: x509.Certificate
    kind: ClassVar[str] = "certificate"

    def holds(self, shown: Shown) -> bool:
        """Whether the connection proves the client that the form names."""
        known = self.certificate.public_bytes(Encoding.DER)
        return shown.form.get("client_id") == shown.client_id and shown.request.certificate == known


def _same(given: str | None, known: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), known.encode())
