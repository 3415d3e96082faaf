"""What the operator says of a sign-in, as the person at the terminal reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.login.ending import Ending, SignInEnded
from citrix_oauth_operator.login.outcome import SignedIn, outcome
from tests.unit.fakes import T0

DONE = {"secretUID": "mine", "reason": "SignedIn", "message": "Signed in.", "subject": "alice"}
READY = {"type": "Ready", "status": "True", "reason": "TokenValid", "message": "It works."}


def _body(last: dict[str, str] | None, *conditions: dict[str, str], **status: object) -> dict[str, Any]:
    told = {"lastSignIn": last} if last else {}
    return {"status": {**told, "conditions": list(conditions), "secretName": "reports-token", **status}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no status yet"),
        pytest.param(_body(None, READY), id="Ready by the old token"),
        pytest.param(_body({**DONE, "secretUID": "other"}, READY), id="another sign-in"),
        pytest.param(_body(DONE, {**READY, "status": "False"}), id="not published yet"),
    ],
)
def test_until_the_operator_speaks_of_this_sign_in_nothing_is_known(body: dict[str, Any]) -> None:
    """An old Ready proves nothing."""
    assert outcome(body, "mine") is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            _body({**DONE, "reason": "NoRefreshToken", "message": "It brought none. Allow it."}),
            "NoRefreshToken: It brought",
        ),
        (_body(DONE, READY, {**READY, "type": "Stalled", "reason": "SecretNotOwned"}), "Signed in, but SecretNotOwned"),
        (_body({**DONE, "reason": "X\x1b[2J", "message": "Y\n"}), "X[2J: Y."),
    ],
    ids=["refused", "not published", "nothing a terminal acts on"],
)
def test_a_refused_sign_in_is_told_in_the_operators_words(body: dict[str, Any], words: str) -> None:
    """Message and remedy are in the status already."""
    with pytest.raises(SignInEnded) as caught:
        outcome(body, "mine")
    assert (caught.value.ending, words in str(caught.value)) == (Ending.REFUSED, True), str(caught.value)


@pytest.mark.parametrize(
    ("model", "words"),
    [("Absolute", "no refresh moves"), ("Sliding", "each refresh moves"), ("Unknown", "does not say"), ("", "in 24h.")],
)
def test_who_and_until_when_is_told(model: str, words: str) -> None:
    """How sure the end is, too."""
    ends = rfc3339(T0 + timedelta(hours=24))
    body = _body(DONE, READY, grantExpirationTime=ends, grantExpirationModel=model, expirationTime=ends)
    found = outcome(body, "mine")
    assert isinstance(found, SignedIn)
    who, token, grant = found.told(T0)
    assert who == "Signed in as alice."
    assert token == f"Secret reports-token holds a token until {ends}, in 24h; it is kept fresh."
    assert (ends in grant, words in grant) == (True, True), grant


def test_what_is_not_known_is_not_told() -> None:
    """A server without id_tokens, and one whose grants do not end."""
    found = outcome(_body({"secretUID": "mine", "reason": "SignedIn"}, READY), "mine")
    assert isinstance(found, SignedIn)
    assert found.told(T0) == ["Signed in.", "Secret reports-token holds a token; it is kept fresh."]
