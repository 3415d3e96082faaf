"""What the operator says for each reason that has words of its own, with NAMES where an object's name goes."""

from citrix_oauth_operator.domain import endings, problems, sign_in_problems
from citrix_oauth_operator.domain.answers import Granted, NotSent
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.problem import Problem, as_sentence
from citrix_oauth_operator.domain.protocol import verdict_on
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.grants.exchange import read
from citrix_oauth_operator.servers import entra_id
from citrix_oauth_operator.storefront import words
from citrix_oauth_operator.wire import discovery, failures
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.examples import GRANT, MINUTE, REJECTED, SERVER, pending
from tests.unit.fakes import T0
from tests.unit.token_server import error

HUGE = b'{"access_token": "%s", "refresh_token": "CANARY-rt"}' % (b"x" * 70000)


def _answered(raw: RawAnswer) -> Problem:
    answer = read(raw, SERVER, T0)
    problem = answer.flaw if isinstance(answer, Granted) else answer.problem
    assert not isinstance(answer, NotSent)
    assert problem is not None
    return problem


def _row(code: str) -> Problem:
    row = entra_id.PROFILE.catalogue.codes[code]
    return Problem(row.reason, row.message, row.remedy)


PROBLEMS = [
    problems.publish_failed("NAME-token", 403),
    failures.unreachable(),
    problems.THROTTLED,
    _answered(RawAnswer(503, {}, b"")),
    discovery._failed("is not there, or is not JSON"),
    failures.no_answer(),
    _answered(RawAnswer(200, {}, b"<html>")),
    problems.commit_failed(500),
    problems.breaker_open(),
    problems.spec_invalid(FieldError("spec.FIELD", "is wrong", "correct it")),
    problems.credentials_not_found("SECRET"),
    problems.credentials_key("SECRET", "client_secret", "is empty"),
    problems.server_not_found("SERVER", ["citrix-cloud", "…"]),
    problems.server_not_allowed("SERVER", "NAMESPACE"),
    failures.address_not_allowed(),
    problems.inputs_changed(["spec.clientID"]),
    problems.ENDPOINT_CHANGED,
    problems.claimed_by_another("THEIRS", "OURS"),
    problems.secret_not_owned("SECRET"),
    problems.SEED_ALREADY_USED,
    problems.login_required("SECRET"),
    _answered(error("invalid_grant")),
    verdict_on(GRANT, REJECTED, SERVER, T0 + 2000 * MINUTE),
    endings.rotation_lost(pending(doubt=True), T0 + 20 * MINUTE),
    problems.GRANT_ROLLED_BACK,
    _answered(error("invalid_client", 401)),
    _answered(error("invalid_scope")),
    _answered(RawAnswer(200, {}, HUGE)),
    sign_in_problems.NO_REFRESH_TOKEN,
    sign_in_problems.WRONG_PERSON,
    _row("AADSTS53003"),
    words.PASSWORD_REFUSED,
    words.PASSWORD_MUST_CHANGE,
    words.SECOND_FACTOR,
]

#: As a condition's message shows it: what is wrong, and what helps.
SAID: dict[Reason, str] = {
    problem.reason: f"{as_sentence(problem.message)} {problem.advice}".rstrip() for problem in PROBLEMS
}
