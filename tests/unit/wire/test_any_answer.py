"""What holds for every answer there can be, and for every request."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from citrix_oauth_operator.domain.answers import Granted, Refused, Uncertain
from citrix_oauth_operator.domain.catalogue import NOTHING_KNOWN
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.spec import ClientAuthentication
from citrix_oauth_operator.wire.client_auth import Authentication
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import Addressed, read_answer, token_request
from tests.unit.wire.canned_answers import DEFAULT, NOW, RT, read

SETTLED = settings(deadline=None, derandomize=True)  # no clock and no dice decide whether a test passes
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["Bearer", "invalid_grant"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["access_token", "refresh_token", "expires_in", "token_type", "scope", "error", "refresh_expires_in"]
)
BODIES = st.binary(max_size=200) | st.dictionaries(NAMES, JSON).map(lambda members: json.dumps(members).encode())
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "citrix-transactionid", "citrix-error-source"]), st.text())


@SETTLED
@given(BODIES, st.integers(100, 999), HEADERS)
def test_reading_never_raises(body: bytes, status: int, headers: dict[str, str]) -> None:
    """Whatever the bytes."""
    raw_answer = RawAnswer(status, headers, body)
    answer = read_answer(raw_answer, default_lifetime=DEFAULT, catalogue=NOTHING_KNOWN, now=NOW)
    assert isinstance(answer, Granted | Refused | Uncertain)


@SETTLED
@given(st.dictionaries(NAMES.filter(lambda name: name != "refresh_token"), JSON))
def test_a_good_refresh_token_is_never_lost(members: dict[str, object]) -> None:
    """Whatever stands beside it, with status 200."""
    answer = read({**members, "refresh_token": RT})
    assert isinstance(answer, Granted)
    assert answer.refresh_token == SecretText(RT)


def test_a_request_shows_no_secret_and_says_what_citrix_insists_on() -> None:
    """The content type without a charset, and JSON alone."""
    client = Authentication(ClientAuthentication.CLIENT_SECRET_POST, "id==", SecretText("CANARY-secret"))
    request = token_request(
        "https://x.example/t", "refresh_token", {"refresh_token": "CANARY+/="}, client, Addressed("", NOW)
    )
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    assert request.body == (
        b"grant_type=refresh_token&refresh_token=CANARY%2B%2F%3D&client_id=id%3D%3D&client_secret=CANARY-secret"
    )
    assert "CANARY" not in repr(request)
