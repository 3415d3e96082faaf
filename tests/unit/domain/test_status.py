"""The fold of an outcome into status: what a person reads, and that reading it twice changes nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.conditions import conditions
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.observed import PastStatus
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.sight import REQUESTED_AT, requested_at
from citrix_oauth_operator.domain.status import merge_patch, next_status
from tests.unit.examples import CLIENT, GRANT, MINUTE, REJECTED, STATUS, TOKEN, UNREACHABLE, outcome
from tests.unit.fakes import T0, merged

NOT_OWNED = problems.secret_not_owned("reports-token")
FORBIDDEN = problems.publish_failed("reports-token", 403)
CLOSE = replace(TOKEN, refresh_at=TOKEN.expires_at - MINUTE)


def _conditions(facts: Outcome, after: float = 1) -> list[tuple[str, str, str]]:
    return [(c["type"], c["status"], c["reason"]) for c in conditions(facts, T0 + after * MINUTE)]


VALID = ("Ready", "True", "TokenValid")


@pytest.mark.parametrize(
    ("facts", "after", "expected"),
    [
        pytest.param(outcome(), 1, [VALID], id="well"),
        pytest.param(outcome(), 29.99, [VALID], id="well until the last second"),
        pytest.param(outcome(), 30, [("Ready", "False", "TokenExpired")], id="over at the token's end"),
        pytest.param(outcome(problem=UNREACHABLE), 1, [VALID, ("RefreshFailed", "True", "ServerUnreachable")],
                     id="a failing refresh leaves Ready as it is"),
        pytest.param(outcome(problem=UNREACHABLE), 31,
                     [("Ready", "False", "TokenExpired"), ("RefreshFailed", "True", "ServerUnreachable")],
                     id="until the token's end"),
        pytest.param(outcome(problem=REJECTED), 1, [("Stalled", "True", "GrantRejected"), VALID],
                     id="Stalled stands before Ready, which stays True"),
        pytest.param(outcome(problem=REJECTED), 31,
                     [("Stalled", "True", "GrantRejected"), ("Ready", "False", "GrantRejected")],
                     id="after the end Ready carries the reason of Stalled"),
        pytest.param(outcome(token=None), 1, [("Ready", "Unknown", "Pending")], id="nothing yet"),
        pytest.param(outcome(token=None, suspended=True), 1, [("Ready", "Unknown", "Pending")], id="suspended"),
        pytest.param(outcome(token=None, problem=UNREACHABLE), 1,
                     [("Ready", "Unknown", "Pending"), ("RefreshFailed", "True", "ServerUnreachable")],
                     id="nothing yet, and failing"),
        pytest.param(outcome(current=False), 1, [("Ready", "Unknown", "Pending")], id="a token of other inputs"),
        pytest.param(outcome(token=None, publish_problem=FORBIDDEN), 1, [("Ready", "False", "PublishFailed")],
                     id="a Secret that cannot be written"),
        pytest.param(outcome(publish_problem=FORBIDDEN), 1, [VALID], id="whose older token still lives"),
        pytest.param(outcome(token=None, publish_problem=NOT_OWNED), 1,
                     [("Stalled", "True", "SecretNotOwned"), ("Ready", "False", "SecretNotOwned")],
                     id="a Secret of somebody else"),
        pytest.param(outcome(problem=REJECTED, publish_problem=NOT_OWNED, token=None), 1,
                     [("Stalled", "True", "GrantRejected"), ("Ready", "False", "GrantRejected")],
                     id="the grant's problem is shown first"),
    ],
)  # fmt: skip
def test_conditions(facts: Outcome, after: float, expected: list[tuple[str, str, str]]) -> None:
    """What is true, and in which order it stands."""
    assert _conditions(facts, after) == expected


def test_a_margin_shorter_than_the_kubelets_lag_is_told() -> None:
    """A pod may read the old token after its end."""
    [ready] = conditions(outcome(token=CLOSE), T0)
    assert "kubelets take up to 1m30s" in ready["message"]
    [ready] = conditions(outcome(), T0)
    assert "kubelets" not in ready["message"]


def _after(facts: Outcome, at: timedelta, **changes: object) -> Outcome:
    """Return the outcome of the next pass, which finds what the first one wrote."""
    status = merged(STATUS, merge_patch(facts.client.status.raw, next_status(facts, T0 + at)))
    client = replace(facts.client, status=PastStatus.parse(status))
    return replace(facts, client=client, attempted=False, **changes)  # type: ignore[arg-type] # the callers' names


OUTCOMES = [
    pytest.param(outcome(), id="well"),
    pytest.param(outcome(attempted=True), id="just refreshed"),
    pytest.param(outcome(grant_end=(T0 + timedelta(hours=24), "Unknown")), id="with an end in sight"),
    pytest.param(outcome(problem=REJECTED, attempted=True, next_refresh=None), id="just refused"),
    pytest.param(outcome(problem=REJECTED, next_refresh=None), id="stalled"),
    pytest.param(outcome(token=None, grant=None, next_refresh=None), id="nothing at all"),
    pytest.param(outcome(publish_problem=NOT_OWNED), id="a Secret of somebody else"),
    pytest.param(outcome(suspended=True, next_refresh=None), id="suspended"),
]


@pytest.mark.parametrize("facts", OUTCOMES)
def test_a_second_fold_changes_nothing(facts: Outcome) -> None:
    """A steady state writes nothing, whenever it is looked at: the merge patch is empty."""
    second = _after(facts, MINUTE)
    assert merge_patch(second.client.status.raw, next_status(second, T0 + 5 * MINUTE)) == {}


def test_a_failure_that_is_waited_out_stays_as_it_was_told() -> None:
    """The pass that only waits has no problem of its own, and takes nothing back."""
    failed = outcome(problem=UNREACHABLE, attempted=True, next_refresh=T0 + 3 * MINUTE)
    waiting = _after(failed, MINUTE, problem=None, standing=True)
    assert merge_patch(waiting.client.status.raw, next_status(waiting, T0 + 2 * MINUTE)) == {}


def test_a_success_takes_the_failure_back() -> None:
    """Counts, time and error go with the condition."""
    failed = outcome(problem=UNREACHABLE, attempted=True)
    well = _after(failed, MINUTE, problem=None)
    patch = merge_patch(well.client.status.raw, next_status(well, T0 + 2 * MINUTE))
    assert {key for key, value in patch.items() if value is None} == {"failedAttempts", "lastFailureTime", "lastError"}
    assert [c["type"] for c in patch["conditions"]] == ["Ready"]


def test_failures_are_counted_by_attempts() -> None:
    """Looking is not trying."""
    facts = outcome(problem=UNREACHABLE, attempted=True)
    for count in (1, 2, 3):
        assert next_status(facts, T0)["failedAttempts"] == count
        facts = replace(_after(facts, MINUTE), attempted=True)
    facts = replace(facts, attempted=False)
    assert next_status(facts, T0)["failedAttempts"] == 3


def test_transition_times_are_kept_while_the_status_is() -> None:
    """Also when reason and message change."""
    failed = outcome(problem=UNREACHABLE, attempted=True)
    other = _after(failed, MINUTE, problem=replace(UNREACHABLE, reason=Reason.SERVER_ERROR))
    later = {c["type"]: c["lastTransitionTime"] for c in conditions(other, T0 + 9 * MINUTE)}
    assert later == {"Ready": rfc3339(T0 + MINUTE), "RefreshFailed": rfc3339(T0 + MINUTE)}
    expired = {c["type"]: c["lastTransitionTime"] for c in conditions(other, T0 + 40 * MINUTE)}
    assert expired["Ready"] == rfc3339(T0 + 40 * MINUTE)


def test_seq_never_goes_back_within_a_chain() -> None:
    """It is what tells a restored backup."""
    assert next_status(outcome(grant=replace(GRANT, seq=3)), T0)["grant"]["seq"] == 7
    assert next_status(outcome(grant=replace(GRANT, seq=3, chain="c2")), T0)["grant"]["seq"] == 3
    assert next_status(outcome(grant=None), T0)["grant"] == {"namespace": "ops", "chain": "chain-1", "seq": 7}


def test_another_operators_claim_is_shown_and_never_replaced() -> None:
    """Its namespace stays in status."""
    status = PastStatus.parse({**STATUS, "grant": {"namespace": "other"}})
    facts = outcome(client=replace(CLIENT, status=status), grant=None)
    assert next_status(facts, T0)["grant"]["namespace"] == "other"


def test_a_handled_wish_is_echoed_once_it_was_tried_or_needs_a_person() -> None:
    """A wait does not answer it."""
    asked = replace(CLIENT, requested_at="now")
    assert "lastHandledReconcileAt" not in next_status(outcome(client=asked), T0)
    for facts in (outcome(client=asked, attempted=True), outcome(client=asked, problem=REJECTED)):
        assert next_status(facts, T0)["lastHandledReconcileAt"] == "now"


# What the API server would refuse: a status that cannot be written is a status that nobody sees.
ROOT = Path(__file__).parents[3]
LONG = "x" * 253
LONG_TOKEN = replace(TOKEN, scopes=tuple(f"scope-{n}" for n in range(100)))
WIDE_TOKEN = replace(TOKEN, scopes=("s" * 2000,))
LONG_WISH = requested_at({"annotations": {REQUESTED_AT: "x" * 500}})
WORDY = FieldError(f"spec.{LONG}", "is wrong " * 20, "use another " * 20)


def _schema() -> dict[str, Any]:
    crd = yaml.safe_load((ROOT / "crds/citrixclients.yaml").read_text())
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    return schema


def _over(value: Any, schema: dict[str, Any], path: str) -> list[str]:  # noqa: ANN401 - JSON
    """Return the paths of values beyond the schema's limits, and of fields it does not know."""
    if isinstance(value, dict):
        fields = schema["properties"]
        unknown = [f"{path}.{key} unknown" for key in value if key not in fields]
        return unknown + [p for key in value if key in fields for p in _over(value[key], fields[key], f"{path}.{key}")]
    if isinstance(value, list):
        inner = [p for item in value for p in _over(item, schema["items"], f"{path}[]")]
        return [f"{path} too many", *inner] if len(value) > schema.get("maxItems", 10**9) else inner
    too_long = isinstance(value, str) and len(value) > schema.get("maxLength", 10**9)
    odd = "enum" in schema and value not in schema["enum"]
    return [path] if too_long or odd else []


