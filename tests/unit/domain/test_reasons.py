"""Every reason a person can meet has a case that produces it, but for one word."""

import re
from pathlib import Path

import pytest

import citrix_oauth_operator
from citrix_oauth_operator.domain import endings, problems, sign_in_problems
from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.conditions import conditions
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.protocol import verdict_on
from citrix_oauth_operator.domain.reasons import DEAD_GRANT, RETRIED_HOURLY, TRANSIENT, Reason
from citrix_oauth_operator.domain.transitions import transitions
from citrix_oauth_operator.grants.exchange import read
from citrix_oauth_operator.servers import entra_id
from citrix_oauth_operator.storefront import words
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.examples import GRANT, MINUTE, REJECTED, SERVER, condition, grant, outcome, pending
from tests.unit.fakes import T0
from tests.unit.token_server import error

PACKAGE = Path(citrix_oauth_operator.__file__).parent
TESTS = Path(__file__).parents[1]

#: A word of the API that no condition has.
UNUSED = {Reason.SUSPENDED}

#: Of Events alone; told in the tests of sign-ins and of StoreFront.
EVENTS = {
    Reason.CREDENTIALS_ENDING,
    Reason.SIGNED_IN,
    Reason.SIGN_IN_FAILED,
    Reason.GRANT_ENDING,
    Reason.PASSWORD_ENDING,
}

#: Said by sockets and documents; produced in the tests of `wire`, and of servers in the cluster.
ELSEWHERE = {Reason.SERVER_UNREACHABLE, Reason.OUTCOME_UNKNOWN, Reason.ADDRESS_NOT_ALLOWED, Reason.DISCOVERY_FAILED}


def _answered(raw: RawAnswer) -> Problem:
    answer = read(raw, SERVER, T0)
    problem = answer.flaw if isinstance(answer, Granted) else answer.problem
    assert problem is not None
    return problem


def _ready(facts: Outcome) -> str:
    reason: str = conditions(facts, T0 + 31 * MINUTE)[-1]["reason"]
    return reason


FIELD = FieldError("spec.x", "is wrong", "correct it")
HUGE = b'{"access_token": "%s"}' % (b"x" * 70000)
CASES: dict[Reason, str] = {
    Reason.TOKEN_VALID: conditions(outcome(), T0)[0]["reason"],
    Reason.TOKEN_EXPIRED: _ready(outcome()),
    Reason.PENDING: _ready(outcome(token=None)),
    Reason.PUBLISH_FAILED: _ready(outcome(token=None, publish_problem=problems.publish_failed("s", 403))),
    Reason.RECOVERED: transitions([condition("Stalled", "True", "x")], [condition("Ready", "True", "x")])[0].reason,
    Reason.SERVER_THROTTLED: _answered(error("slow_down", 429)).reason,
    Reason.SERVER_ERROR: _answered(RawAnswer(503, {}, b"")).reason,
    Reason.RESPONSE_INVALID: _answered(RawAnswer(200, {}, b"<html>")).reason,
    Reason.CLIENT_REJECTED: _answered(error("invalid_client", 401)).reason,
    Reason.SCOPE_REJECTED: _answered(error("invalid_scope")).reason,
    Reason.GRANT_REJECTED: _answered(error("invalid_grant")).reason,
    Reason.TOKEN_TOO_LARGE: _answered(RawAnswer(200, {}, HUGE[:-1] + b', "refresh_token": "CANARY-rt"}')).reason,
    Reason.GRANT_EXPIRED: verdict_on(GRANT, REJECTED, SERVER, T0 + 2000 * MINUTE).reason,
    Reason.ROTATION_LOST: verdict_on(grant(pending=pending(doubt=True)), REJECTED, SERVER, T0).reason,
    Reason.BREAKER_OPEN: problems.breaker_open().reason,
    Reason.COMMIT_FAILED: problems.commit_failed(500).reason,
    Reason.SPEC_INVALID: problems.spec_invalid(FIELD).reason,
    Reason.CREDENTIALS_NOT_FOUND: problems.credentials_not_found("s").reason,
    Reason.CREDENTIALS_INVALID: problems.credentials_key("s", "client_secret", "is empty").reason,
    Reason.AUTHORIZATION_SERVER_NOT_FOUND: problems.server_not_found("as", ["citrix-cloud"]).reason,
    Reason.AUTHORIZATION_SERVER_NOT_ALLOWED: problems.server_not_allowed("as", "ns").reason,
    Reason.INPUTS_CHANGED: problems.inputs_changed(["spec.clientID"]).reason,
    Reason.ENDPOINT_CHANGED: problems.ENDPOINT_CHANGED.reason,
    Reason.CLAIMED_BY_ANOTHER_OPERATOR: problems.claimed_by_another("a", "b").reason,
    Reason.SECRET_NOT_OWNED: problems.secret_not_owned("s").reason,
    Reason.SEED_ALREADY_USED: problems.SEED_ALREADY_USED.reason,
    Reason.LOGIN_REQUIRED: problems.login_required("s").reason,
    Reason.GRANT_ROLLED_BACK: problems.GRANT_ROLLED_BACK.reason,
    Reason.NO_REFRESH_TOKEN: sign_in_problems.NO_REFRESH_TOKEN.reason,
    Reason.PASSWORD_REFUSED: words.PASSWORD_REFUSED.reason,
    Reason.PASSWORD_MUST_CHANGE: words.PASSWORD_MUST_CHANGE.reason,
    Reason.SECOND_FACTOR_REQUIRED: words.SECOND_FACTOR.reason,
    Reason.ACCOUNT_PROBLEM: sign_in_problems.WRONG_PERSON.reason,
    Reason.CONDITIONAL_ACCESS: entra_id.PROFILE.catalogue.codes["AADSTS53003"].reason,
}


