"""How a grant ended: a person reads when and why, and whether an answer was lost or the server said no by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.conditions import conditions
from citrix_oauth_operator.domain.model import Doubt, Grant, Holder
from citrix_oauth_operator.domain.protocol import Attempt, in_doubt, intend, verdict_on
from citrix_oauth_operator.domain.reasons import Reason
from tests.unit.examples import GRANT, HOLDER, MINUTE, REJECTED, SERVER, UNREACHABLE, grant, outcome, pending
from tests.unit.fakes import T0

DUE = T0 + 18 * MINUTE
IN_FLIGHT = grant(pending=pending())
SUCCESSOR = Attempt("attempt-2", Holder("pod:1", "boot-2"), DUE + 5 * MINUTE)
OURSELVES = Attempt("attempt-2", HOLDER, DUE + 5 * MINUTE)


@pytest.mark.parametrize(
    ("doubtful", "why"),
    [
        pytest.param(in_doubt(IN_FLIGHT), "no complete answer came back", id="a lost answer"),
        pytest.param(in_doubt(IN_FLIGHT, Reason.SERVER_ERROR), "an error of its own (5xx)", id="a 5xx"),
        pytest.param(in_doubt(IN_FLIGHT, Reason.RESPONSE_INVALID), "did not say whether", id="an answer of no use"),
        pytest.param(intend(IN_FLIGHT, SUCCESSOR, doubt=True), "the operator's process ended", id="a killed process"),
        pytest.param(intend(IN_FLIGHT, OURSELVES, doubt=True), "no complete answer", id="a doubt nobody could write"),
    ],
)
def test_a_lost_rotation_says_when_and_why(doubtful: Grant, why: str) -> None:
    """The time of the sending whose outcome is unknown, what made it so, and the time of the refusal."""
    verdict = verdict_on(doubtful, REJECTED, SERVER, DUE + 6 * MINUTE)
    assert verdict.reason is Reason.ROTATION_LOST
    assert "sent at 2026-03-01T12:18:00Z" in verdict.message
    assert why in verdict.message
    assert "refused at 2026-03-01T12:24:00Z" in verdict.message
    assert verdict.remedy.startswith("Sign in again")


def test_the_first_doubt_is_the_one_that_is_told() -> None:
    """Later failures of the repeats do not hide it, whoever repeats."""
    first = in_doubt(IN_FLIGHT, Reason.SERVER_ERROR)
    later = in_doubt(intend(first, SUCCESSOR, doubt=True), Reason.OUTCOME_UNKNOWN)
    assert later.pending is not None
    assert (later.pending.cause, later.pending.unknown_since) == (Doubt.SERVER_ERROR, DUE)


def test_an_intent_without_a_doubt_has_no_cause() -> None:
    """Nothing is known to be lost."""
    again = intend(IN_FLIGHT, OURSELVES, doubt=False).pending
    assert again is not None
    assert (again.cause, again.unknown_since) == (None, None)


def test_an_older_operators_doubt_is_told_without_its_time() -> None:
    """An intent stored before causes were."""
    verdict = verdict_on(grant(pending=pending(doubt=True)), REJECTED, SERVER, DUE)
    assert "an earlier sending is unknown" in verdict.message


def test_a_rejected_grant_says_when_and_that_nothing_was_lost() -> None:
    """It was ended at the server."""
    verdict = verdict_on(IN_FLIGHT, REJECTED, SERVER, DUE)
    assert (verdict.reason, verdict.http_status) == (Reason.GRANT_REJECTED, 400)
    assert "refused the refresh token at 2026-03-01T12:18:00Z" in verdict.message
    assert "No answer before was lost" in verdict.message
    assert "received at 2026-03-01T12:00:00Z" in verdict.message


def test_an_expired_grant_says_when_its_life_ended() -> None:
    """And when it was refused."""
    verdict = verdict_on(GRANT, REJECTED, SERVER, T0 + timedelta(hours=25))
    assert "end of its life at 2026-03-02T12:00:00Z and was refused at 2026-03-02T13:00:00Z" in verdict.message


def test_an_unknown_outcome_says_what_is_being_done() -> None:
    """When the same token is sent again, and how it goes on."""
    facts = outcome(problem=UNREACHABLE, grant=in_doubt(IN_FLIGHT), next_refresh=DUE + MINUTE)
    message = next(c["message"] for c in conditions(facts, DUE) if c["type"] == "RefreshFailed")
    assert "sent at 2026-03-01T12:18:00Z, and no complete answer came back" in message
    assert "The same one is sent again at 2026-03-01T12:19:00Z, after 1 try;" in message


def test_a_failure_without_a_doubt_says_nothing_of_one() -> None:
    """A token that was not sent is not spent."""
    facts = outcome(problem=UNREACHABLE, grant=replace(IN_FLIGHT, pending=None))
    assert "unknown" not in str(conditions(facts, DUE))


def test_where_a_replaced_token_goes_on_working_no_doubt_ends_a_grant() -> None:
    """Entra ID and ADFS: the token that was sent again was good; what refused it was something else."""
    doubtful = grant(pending=pending(doubt=True))
    verdict = verdict_on(doubtful, REJECTED, replace(SERVER, reusable=True), DUE)
    assert verdict.reason is Reason.GRANT_REJECTED