@pytest.mark.parametrize(
    "facts",
    [
        *OUTCOMES,
        pytest.param(outcome(problem=problems.claimed_by_another(LONG, LONG)), id="long namespaces"),
        pytest.param(outcome(problem=problems.credentials_key(LONG, "refresh_token", "is empty")), id="long Secret"),
        pytest.param(outcome(problem=problems.server_not_allowed(LONG, LONG)), id="long server"),
        pytest.param(outcome(problem=problems.spec_invalid(WORDY)), id="a long field"),
        pytest.param(outcome(problem=problems.server_invalid(LONG, WORDY)), id="a long field of a server"),
        pytest.param(outcome(publish_problem=problems.secret_not_owned(LONG)), id="a long token Secret"),
        pytest.param(outcome(problem=problems.inputs_changed(["spec.clientID"] * 2)), id="changed inputs"),
        pytest.param(outcome(token=LONG_TOKEN), id="many scopes"),
        pytest.param(outcome(token=WIDE_TOKEN), id="a long scope"),
        pytest.param(outcome(client=replace(CLIENT, requested_at=LONG_WISH), attempted=True), id="a long wish"),
        pytest.param(outcome(problem=Problem(Reason.RESPONSE_INVALID, "m" * 5000, "r" * 2000)), id="any text"),
    ],
)  # fmt: skip
def test_the_limits_of_the_crd_are_kept(facts: Outcome) -> None:
    """Texts, lists and enumerations, for every status the fold can make."""
    assert _over(next_status(facts, T0), _schema(), "status") == []


def test_what_two_processes_write_at_once_is_never_mixed() -> None:
    """The seq of the old chain beside the new chain's name would look like a restored backup, and stop the client."""
    before = {"grant": {"namespace": "ops", "chain": "old", "seq": 1}}
    ours = merge_patch(before, {"grant": {"namespace": "ops", "chain": "new", "seq": 1}})
    theirs = merge_patch(before, {"grant": {"namespace": "ops", "chain": "old", "seq": 2}})
    assert merged(merged(before, theirs), ours) == {"grant": {"namespace": "ops", "chain": "new", "seq": 1}}
    assert merge_patch({"lastError": {"reason": "a", "oauthError": "b"}}, {"lastError": {"reason": "a"}}) == {
        "lastError": {"reason": "a", "oauthError": None}
    }