@pytest.mark.parametrize("reason", CASES)
def test_each_reason_has_its_case(reason: Reason) -> None:
    """The case says the reason it stands for."""
    assert CASES[reason] == reason


def test_no_reason_is_forgotten() -> None:
    """Produced here, or produced in the tests of `wire`."""
    accepted = {Reason.ACCEPTED}  # of an AuthorizationServer
    assert set(Reason) == set(CASES) | ELSEWHERE | UNUSED | EVENTS | accepted
    assert not set(CASES) & UNUSED


def _named_in(folder: Path, name: str) -> bool:
    return any(re.search(rf"\bReason\.{name}\b", path.read_text(encoding="utf-8")) for path in folder.rglob("*.py"))


@pytest.mark.parametrize("reason", sorted(ELSEWHERE))
def test_what_is_produced_elsewhere_is_tested_there(reason: Reason) -> None:
    """By name."""
    assert _named_in(PACKAGE / "wire", reason.name)
    assert _named_in(TESTS / "wire", reason.name)


def test_a_reason_is_either_transient_or_needs_a_person() -> None:
    """The sets that decide what happens next do not contradict each other."""
    assert not TRANSIENT & (DEAD_GRANT | RETRIED_HOURLY)
    assert not DEAD_GRANT & RETRIED_HOURLY


@pytest.mark.parametrize("reason", sorted(set(Reason)))
def test_reasons_are_words_of_the_api(reason: Reason) -> None:
    """One word in capitals and small letters, as the CRD wants it."""
    assert re.fullmatch(r"[A-Z][A-Za-z]{0,63}", reason)


STALLING = [
    problems.claimed_by_another("a", "b"),
    problems.credentials_not_found("s"),
    problems.credentials_key("s", "k", "is empty"),
    problems.server_not_found("as", ["citrix-cloud"]),
    problems.server_not_allowed("as", "ns"),
    problems.customer_missing("as"),
    problems.inputs_changed(["spec.clientID"]),
    problems.login_required(None),
    problems.secret_not_owned("s"),
    problems.publish_failed("s", 403),
    problems.commit_failed(None),
    problems.ENDPOINT_CHANGED,
    endings.grant_expired(T0, T0),
    problems.GRANT_ROLLED_BACK,
    endings.rotation_lost(pending(doubt=True), T0),
    endings.ended_in_doubt(None, T0),
    problems.SEED_ALREADY_USED,
    problems.password_in_doubt(T0),
    problems.other_type_of_server("as", wanted=True),
    words.not_offered(()),
    *(problem for problem in vars(words).values() if isinstance(problem, Problem)),
]


@pytest.mark.parametrize("problem", STALLING, ids=lambda problem: f"{problem.reason}: {problem.message}")
def test_a_problem_says_what_is_wrong_and_what_helps(problem: Problem) -> None:
    """Two sentences."""
    assert problem.message.endswith(".")
    assert problem.remedy.rstrip(")").endswith(".")
