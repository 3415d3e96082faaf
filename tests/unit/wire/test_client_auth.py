"""How a client proves itself, byte by byte."""

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote_plus

import pytest

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.spec import ClientAuthentication
from citrix_oauth_operator.wire.client_auth import Authentication

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOKEN_URL = "https://x.example/token"
AWKWARD = "CANARY +/=%&:\u00e9"


def test_post_puts_id_and_secret_into_the_form() -> None:
    """Awkward characters come out as they went in."""
    proof = Authentication(ClientAuthentication.CLIENT_SECRET_POST, "id==", SecretText(AWKWARD))
    headers, form = proof.applied(
        "https://x.example", {}, "grant_type=refresh_token&refresh_token=a%2Bb", TOKEN_URL, NOW
    )
    assert "Authorization" not in headers
    assert parse_qs(form) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["a+b"],
        "client_id": ["id=="],
        "client_secret": [AWKWARD],
    }


def test_basic_form_encodes_both_before_base64() -> None:
    """RFC 6749 section 2.3.1; a colon or an equals sign in the id would break it otherwise."""
    proof = Authentication(ClientAuthentication.CLIENT_SECRET_BASIC, "i:d==", SecretText(AWKWARD))
    headers, form = proof.applied("https://x.example", {}, "grant_type=refresh_token", TOKEN_URL, NOW)
    scheme, _, value = headers["Authorization"].partition(" ")
    client_id, _, secret = base64.b64decode(value).decode("ascii").partition(":")
    assert (scheme, unquote_plus(client_id), unquote_plus(secret)) == ("Basic", "i:d==", AWKWARD)
    assert form == "grant_type=refresh_token"


def test_none_only_says_who_asks() -> None:
    """A public client."""
    headers, form = Authentication(ClientAuthentication.NONE, "id==").applied(
        "https://x.example", {}, "a=b", TOKEN_URL, NOW
    )
    assert (headers, form) == ({}, "a=b&client_id=id%3D%3D")


@pytest.mark.parametrize(
    ("method", "secret", "supported"),
    [
        pytest.param(ClientAuthentication.CLIENT_SECRET_POST, "CANARY", True, id="a secret in the form"),
        pytest.param(ClientAuthentication.CLIENT_SECRET_BASIC, "CANARY", True, id="a secret in the header"),
        pytest.param(ClientAuthentication.CLIENT_SECRET_POST, None, False, id="no secret where one is needed"),
        pytest.param(ClientAuthentication.CLIENT_SECRET_POST, "", False, id="an empty secret"),
        pytest.param(ClientAuthentication.NONE, None, True, id="no secret where none is needed"),
        pytest.param(ClientAuthentication.PRIVATE_KEY_JWT, "CANARY", False, id="a secret where a key is needed"),
        pytest.param(ClientAuthentication.TLS_CLIENT_AUTH, None, False, id="no key where one is needed"),
    ],
)
def test_supported(method: ClientAuthentication, secret: str | None, supported: bool) -> None:
    """Asked before a request is built."""
    assert Authentication(method, "id", SecretText(secret) if secret is not None else None).supported is supported
