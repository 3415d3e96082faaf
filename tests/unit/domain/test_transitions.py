"""Events: one for each change that a person should know of, none for the steady state."""

import pytest

from citrix_oauth_operator.domain.transitions import transitions
from tests.unit.examples import condition

VALID = condition("Ready", "True", "TokenValid")
EXPIRED = condition("Ready", "False", "TokenExpired")
PENDING = condition("Ready", "Unknown", "Pending")
FAILING = condition("RefreshFailed", "True", "ServerError")
SILENT = condition("RefreshFailed", "True", "ServerUnreachable")
STALLED = condition("Stalled", "True", "GrantRejected")
LOST = condition("Ready", "False", "GrantRejected")

Conditions = list[dict[str, object]]


@pytest.mark.parametrize(
    ("old", "new", "events"),
    [
        pytest.param([], [VALID], ["Normal TokenValid"], id="the first token"),
        pytest.param([PENDING], [VALID], ["Normal TokenValid"], id="the first token after waiting"),
        pytest.param([VALID], [VALID], [], id="the next token is no news"),
        pytest.param([], [PENDING], [], id="waiting is no news"),
        pytest.param([VALID], [VALID, FAILING], ["Warning ServerError"], id="trouble begins"),
        pytest.param([VALID, FAILING], [VALID, FAILING], [], id="trouble goes on"),
        pytest.param([VALID, FAILING], [VALID, SILENT], ["Warning ServerUnreachable"], id="other trouble"),
        pytest.param([VALID, FAILING], [VALID], ["Normal Recovered"], id="trouble is over"),
        pytest.param([STALLED, LOST], [VALID], ["Normal Recovered"], id="a person has helped"),
        pytest.param([VALID, FAILING], [EXPIRED, FAILING], ["Warning TokenExpired"], id="the token's end"),
        pytest.param([VALID, FAILING], [STALLED, VALID], ["Warning GrantRejected"], id="for good"),
        pytest.param([STALLED, VALID], [STALLED, LOST], ["Warning GrantRejected"], id="the end of a stalled one"),
        pytest.param([VALID], [STALLED, LOST], ["Warning GrantRejected"], id="one Event for one reason"),
        pytest.param([VALID], [PENDING], [], id="new inputs"),
        pytest.param([STALLED, LOST], [PENDING], [], id="a cure that is still at work"),
    ],
)
def test_transitions(old: Conditions, new: Conditions, events: list[str]) -> None:
    """From these conditions to those."""
    assert [f"{note.kind} {note.reason}" for note in transitions(old, new)] == events
