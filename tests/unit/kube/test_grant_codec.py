"""The grant Secret's format: nothing is lost on the way, and nothing unreadable gets in."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citrix_oauth_operator.domain.kinds import LifetimeModel
from citrix_oauth_operator.domain.model import ClientRef, Doubt, Grant
from citrix_oauth_operator.kube.grant_codec import GrantUnreadable, from_data, problem_of, problem_state, to_data
from citrix_oauth_operator.kube.grant_store import secret_name
from citrix_oauth_operator.kube.secret_codec import decode, encode
from tests.unit.examples import GRANT, REJECTED, grant, pending, rejected
from tests.unit.fakes import T0

DOUBT = replace(pending(tries=3, doubt=True), cause=Doubt.SERVER_ERROR, unknown_since=T0)
FULL = grant(
    pending=DOUBT,
    rejection=rejected(),
    refresh_expires_at=T0 + timedelta(days=1),
    learned=LifetimeModel.SLIDING,
)
STATE = json.loads(to_data(FULL)["state"])


@pytest.mark.parametrize(
    "value",
    [GRANT, FULL, grant(token=None), grant(received_at=T0 + timedelta(microseconds=123456)), grant(spent_at=T0)],
    ids=["a grant", "with everything", "without a token", "to the microsecond", "probably spent"],
)
def test_a_grant_survives_being_stored(value: Grant) -> None:
    """Written and read it is the same."""
    assert from_data(decode({"data": encode(to_data(value))})) == value


@pytest.mark.parametrize("learned", [None, "Lunar", 7, ["Sliding"]])
def test_a_lesson_of_another_version_is_none(learned: object) -> None:
    """It is an estimate: no grant is lost for it."""
    data = to_data(FULL)
    data["state"] = json.dumps({**STATE, "learned": learned})
    assert from_data(data).learned is LifetimeModel.UNKNOWN


def test_the_state_holds_no_token() -> None:
    """Tokens have keys of their own."""
    assert "CANARY" not in to_data(FULL)["state"]


def _with(part: str, **change: object) -> str:
    return json.dumps({**STATE, part: {**STATE[part], **change}})


UNREADABLE = [
    pytest.param({"state": "{}"}, id="an empty state"),
    pytest.param({"state": "no JSON"}, id="no JSON"),
    pytest.param({"state": json.dumps({**STATE, "startedAt": "yesterday"})}, id="no time"),
    pytest.param({"state": json.dumps({**STATE, "binding": {}})}, id="an empty binding"),
    pytest.param({"state": json.dumps({**STATE, "rejection": {"reason": "Unheard"}})}, id="a reason of the future"),
]
ODD = [
    pytest.param({"state": "[]"}, id="a list"),
    pytest.param({"state": "3"}, id="a number"),
    pytest.param({"state": json.dumps({**STATE, "rejection": [1]})}, id="a rejection that is a list"),
    pytest.param({"state": json.dumps({**STATE, "seq": "7"})}, id="a seq that is text"),
    pytest.param({"state": json.dumps({**STATE, "seq": -1})}, id="a seq below zero"),
    pytest.param({"refresh_token": ""}, id="an empty refresh token"),
    pytest.param({"state": _with("pending", holder={"place": 3, "instance": "x"})}, id="a holder that is a number"),
    pytest.param({"state": _with("pending", tries="x")}, id="tries that are text"),
    pytest.param({"state": _with("pending", doubt="no")}, id="a doubt that is text"),
    pytest.param({"state": _with("pending", started="0001-01-01T00:00:00+14:00")}, id="a time before all reckoning"),
    pytest.param({"state": _with("pending", deadline="9999-12-31T23:59:59-14:00")}, id="a time beyond all reckoning"),
    pytest.param({"state": _with("binding", client_id=7)}, id="a binding to a number"),
    pytest.param({"state": _with("rejection", message=["x"])}, id="a message that is a list"),
    pytest.param({"state": _with("rejection", http_status="400")}, id="a status that is text"),
    pytest.param({"state": _with("token", authorization="{token.x}")}, id="a format that reaches further"),
    pytest.param({"state": _with("token", scopes="openid")}, id="scopes that are text"),
]


@pytest.mark.parametrize("change", [*UNREADABLE, *ODD])
def test_what_somebody_edited_is_unreadable(change: dict[str, str]) -> None:
    """One exception, whatever is wrong, whose text quotes nothing."""
    with pytest.raises(GrantUnreadable) as caught:
        from_data({**to_data(FULL), **change})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("key", ["refresh_token", "access_token", "state"])
def test_a_missing_key_is_unreadable(key: str) -> None:
    """Each of them is needed."""
    data = to_data(FULL)
    del data[key]
    with pytest.raises(GrantUnreadable):
        from_data(data)


def test_a_problem_of_a_newer_version_is_read() -> None:
    """What it says beside the known is passed over."""
    assert problem_of({**problem_state(REJECTED), "news": 1}) == REJECTED


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
LONG_NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True)


@given(NAMES, LONG_NAMES, NAMES, LONG_NAMES)
def test_two_clients_never_share_a_grant_secret(namespace: str, name: str, other: str, others: str) -> None:
    """And every name is one that the API server takes."""
    first, second = ClientRef(namespace, name, "u"), ClientRef(other, others, "u")
    assert (secret_name(first) == secret_name(second)) == ((namespace, name) == (other, others))
    assert len(secret_name(first)) <= 253
    assert secret_name(first)[-1] not in "-."
