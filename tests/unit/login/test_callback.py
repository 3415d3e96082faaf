"""What comes back from the browser, and from whoever else knows the port."""

from __future__ import annotations

from dataclasses import replace

import pytest

from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.login.attempt import Attempt
from citrix_oauth_operator.login.callback import Declined, Stray, declined, read
from tests.unit.login.attempts import WANTED, answer

ATTEMPT = Attempt.begin(WANTED)


def test_a_good_answer_is_handed_over() -> None:
    """Parameters that nobody knows are ignored (RFC 6749 section 4.1.2)."""
    found = read(ATTEMPT, answer(ATTEMPT, session_state="x").items())
    assert isinstance(found, SignIn)
    assert found.code.reveal() == "CANARY-code"


@pytest.mark.parametrize(
    ("changed", "stray"),
    [
        pytest.param({"state": None}, Stray.NO_STATE, id="no state"),
        pytest.param({"state": ""}, Stray.NO_STATE, id="an empty state"),
        pytest.param(
            {"state": Attempt.begin(WANTED).state.reveal()}, Stray.OTHER_STATE, id="an earlier sign-in's state"
        ),
        pytest.param({"state": "\u00e4"}, Stray.OTHER_STATE, id="a state that is no ASCII"),
        pytest.param({"state": "x", "error": "access_denied"}, Stray.OTHER_STATE, id="a stranger's error"),
        pytest.param({"state": "x", "iss": "https://evil.example"}, Stray.OTHER_STATE, id="a stranger's issuer"),
    ],
)
def test_who_does_not_know_the_state_changes_nothing(changed: dict[str, str | None], stray: Stray) -> None:
    """Whatever else the answer says: an error of a stranger must not end the sign-in either."""
    assert read(ATTEMPT, answer(ATTEMPT, **changed).items()) is stray


@pytest.mark.parametrize("name", ["state", "code", "iss", "anything"])
def test_a_parameter_given_twice_is_nobodys_answer(name: str) -> None:
    """Two readers could take another one each (RFC 6749 section 3.1)."""
    given = answer(ATTEMPT, anything="x")
    assert read(ATTEMPT, [*given.items(), (name, given[name])]) is Stray.REPEATED


@pytest.mark.parametrize(
    ("issuer", "required", "refused"),
    [
        pytest.param(WANTED.issuer, True, False, id="the server's own"),
        pytest.param(None, False, False, id="none, and the server promises none"),
        pytest.param(None, True, True, id="none, although the server says it always sends one"),
        pytest.param("https://evil.example", False, True, id="another server's"),
        pytest.param(f"{WANTED.issuer}/", False, True, id="one with a slash more"),
        pytest.param("", False, True, id="an empty one"),
    ],
)
def test_an_answer_from_another_server_is_not_used(issuer: str | None, required: bool, refused: bool) -> None:
    """RFC 9207: whoever mixes two servers up hands the code of one to the other."""
    attempt = Attempt.begin(replace(WANTED, iss_required=required))
    found = read(attempt, answer(attempt, iss=issuer).items())
    assert isinstance(found, Declined) is refused
    if isinstance(found, Declined):
        assert "RFC 9207" in found.message


def test_a_server_without_an_issuer_is_not_asked_for_one() -> None:
    """Its endpoints are given by hand: there is nothing to compare with."""
    attempt = Attempt.begin(replace(WANTED, issuer=None))
    assert isinstance(read(attempt, answer(attempt, iss="https://any.example").items()), SignIn)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="an empty one"),
        pytest.param("x" * 8193, id="a very long one"),
        pytest.param("a b", id="one with a space"),
        pytest.param("a\n", id="one with a line break"),
        pytest.param("\u00e4", id="one that is no ASCII"),
    ],
)
def test_a_code_that_cannot_be_one_ends_the_sign_in(code: str | None) -> None:
    """It would be refused by the operator, with fewer words."""
    found = read(ATTEMPT, answer(ATTEMPT, code=code).items())
    assert isinstance(found, Declined)
    assert "holds no code" in found.message


def test_an_error_is_told_in_words_of_ours() -> None:
    """The server's description is repeated nowhere, whatever comes with it."""
    found = read(ATTEMPT, answer(ATTEMPT, error="access_denied", error_description="CANARY <b>").items())
    assert isinstance(found, Declined)
    assert (found.error, "CANARY" in repr(found)) == ("access_denied", False)
    assert "cancelled" in found.message


def test_an_error_that_nobody_knows_is_other() -> None:
    """The server's word could be anything."""
    found = declined("<script>")
    assert (found.error, "script" in repr(found)) == ("other", False)
    assert found.remedy
