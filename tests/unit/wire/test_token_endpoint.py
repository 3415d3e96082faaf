"""What an answer with tokens means: whatever else is odd about it, its refresh token is kept."""

from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.answers import Answer, Granted, Uncertain
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from tests.unit.wire.canned_answers import AT, GOOD, RT, read


def granted(answer: Answer) -> Granted:
    """Narrow."""
    assert isinstance(answer, Granted)
    return answer


def without(*names: str) -> dict[str, object]:
    """A good answer with something left out."""
    return {name: value for name, value in GOOD.items() if name not in names}


def test_a_good_answer_is_granted() -> None:
    """Nothing lost, nothing added."""
    assert read({**GOOD, "scope": "openid wsp"}) == Granted(
        SecretText(AT), timedelta(minutes=30), SecretText(RT), scopes=("openid", "wsp")
    )


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param("x" * 8192, "x" * 8192, id="8192 characters are taken"),
        pytest.param("a+b/c==", "a+b/c==", id="base64 is taken"),
        pytest.param(None, None, id="null means the old one stays"),
        pytest.param("", None, id="the empty string means the old one stays"),
    ],
)
def test_refresh_token(value: object, kept: str | None) -> None:
    """Visible ASCII, 1 to 8192 characters."""
    answer = granted(read({**GOOD, "refresh_token": value}))
    assert answer.refresh_token == (SecretText(kept) if kept else None)
    assert answer.flaw is None


def test_without_a_refresh_token_the_old_one_stays() -> None:
    """RFC 6749 section 6; and so do answers to client credentials look."""
    assert granted(read(without("refresh_token"))) == Granted(SecretText(AT), timedelta(minutes=30))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(12345, id="a number"),
        pytest.param(["x"], id="an array"),
        pytest.param("x" * 8193, id="8193 characters"),
        pytest.param("a\r\nb", id="a line break"),
        pytest.param("a\n", id="a line break at the end"),
        pytest.param("caf\u00e9", id="beyond ASCII"),
        pytest.param("nul\x00", id="a NUL"),
    ],
)
def test_an_unusable_refresh_token_is_a_flaw_beside_a_good_access_token(value: object) -> None:
    """The access token is published: it may be the last one, and people need the time."""
    answer = granted(read({**GOOD, "refresh_token": value}))
    assert (answer.access_token, answer.refresh_token) == (SecretText(AT), None)
    assert answer.flaw is not None


def test_of_two_refresh_tokens_the_last_is_kept() -> None:
    """As the parsers do that the server was tested with."""
    body = b'{"access_token": "CANARY-at", "refresh_token": "CANARY-1", "refresh_token": "CANARY-2"}'
    assert granted(read(body)).refresh_token == SecretText("CANARY-2")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"access_token": None}, id="null"),
        pytest.param({"access_token": ""}, id="the empty string"),
        pytest.param({"access_token": 12345}, id="a number"),
        pytest.param({"access_token": "a b"}, id="a space"),
        pytest.param({"access_token": "a\r\nX-Injected: 1"}, id="a line break"),
        pytest.param({"access_token": "a\x00"}, id="a NUL"),
        pytest.param({"access_token": "\u20ac"}, id="beyond ASCII"),
        pytest.param({"access_token": "x" * 65537}, id="65537 characters"),
        pytest.param({"token_type": "DPoP"}, id="a DPoP token"),
        pytest.param({"token_type": "mac"}, id="a MAC token"),
        pytest.param({"token_type": 5}, id="a token type that is a number"),
        pytest.param({"error": "invalid_target"}, id="an error beside the tokens"),
        pytest.param({"error": {"code": 7}}, id="an error that is an object"),
    ],
)
def test_an_unusable_access_token_never_costs_the_refresh_token(body: dict[str, object]) -> None:
    """With a good refresh token it is a flaw; without one nobody knows what happened."""
    answer = granted(read({**GOOD, **body}))
    assert (answer.access_token, answer.refresh_token) == (None, SecretText(RT))
    assert answer.flaw is not None
    alone = read({**without("refresh_token"), **body})
    assert isinstance(alone, Uncertain)
    assert alone.problem.reason is Reason.RESPONSE_INVALID


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param({"access_token": "x" * 65536}, None, id="65536 characters are taken"),
        pytest.param({"access_token": "x" * 65537}, Reason.TOKEN_TOO_LARGE, id="65537 characters are too many"),
        pytest.param({"access_token": "a b"}, Reason.RESPONSE_INVALID, id="a space is something else"),
        pytest.param({"refresh_token": "x" * 8193}, Reason.TOKEN_TOO_LARGE, id="a refresh token can be too long, too"),
    ],
)
def test_the_flaw_says_what_is_wrong(body: dict[str, object], reason: Reason | None) -> None:
    """Too large is a person's matter; the rest may pass."""
    flaw = granted(read({**GOOD, **body})).flaw
    assert (flaw.reason if flaw else None) is reason


