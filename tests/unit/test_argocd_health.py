"""Argo CD's health checks, run by Lua 5.1 as Argo CD does, on the statuses that the operator writes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lupa.lua51 import LuaRuntime

from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.status import next_status
from citrix_oauth_operator.kube.servers import _accepted, _parse
from tests.unit.examples import MINUTE, UNREACHABLE, outcome
from tests.unit.fakes import T0
from tests.unit.said import PROBLEMS

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "integrations/argocd/citrix-oauth.dev"
STALLING = [problem for problem in PROBLEMS if not problem.transient and problem.reason is not Reason.PUBLISH_FAILED]
TRANSIENT = [problem for problem in PROBLEMS if problem.transient]


def health(kind: str, obj: dict[str, Any]) -> tuple[str, str]:
    """Return status and message that Argo CD would show."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    found = lua.execute((CHECKS / kind / "health.lua").read_text())
    return found.status, found.message


def client(facts: Outcome, after: timedelta = MINUTE) -> tuple[str, str]:
    """Return the health of a client whose pass has come to this."""
    status = next_status(facts, T0 + after)
    metadata = {"generation": facts.client.generation}
    return health("CitrixClient", {"metadata": metadata, "spec": {"suspend": facts.suspended}, "status": status})


def _reason(problem: Problem) -> str:
    return str(problem.reason)


@pytest.mark.parametrize("problem", STALLING, ids=_reason)
def test_who_waits_for_a_person_is_degraded_with_the_remedy(problem: Problem) -> None:
    """Also while the last token is good."""
    status, message = client(outcome(problem=problem))
    assert status == "Degraded"
    assert message.startswith(f"{problem.reason}: ")
    assert problem.advice in message


@pytest.mark.parametrize("problem", TRANSIENT, ids=_reason)
def test_a_failing_refresh_is_healthy_while_the_token_is_good_and_degraded_after(problem: Problem) -> None:
    """It is told either way."""
    words = f"{problem.reason}: "
    status, message = client(outcome(problem=problem))
    assert (status, words in message) == ("Healthy", True)
    for facts, after in ((outcome(problem=problem), 31 * MINUTE), (outcome(problem=problem, token=None), MINUTE)):
        status, message = client(facts, after)
        assert (status, message.startswith(words)) == ("Degraded", True)


def test_every_reason_of_a_problem_is_tried() -> None:
    """A new one comes along by itself."""
    tried = {problem.reason for problem in STALLING + TRANSIENT}
    assert {problem.reason for problem in PROBLEMS} - tried == {Reason.PUBLISH_FAILED}


PUBLISH_FAILED = next(problem for problem in PROBLEMS if problem.reason is Reason.PUBLISH_FAILED)


@pytest.mark.parametrize(
    ("facts", "after", "expected"),
    [
        pytest.param(outcome(), MINUTE, "Healthy", id="well"),
        pytest.param(outcome(), 31 * MINUTE, "Degraded", id="a token that is over"),
        pytest.param(outcome(token=None), MINUTE, "Progressing", id="nothing yet"),
        pytest.param(outcome(suspended=True), MINUTE, "Suspended", id="suspended"),
        pytest.param(outcome(suspended=True, token=None), MINUTE, "Suspended", id="suspended before the first token"),
        pytest.param(outcome(token=None, publish_problem=PUBLISH_FAILED), MINUTE, "Degraded", id="not published"),
        pytest.param(outcome(publish_problem=PUBLISH_FAILED), MINUTE, "Healthy", id="not published, the last is good"),
        pytest.param(outcome(problem=UNREACHABLE, suspended=True), MINUTE, "Suspended", id="suspended and failing"),
    ],
)
def test_other_states(facts: Outcome, after: timedelta, expected: str) -> None:
    """What a sync waits for, and what it does not."""
    status, message = client(facts, after)
    assert status == expected
    assert message


@pytest.mark.parametrize(
    "status", [None, {"observedGeneration": -1}, {**next_status(outcome(), T0), "observedGeneration": 6}],
    ids=["no status", "nobody has looked", "an older spec"],
)  # fmt: skip
def test_what_nobody_has_looked_at_is_progressing(status: dict[str, Any] | None) -> None:
    """Else a sync would end with the health of the version before."""
    assert health("CitrixClient", {"metadata": {"generation": 7}, "status": status})[0] == "Progressing"


GOOD_SERVER = {"type": "OIDC", "issuer": "https://as.example"}


@pytest.mark.parametrize(
    ("spec", "judged", "expected"),
    [
        pytest.param(GOOD_SERVER, 1, "Healthy", id="accepted"),
        pytest.param({**GOOD_SERVER, "issuer": "no address"}, 1, "Degraded", id="not understood"),
        pytest.param(GOOD_SERVER, 0, "Progressing", id="judged before the last change"),
    ],
)
def test_a_server_is_as_healthy_as_it_is_accepted(spec: dict[str, Any], judged: int, expected: str) -> None:
    """By the condition that the operator writes."""
    body = {"metadata": {"name": "as", "generation": 1}, "spec": spec}
    conditions = [_accepted(_parse(body), judged)]
    assert health("AuthorizationServer", {**body, "status": {"conditions": conditions}})[0] == expected


@pytest.mark.parametrize("kind", ["CitrixClient", "AuthorizationServer"])
def test_the_page_shows_each_check_as_it_is(kind: str) -> None:
    """Who copies from the page copies what was run here."""
    page = (ROOT / "docs/argocd.md").read_text()
    script = (CHECKS / kind / "health.lua").read_text()
    shown = "".join(f"    {line}".rstrip() + "\n" for line in script.splitlines())
    assert f"  resource.customizations.health.citrix-oauth.dev_{kind}: |\n{shown}" in page
