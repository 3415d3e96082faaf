"""What is signed with a client's key, and which keys are refused before anything is sent."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, RSAKey

from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.spec import ClientAuthentication
from citrix_oauth_operator.wire import key_material
from citrix_oauth_operator.wire.client_auth import Authentication
from tests.unit.key_pairs import END, PrivateKey, certificate, certificate_pem, ec_key, pem, rsa_key

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URL = "https://as.example/token"
KINDS = [pytest.param(rsa_key(), "RS256", id="RSA"), pytest.param(ec_key(), "ES256", id="P-256")]


def client_key(key: PrivateKey, *, certified: bool = False, key_id: str = "") -> ClientKey:
    """Return the key as it is read from a Secret."""
    return ClientKey(SecretText(pem(key)), certificate_pem(key) if certified else "", key_id)


def public(key: PrivateKey) -> RSAKey | ECKey:
    """Return what a server knows."""
    content = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return ECKey.import_key(content) if isinstance(key, ec.EllipticCurvePrivateKey) else RSAKey.import_key(content)


def sent(key: ClientKey) -> dict[str, list[str]]:
    """Return the form of a refresh."""
    proof = Authentication(ClientAuthentication.PRIVATE_KEY_JWT, "id==", key=key)
    headers, form = proof.applied("https://as.example/elsewhere", {}, "grant_type=refresh_token", URL, NOW)
    assert headers == {}
    return parse_qs(form)


def verified(key: PrivateKey, form: dict[str, list[str]]) -> Any:  # noqa: ANN401 - the library's token
    """Return the token, as a server reads it."""
    return jwt.decode(form["client_assertion"][0], public(key), algorithms=["RS256", "ES256"])


@pytest.mark.parametrize(("key", "algorithm"), KINDS)
def test_an_assertion_says_who_to_whom_and_for_how_long(key: PrivateKey, algorithm: str) -> None:
    """RFC 7523 section 3; for the token endpoint, wherever it is sent."""
    form = sent(client_key(key))
    token = verified(key, form)
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert form["client_id"] == ["id=="]
    assert "client_secret" not in form
    assert token.header == {"alg": algorithm, "typ": "JWT"}
    issued = int(NOW.timestamp())
    jti = token.claims.pop("jti")
    assert len(jti) == 36
    assert token.claims == {
        "iss": "id==", "sub": "id==", "aud": URL, "iat": issued, "nbf": issued - 30, "exp": issued + 120,
    }  # fmt: skip


def test_no_two_requests_show_the_same_assertion() -> None:
    """A server may remember each `jti`, and refuses a second one."""
    key = client_key(ec_key())
    assert len({verified(ec_key(), sent(key)).claims["jti"] for _ in range(5)}) == 5


def test_a_certificate_is_named_by_its_thumbprints() -> None:
    """As Entra ID shows them: SHA-1 and SHA-256 over the DER, base64url without padding."""
    key = rsa_key()
    der = certificate(key).public_bytes(serialization.Encoding.DER)
    header = verified(key, sent(client_key(key, certified=True))).header
    for name, digest in (("x5t", hashlib.sha1(der).digest()), ("x5t#S256", hashlib.sha256(der).digest())):  # noqa: S324
        assert header[name] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_a_key_id_is_sent_as_it_is_given() -> None:
    """Where the server knows several keys."""
    assert verified(ec_key(), sent(client_key(ec_key(), key_id="2026-11"))).header["kid"] == "2026-11"


def test_another_key_does_not_verify_it() -> None:
    """The test's own check: it can fail."""
    with pytest.raises(BadSignatureError):
        verified(ec_key(1), sent(client_key(ec_key())))


@pytest.mark.parametrize(
    ("key", "flaw"),
    [
        pytest.param(ClientKey(SecretText("CANARY")), ("key", "is no PEM"), id="no key"),
        pytest.param(ClientKey(SecretText(pem(ec_key(), b"x"))), ("key", "passphrase"), id="a key with a passphrase"),
        pytest.param(ClientKey(SecretText(pem(rsa_key(1024)))), ("key", "2048"), id="a short key"),
        pytest.param(
            ClientKey(SecretText(pem(ec.generate_private_key(ec.SECP521R1())))), ("key", "P-256"), id="another curve"
        ),
        pytest.param(ClientKey(SecretText(pem(ec_key())), "CANARY"), ("certificate", "no PEM"), id="no certificate"),
        pytest.param(
            ClientKey(SecretText(pem(ec_key())), certificate_pem(ec_key(1))),
            ("certificate", "does not belong"),
            id="the certificate of another key",
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_named_by_its_part(key: ClientKey, flaw: tuple[str, str]) -> None:
    """Before a request leaves."""
    found = key_material.flaw(key)
    assert found is not None
    assert found[0] == flaw[0]
    assert flaw[1] in found[1]
    assert "CANARY" not in found[1]


@pytest.mark.parametrize("certified", [False, True])
@pytest.mark.parametrize(("key", "algorithm"), KINDS)
def test_a_key_that_can_be_used_has_no_flaw(key: PrivateKey, algorithm: str, certified: bool) -> None:
    """Both kinds, with and without a certificate."""
    assert algorithm
    found = client_key(key, certified=certified)
    assert key_material.flaw(found) is None
    assert key_material.certificate_end(found) == (END if certified else None)
    assert "PRIVATE" not in repr(found)
