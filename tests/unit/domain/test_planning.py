"""What comes after a pass: when to send next, when to look again, and when a person must sign in."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.decisions import Decision, Fail, Refresh, RequestToken, Stall, Wait
from citrix_oauth_operator.domain.kinds import LifetimeModel
from citrix_oauth_operator.domain.model import TokenSecret
from citrix_oauth_operator.domain.planning import Act, plan
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.schedule import HOURLY
from citrix_oauth_operator.domain.server import Server
from citrix_oauth_operator.servers import BUILT_IN
from citrix_oauth_operator.wire.failures import address_not_allowed, unreachable
from tests.unit.examples import (
    GRANT,
    INPUTS,
    MINUTE,
    REJECTED,
    SECRET,
    SERVER,
    TOKEN,
    UNREACHABLE,
    client,
    grant,
    inputs,
    pending,
    rejected,
    seen,
)
from tests.unit.fakes import T0

DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
DUE = T0 + 18 * MINUTE
CLIENT_REJECTED = Problem(Reason.CLIENT_REJECTED, "refused")
FORBIDDEN = problems.publish_failed("reports-token", 403)
BREAKER = problems.breaker_open()
NOT_OWNED = problems.secret_not_owned("reports-token")


def _act(decision: Decision, problem: Problem | None = None, publish: Problem | None = None) -> Act:
    return Act(decision, problem, publish, attempted=True, share=0.0)


@pytest.mark.parametrize(
    ("act", "next_refresh", "look_again"),
    [
        pytest.param(_act(Refresh()), DUE, DUE, id="well: when the token is due"),
        pytest.param(_act(Wait(DUE + 5 * MINUTE)), DUE + 5 * MINUTE, DUE + 5 * MINUTE, id="waiting: until then"),
        pytest.param(_act(Wait(None)), None, TOKEN.expires_at, id="suspended: at the token's end"),
        pytest.param(_act(Stall(REJECTED), REJECTED), None, TOKEN.expires_at, id="stalled: at the token's end"),
        pytest.param(_act(Stall(REJECTED, MINUTE), REJECTED), None, DUE + MINUTE, id="stalled: when told"),
        pytest.param(_act(Stall(REJECTED, HOURLY), REJECTED), None, TOKEN.expires_at, id="or at the token's end"),
        pytest.param(_act(Fail(UNREACHABLE), UNREACHABLE), DUE + 2 * SECOND, DUE + 2 * SECOND, id="failing: soon"),
        pytest.param(_act(Refresh(), CLIENT_REJECTED), None, TOKEN.expires_at, id="refused: at the token's end"),
        pytest.param(_act(Refresh(), replace(UNREACHABLE, retry_after=9 * MINUTE)), DUE + 9 * MINUTE, DUE + 9 * MINUTE,
                     id="throttled: as the server wishes"),
        pytest.param(_act(Refresh(), replace(UNREACHABLE, reason=Reason.RESPONSE_INVALID)), DUE + MINUTE, DUE + MINUTE,
                     id="an unusable answer: the interval of a grant is kept"),
        pytest.param(_act(Refresh(), replace(UNREACHABLE, reason=Reason.SERVER_ERROR)), DUE + MINUTE, DUE + MINUTE,
                     id="an error that spent nothing: the interval of a grant is kept"),
        pytest.param(_act(Fail(BREAKER, tried=False), BREAKER), DUE + 5 * MINUTE, DUE + 5 * MINUTE,
                     id="waiting for the breaker: it wakes"),
    ],
)  # fmt: skip
def test_what_comes_next(act: Act, next_refresh: datetime | None, look_again: datetime) -> None:
    """The next request, and the next look for any reason."""
    outcome = plan(seen(), SECRET, act, DUE)
    assert (outcome.next_refresh, outcome.look_again) == (next_refresh, look_again)


@pytest.mark.parametrize(
    ("problem", "wait"),
    [pytest.param(FORBIDDEN, 2 * SECOND, id="soon"), pytest.param(NOT_OWNED, MINUTE, id="not ours: each minute")],
)
def test_an_unpublished_token_is_published_again(problem: Problem, wait: timedelta) -> None:
    """Long before the next request."""
    outcome = plan(seen(), SECRET, _act(Refresh(), None, problem), T0)
    assert (outcome.next_refresh, outcome.look_again) == (DUE, T0 + wait)


def test_hourly_where_nothing_can_be_spent() -> None:
    """A refused client without a token is tried again in an hour."""
    outcome = plan(seen(secret=TokenSecret()), TokenSecret(), _act(Refresh(), CLIENT_REJECTED), T0)
    assert outcome.look_again == T0 + HOURLY


@pytest.mark.parametrize(("failures", "seconds"), [(0, 2), (1, 4), (2, 8), (7, 256), (8, 300), (50, 300)])
def test_failures_in_a_row_wait_longer(failures: int, seconds: int) -> None:
    """Up to five minutes; where nothing was sent and the breaker guards the server, up to one."""
    facts = seen(client=client({"failedAttempts": failures}))
    undiscovered = replace(UNREACHABLE, reason=Reason.DISCOVERY_FAILED)
    assert plan(facts, SECRET, _act(Fail(undiscovered), undiscovered), DUE).next_refresh == DUE + seconds * SECOND
    outcome = plan(facts, SECRET, _act(Fail(UNREACHABLE), UNREACHABLE), DUE)
    assert outcome.next_refresh == DUE + min(seconds, 60) * SECOND


def test_a_flaw_beside_a_good_token_stands_until_the_token_is_due() -> None:
    """It is not asked for again before."""
    flaw = replace(UNREACHABLE, reason=Reason.RESPONSE_INVALID)
    assert plan(seen(), SECRET, _act(Refresh(), flaw), T0).next_refresh == DUE


def test_a_doubt_follows_the_ladder_not_the_back_off() -> None:
    """However many failures came before."""
    facts = seen(grant=grant(pending=pending(tries=3, doubt=True)), client=client({"failedAttempts": 20}))
    outcome = plan(facts, SECRET, _act(Refresh(doubt=True), UNREACHABLE), T0 + 18 * MINUTE)
    assert outcome.next_refresh == T0 + 18 * MINUTE + 9 * SECOND


def test_a_clients_own_credentials_follow_the_published_token() -> None:
    """No grant says when."""
    facts = seen(inputs=inputs({"grantType": "ClientCredentials"}), grant=None)
    assert plan(facts, SECRET, _act(RequestToken()), T0).next_refresh == TOKEN.refresh_at


@pytest.mark.parametrize(
    ("server", "changes", "expected"),
    [
        pytest.param(SERVER, {}, (T0 + DAY, "Unknown"), id="not known: the earlier estimate"),
        pytest.param(SERVER, {"received_at": T0 + MINUTE}, (T0 + DAY, "Unknown"), id="which a refresh does not move"),
        pytest.param(SERVER, {"received_at": T0 + DAY + MINUTE}, (T0 + 2 * DAY + MINUTE, "Sliding"),
                     id="until a grant outlives it"),
        pytest.param(replace(SERVER, lifetime_model=LifetimeModel.ABSOLUTE), {"received_at": T0 + MINUTE},
                     (T0 + DAY, "Absolute"), id="absolute: from the sign-in"),
        pytest.param(replace(SERVER, lifetime_model=LifetimeModel.SLIDING), {"received_at": T0 + MINUTE},
                     (T0 + MINUTE + DAY, "Sliding"), id="sliding: from the last refresh"),
        pytest.param(SERVER, {"refresh_expires_at": T0 + MINUTE}, (T0 + MINUTE, "Unknown"), id="announced"),
        pytest.param(replace(SERVER, lifetime_model=LifetimeModel.ABSOLUTE), {"refresh_expires_at": T0 + MINUTE},
                     (T0 + MINUTE, "Absolute"), id="announced by a server whose grants end for good"),
        pytest.param(replace(SERVER, refresh_token_lifetime=None), {}, None, id="nothing is known"),
        pytest.param(SERVER, {"rejection": rejected()}, None, id="a dead grant has no end"),
    ],
)  # fmt: skip
def test_when_a_person_must_sign_in(
    server: Server, changes: dict[str, object], expected: tuple[datetime, str] | None
) -> None:
    """And how sure that is."""
    facts = seen(inputs=replace(INPUTS, server=server), grant=replace(GRANT, **changes))  # type: ignore[arg-type] # names
    assert plan(facts, SECRET, _act(Refresh()), T0).grant_end == expected


@pytest.mark.parametrize("problem", [unreachable(), unreachable("its certificate has expired"), address_not_allowed()])
def test_the_remedy_of_a_built_in_server_names_no_object_that_does_not_exist(problem: Problem) -> None:
    """There is nothing to correct in it; an object of that name would override it."""
    cloud = replace(INPUTS, server=BUILT_IN["citrix-cloud"])
    told = plan(seen(inputs=cloud), SECRET, _act(Refresh(), problem), DUE).problem
    assert told is not None
    assert "an AuthorizationServer named citrix-cloud" in told.remedy
    assert "the AuthorizationServer" not in told.remedy
    assert plan(seen(), SECRET, _act(Refresh(), problem), DUE).problem == problem
