"""A server that repeats secrets where codes, ids and scopes are read tells nobody of them."""

import json
from dataclasses import replace

import pytest

from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.catalogue import NOTHING_KNOWN
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_answer
from tests.unit.wire.canned_answers import DEFAULT, GOOD, NOW

LONG = "CANARY-" + "refresh_token_of_many_words_" * 4
SPACED = "CANARY a+b/c=="
SENT = (SecretText(LONG), SecretText("CANARY-client-secret"), SecretText(SPACED), SecretText("short"))


def _problem_of(body: dict[str, object], status: int, **headers: str) -> str:
    raw = RawAnswer(status, headers, json.dumps(body).encode(), transaction_id="ours", secrets=SENT)
    answer = read_answer(raw, default_lifetime=DEFAULT, catalogue=NOTHING_KNOWN, now=NOW)
    problem = answer.flaw if isinstance(answer, Granted) else answer.problem
    assert problem is not None
    return repr(problem)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, 503])
@pytest.mark.parametrize(
    "echo",
    [
        pytest.param(LONG, id="the whole of it"),
        pytest.param(LONG[:30], id="its beginning"),
        pytest.param(LONG[40:70], id="its middle, which has the form of an error code"),
        pytest.param("x" + LONG[-20:], id="its end behind something else"),
        pytest.param("CANARY+a%2Bb%2Fc%3D%3D", id="as it stood in the form"),
        pytest.param("CANARY-client-secret", id="the client secret"),
        pytest.param("short", id="a secret of five letters"),
    ],
)
def test_what_was_sent_is_not_told(echo: str, status: int) -> None:
    """Neither as an error code nor as one of the vendor's ids."""
    headers = {"citrix-error-source": echo, "citrix-transactionid": echo}
    told = _problem_of({"error": echo}, status, **headers)
    assert echo not in told
    assert "CANARY" not in told
    assert "transaction_id='ours'" in told, "the id that we sent is told instead"


def test_what_was_received_is_not_told() -> None:
    """Not even a token that cannot be used."""
    token = "new_refresh_token_in_the_dress_of_a_code"
    headers = {"citrix-transactionid": token, "citrix-error-source": token[3:20]}
    told = _problem_of({**GOOD, "refresh_token": token, "error": token}, 200, **headers)
    assert token[3:20] not in told


def test_scopes_that_repeat_tokens_are_left_out() -> None:
    """Status shows scopes."""
    scope = f"openid CANARY-at-of-this-answer {LONG[:40]} wsp offline_access"
    body = {**GOOD, "access_token": "CANARY-at-of-this-answer", "scope": scope}
    raw = replace(RawAnswer(200, {}, json.dumps(body).encode()), secrets=SENT)
    answer = read_answer(raw, default_lifetime=DEFAULT, catalogue=NOTHING_KNOWN, now=NOW)
    assert isinstance(answer, Granted)
    assert answer.scopes == ("openid", "wsp", "offline_access")
