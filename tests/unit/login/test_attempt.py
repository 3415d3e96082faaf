"""The request that begins a sign-in."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.login.attempt import Attempt
from tests.unit.login.attempts import WANTED


def _query(attempt: Attempt) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(attempt.url).query, strict_parsing=True).items()}


def test_the_request_holds_all_that_the_protocol_wants() -> None:
    """And the endpoint keeps its place and its own query."""
    attempt = Attempt.begin(WANTED)
    query = _query(attempt)
    assert attempt.url.startswith("https://login.example/core/connect/authorize?tenant=a%2Bb&")
    assert query.pop("code_challenge")
    assert query == {
        "tenant": "a+b",
        "response_type": "code",
        "response_mode": "form_post",
        "client_id": "b3BlcmF0b3I==",
        "redirect_uri": "http://localhost:7182/callback",
        "scope": "openid offline_access",
        "state": attempt.state.reveal(),
        "nonce": attempt.nonce.reveal(),
        "code_challenge_method": "S256",
    }


def test_the_challenge_is_the_hash_of_a_verifier_that_stays_here() -> None:
    """RFC 7636 sections 4.1 and 4.2."""
    attempt = Attempt.begin(WANTED)
    verifier = attempt.code_verifier.reveal()
    digest = hashlib.sha256(verifier.encode()).digest()
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
    assert _query(attempt)["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert verifier not in attempt.url


def test_prompt_and_acr_values_are_sent_where_they_are_asked_for() -> None:
    """As the customer's document says it: prompt=Login with a capital."""
    query = _query(Attempt.begin(replace(WANTED, prompt="Login", acr_values="idp:a b")))
    assert (query["prompt"], query["acr_values"]) == ("Login", "idp:a b")


def test_a_claims_challenge_arrives_as_it_was_sent() -> None:
    """Braces and quotes are encoded, once."""
    claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    assert _query(Attempt.begin(replace(WANTED, claims=claims)))["claims"] == claims


def test_no_two_attempts_share_anything_random() -> None:
    """256 bits each."""
    attempts = [Attempt.begin(WANTED) for _ in range(50)]
    values = {secret.reveal() for one in attempts for secret in (one.state, one.nonce, one.code_verifier)}
    assert len(values) == 150
    assert all(len(base64.urlsafe_b64decode(value + "==")) >= 32 for value in values)


def test_what_is_handed_over_is_what_was_asked_with() -> None:
    """The redirect URI byte for byte, and nothing of it can be printed."""
    attempt = Attempt.begin(WANTED)
    sign_in = attempt.finished(SecretText("CANARY-code"))
    assert (sign_in.redirect_uri, sign_in.nonce) == (WANTED.redirect_uri, attempt.nonce.reveal())
    assert sign_in.code_verifier == attempt.code_verifier
    for secret in (attempt.state, attempt.nonce, attempt.code_verifier):
        assert secret.reveal() not in f"{attempt} {attempt!r} {sign_in!r}"
