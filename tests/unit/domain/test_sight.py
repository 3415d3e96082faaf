"""A watch event: when to look at a client because of it."""

from typing import Any

import pytest

from citrix_oauth_operator.domain.sight import sight_of
from tests.unit.examples import MINUTE, condition
from tests.unit.fakes import T0

NEXT = "2026-03-01T12:18:00Z"
WELL: dict[str, Any] = {
    "observedGeneration": 1,
    "conditions": [condition("Ready", "True", "TokenValid")],
    "nextRefreshTime": NEXT,
    "expirationTime": "2026-03-01T12:30:00Z",
}
STALLED = {"conditions": [*WELL["conditions"], condition("Stalled", "True", "GrantRejected")]}
WISH = {"citrix-oauth.dev/requested-at": "now"}


@pytest.mark.parametrize(
    ("status", "metadata", "waits"),
    [
        pytest.param({}, {}, True, id="well and unchanged: at the time in status"),
        pytest.param({"observedGeneration": 0}, {}, False, id="a changed spec: now"),
        pytest.param({"nextRefreshTime": None}, {}, False, id="no time in status: now"),
        pytest.param({"nextRefreshTime": "2026-03-01T11:00:00Z"}, {}, False, id="a time that is over: now"),
        pytest.param(STALLED, {}, False, id="stalled: now"),
        pytest.param({"conditions": []}, {}, False, id="not ready: now"),
        pytest.param({}, {"annotations": WISH}, False, id="a wish: now"),
        pytest.param({"lastHandledReconcileAt": "now"}, {"annotations": WISH}, True, id="a wish that was handled"),
    ],
)
def test_when_to_look(status: dict[str, object], metadata: dict[str, object], waits: bool) -> None:
    """Status is believed only of a client that is well and unchanged."""
    body = {"metadata": {"generation": 1, **metadata}, "spec": {}, "status": {**WELL, **status}}
    sight = sight_of(body, T0)
    assert (sight.due == T0 + 18 * MINUTE) is waits
    assert (sight.due is None) is not waits
    assert sight.server == "citrix-cloud"


def test_an_object_that_nobody_has_seen() -> None:
    """No status, no annotations, no defaults."""
    sight = sight_of({"metadata": {}}, T0)
    assert (sight.version, sight.due, sight.expires) == ((0, None), None, None)


def test_the_version_changes_with_what_people_do() -> None:
    """Spec and wish, never status."""
    body: dict[str, Any] = {"metadata": {"generation": 1}, "status": WELL}
    same = {**body, "status": {}}
    wish = {**body, "metadata": {"generation": 1, "annotations": WISH}}
    assert sight_of(body, T0).version == sight_of(same, T0).version != sight_of(wish, T0).version
