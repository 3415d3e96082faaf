"""How the stored grant changes: each step as a function of what was stored."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.model import Grant
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.protocol import (
    Attempt,
    begin_chain,
    commit,
    in_doubt,
    intend,
    not_sent,
    refuse,
    terms,
    verdict_on,
)
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from tests.unit.examples import (
    BINDING,
    GRANT,
    HOLDER,
    INPUTS,
    MINUTE,
    REJECTED,
    SERVER,
    TOKEN,
    UNREACHABLE,
    grant,
    pending,
    rejected,
)
from tests.unit.fakes import T0

DUE = T0 + 18 * MINUTE
DAY = timedelta(hours=24)
NEW = SecretText("CANARY-rt-2")
ANSWER = Granted(SecretText("CANARY-at-2"), 30 * MINUTE, NEW)
IN_FLIGHT = grant(pending=pending())
ATTEMPT = Attempt("attempt-2", HOLDER, DUE + MINUTE)


def _committed(answer: Granted, before: Grant = IN_FLIGHT, now: datetime = DUE + MINUTE) -> Grant:
    return commit(before, answer, terms(INPUTS, 0.0), now)


def test_a_new_chain_keeps_the_old_ones_access_token_and_nothing_else() -> None:
    """Consumers have something until the first refresh."""
    begun = begin_chain(grant(rejection=rejected(), pending=pending()), "chain-2", NEW, BINDING, DUE)
    assert begun == Grant("chain-2", 0, NEW.fingerprint(64), NEW, BINDING, DUE, DUE, token=TOKEN)


def test_an_intent_counts_and_remembers() -> None:
    """A new attempt each time; the first sending and an old doubt stay."""
    first = intend(grant(rejection=rejected()), ATTEMPT, doubt=False)
    assert first.pending is not None
    assert (first.pending.tries, first.pending.doubt, first.rejection) == (1, False, None)
    again = intend(in_doubt(first), replace(ATTEMPT, id="attempt-3", now=DUE + 5 * MINUTE), doubt=False).pending
    assert again is not None
    assert (again.tries, again.doubt, again.first_sent) == (2, True, ATTEMPT.now)
    assert (again.attempt, again.started) == ("attempt-3", DUE + 5 * MINUTE)


def test_a_commit() -> None:
    """The next seq, both tokens, no intent; times count from the first sending."""
    after = _committed(ANSWER)
    assert (after.seq, after.refresh_token, after.pending, after.received_at) == (8, NEW, None, DUE + MINUTE)
    assert after.token is not None
    assert (after.token.issued_at, after.token.expires_at) == (DUE, DUE + 30 * MINUTE)
    assert after.token.refresh_at == DUE + 18 * MINUTE


def test_a_refresh_token_that_stays_keeps_its_age() -> None:
    """Only a new one begins a new life."""
    after = _committed(replace(ANSWER, refresh_token=None))
    assert (after.refresh_token, after.received_at, after.seq) == (GRANT.refresh_token, T0, 8)


def test_a_refresh_token_that_stays_keeps_its_announced_end() -> None:
    """The server said when it ends; an answer that says nothing takes nothing back."""
    before = replace(IN_FLIGHT, refresh_expires_at=T0 + DAY)
    assert _committed(replace(ANSWER, refresh_token=None), before).refresh_expires_at == T0 + DAY


def test_a_new_refresh_token_has_its_own_end_or_none() -> None:
    """The old one's end says nothing about it."""
    before = replace(IN_FLIGHT, refresh_expires_at=T0 + DAY)
    assert _committed(ANSWER, before).refresh_expires_at is None
    assert _committed(replace(ANSWER, refresh_lifetime=DAY), before).refresh_expires_at == DUE + DAY


def test_an_unusable_access_token_leaves_the_old_one() -> None:
    """The new refresh token is kept all the same."""
    after = _committed(replace(ANSWER, access_token=None))
    assert (after.token, after.refresh_token, after.seq) == (TOKEN, NEW, 8)


@pytest.mark.parametrize(
    ("before", "problem", "now", "reason"),
    [
        pytest.param(IN_FLIGHT, REJECTED, DUE, Reason.GRANT_REJECTED, id="no doubt: rejected"),
        pytest.param(in_doubt(IN_FLIGHT), REJECTED, DUE, Reason.ROTATION_LOST, id="a doubt: the rotation was lost"),
        pytest.param(IN_FLIGHT, REJECTED, T0 + 2 * DAY, Reason.GRANT_EXPIRED, id="after its end: expired"),
        pytest.param(in_doubt(IN_FLIGHT), REJECTED, T0 + 2 * DAY, Reason.ROTATION_LOST, id="a doubt comes first"),
    ],
)
def test_a_refused_grant_remembers_why(before: Grant, problem: Problem, now: datetime, reason: Reason) -> None:
    """And carries no intent any more; the server's codes stay."""
    after = refuse(before, verdict_on(before, problem, SERVER, now), now)
    assert after.rejection is not None
    assert (after.rejection.problem.reason, after.pending, after.rejection.at) == (reason, None, now)
    assert after.rejection.problem.http_status == 400


def test_what_is_not_about_the_grant_leaves_it_alone() -> None:
    """The intent goes, but for one that is in doubt."""
    client = Problem(Reason.CLIENT_REJECTED, "refused")
    assert refuse(IN_FLIGHT, client, DUE) == GRANT
    assert refuse(in_doubt(IN_FLIGHT), client, DUE) == in_doubt(IN_FLIGHT)
    assert (not_sent(IN_FLIGHT), not_sent(in_doubt(IN_FLIGHT))) == (GRANT, in_doubt(IN_FLIGHT))
    assert (not_sent(GRANT), in_doubt(GRANT)) == (GRANT, GRANT)
    assert UNREACHABLE.transient


def test_what_a_policy_holds_back_is_remembered_and_an_older_doubt_with_it() -> None:
    """It is tried again: then the doubt still says what an `invalid_grant` would mean."""
    held_back = replace(REJECTED, reason=Reason.CONDITIONAL_ACCESS)
    sure, doubtful = (refuse(grant(pending=pending(doubt=doubt)), held_back, DUE) for doubt in (False, True))
    assert (sure.rejection, sure.pending) == (doubtful.rejection, None)
    assert sure.rejection is not None
    assert (sure.rejection.problem, sure.rejection.at) == (held_back, DUE)
    assert doubtful.pending is not None