def test_two_access_tokens_are_not_chosen_from() -> None:
    """Which one is meant is a guess; the next refresh brings another."""
    body = b'{"access_token": "CANARY-1", "access_token": "CANARY-2", "refresh_token": "CANARY-rt"}'
    answer = granted(read(body))
    assert (answer.access_token, answer.refresh_token) == (None, SecretText(RT))


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", None, ""])
def test_token_type_bearer_in_any_case_or_missing(kind: str | None) -> None:
    """Servers forget it."""
    assert granted(read({**GOOD, "token_type": kind})).flaw is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param(3600, 3600, id="a number"),
        pytest.param("3600", 3600, id="a digit string, as Citrix Cloud's API sends"),
        pytest.param(1800.9, 1800, id="a float is rounded down"),
        pytest.param("1800.5", 1800, id="a float as a string"),
        pytest.param(30, 30, id="short lives are believed"),
        pytest.param(None, 1800, id="null: the default"),
        pytest.param("soon", 1800, id="a word: the default"),
        pytest.param(True, 1800, id="true: the default"),
        pytest.param([1], 1800, id="an array: the default"),
        pytest.param("9" * 5000, 1800, id="a string of 5,000 digits: the default"),
        pytest.param("\u0663\u0666", 1800, id="digits beyond ASCII: the default"),
        pytest.param(0, 60, id="zero: a minute"),
        pytest.param(-5, 60, id="below zero: a minute"),
        pytest.param("-1", 60, id="below zero as a string: a minute"),
        pytest.param(0.5, 60, id="half a second: a minute"),
        pytest.param(10**30, 86400, id="10^30: a day"),
        pytest.param(86401, 86400, id="more than a day: a day"),
    ],
)
def test_expires_in(value: object, seconds: int) -> None:
    """Never an exception: the refresh token stands beside it."""
    assert granted(read({**GOOD, "expires_in": value})).lifetime == timedelta(seconds=seconds)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000])
def test_numbers_that_are_none_cost_nothing(number: bytes) -> None:
    """Straight from the wire."""
    body = b'{"access_token": "CANARY-at", "refresh_token": "CANARY-rt", "expires_in": ' + number + b"}"
    assert granted(read(body)).refresh_token == SecretText(RT)


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        pytest.param({"refresh_token_expires_in": 86400}, 86400, id="one vendor's name"),
        pytest.param({"refresh_expires_in": "1800"}, 1800, id="another's, as a string"),
        pytest.param({"refresh_expires_in": 0}, None, id="zero says nothing"),
        pytest.param({"refresh_expires_in": -1}, None, id="below zero says nothing"),
        pytest.param({"refresh_token_expires_in": 0, "refresh_expires_in": 60}, 60, id="the one that says something"),
        pytest.param({"refresh_expires_in": "never"}, None, id="a word says nothing"),
        pytest.param({"refresh_expires_in": 10**30}, 10 * 365 * 86400, id="more than any calendar holds"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_announced_life_of_the_refresh_token(members: dict[str, object], seconds: int | None) -> None:
    """Shown to people; never an exception."""
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert granted(read({**GOOD, **members})).refresh_lifetime == expected


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        pytest.param("openid  wsp", ("openid", "wsp"), id="separated by spaces"),
        pytest.param("openid \u001b[31m", ("openid",), id="control characters are dropped"),
        pytest.param("", None, id="empty says nothing"),
        pytest.param(["openid"], None, id="an array says nothing"),
        pytest.param("x " * 5000, None, id="far too many say nothing"),
    ],
)
def test_scope(value: object, scopes: tuple[str, ...] | None) -> None:
    """It ends in status, so only the RFC's characters pass."""
    assert granted(read({**GOOD, "scope": value})).scopes == scopes
