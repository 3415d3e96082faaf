"""The login Secret: what is handed over arrives as it was, and whatever else it holds is told by its key."""

from __future__ import annotations

import base64

import pytest

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.kube.login_secret import KeyFlaw, from_secret, is_for, to_secret

REF = ClientRef("team-a", "reports", "uid-1")
HERE, THERE = "http://localhost:7182/callback", "https://accounts.example/token"
SIGN_IN = SignIn(SecretText("c" * 43), SecretText("v" * 64), HERE, "n" * 22, THERE)


def b64(value: str | bytes) -> str:
    """Return a value as a Secret holds it."""
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def test_what_is_handed_over_arrives_as_it_was() -> None:
    """Write, read, compare."""
    secret = to_secret(REF, SIGN_IN)
    assert from_secret(secret) == SIGN_IN
    assert secret["metadata"]["name"] == "reports-login"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == REF.uid
    assert is_for(REF, secret)


def test_it_is_for_this_client_only() -> None:
    """A predecessor of the same name, and a Secret without our label."""
    secret = to_secret(REF, SIGN_IN)
    assert not is_for(ClientRef("team-a", "reports", "uid-2"), secret)
    del secret["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    assert not is_for(REF, secret)


def test_nothing_of_it_is_printed() -> None:
    """In any log or failed assertion."""
    assert not any(part in repr(SIGN_IN) for part in ("ccc", "vvv", "nnn", "7182", "/token"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("code", None, id="no code"),
        pytest.param("code", "", id="an empty code"),
        pytest.param("code", "c" * 8193, id="a code of 8193 characters"),
        pytest.param("code", "c\n", id="a code with a line break"),
        pytest.param("code", b"\xff", id="a code that is no text"),
        pytest.param("code_verifier", None, id="no verifier"),
        pytest.param("code_verifier", "v" * 42, id="a verifier of 42 characters"),
        pytest.param("code_verifier", "v" * 129, id="a verifier of 129 characters"),
        pytest.param("code_verifier", "v" * 43 + "+", id="a verifier with a character that RFC 7636 has not"),
        pytest.param("redirect_uri", None, id="no redirect URI"),
        pytest.param("redirect_uri", "javascript:alert(1)", id="a redirect URI that is code"),
        pytest.param("redirect_uri", "https://e.example/" + "a" * 2048, id="a redirect URI beyond 2048 characters"),
        pytest.param("nonce", None, id="no nonce"),
        pytest.param("nonce", "n" * 15, id="a nonce of 15 characters"),
        pytest.param("nonce", "n" * 257, id="a nonce of 257 characters"),
        pytest.param("token_endpoint", None, id="no token endpoint"),
        pytest.param("token_endpoint", "accounts.example/token", id="a token endpoint that is no address"),
        pytest.param("client_secret", "s3cret", id="a key too many"),
    ],
)
def test_what_is_wrong_is_told_by_its_key_and_without_its_value(key: str, value: str | bytes | None) -> None:
    """Each rule of each key."""
    secret = to_secret(REF, SIGN_IN)
    if value is None:
        del secret["data"][key]
    else:
        secret["data"][key] = b64(value)
    found = from_secret(secret)
    assert isinstance(found, KeyFlaw)
    assert found.key == key
    assert "s3cret" not in repr(found)
