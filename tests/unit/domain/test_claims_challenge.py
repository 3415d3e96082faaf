"""What a server wants of the next sign-in, and what it must not bring into status and into an address."""

import json

import pytest

from citrix_oauth_operator.domain.claims_challenge import LONGEST, claims_challenge


@pytest.mark.parametrize(
    "wanted",
    [
        {"access_token": {"capolids": {"essential": True, "values": ["c4a2f0e1-5555-4222-8333-444455556666"]}}},
        {"access_token": {"acrs": {"essential": True, "value": "c1"}}},
        {"access_token": {"nbf": {"essential": True, "value": "1604106651"}}},
        {"id_token": {"auth_time": None, "acr": {"values": ["urn:mace:incommon:iap:silver"]}}, "userinfo": {"sub": 1}},
    ],
    ids=["a policy's id", "an authentication context", "a moment", "OpenID Connect's own sample"],
)
def test_a_claims_request_is_kept_as_compact_json(wanted: object) -> None:
    """As Microsoft and OpenID Connect Core section 5.5 show them."""
    kept = claims_challenge(json.dumps(wanted, indent=2))
    assert kept is not None
    assert json.loads(kept) == wanted
    assert kept.isascii()
    assert " " not in kept


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"access_token": {}}, id="an object instead of its text"),
        pytest.param("", id="an empty text"),
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="an empty request"),
        pytest.param('{"refresh_token":{}}', id="another token"),
        pytest.param('{"access_token":{"a b":null}}', id="a name with a space"),
        pytest.param('{"access_token":{"a":{"value":"call 555 now"}}}', id="words"),
        pytest.param('{"access_token":{"a":{"value":"\\u001b[31m"}}}', id="control characters"),
        pytest.param('{"access_token":{"a":{"value":"x&prompt=none"}}}', id="a parameter in disguise"),
        pytest.param('{"access_token":{"a":{"value":"<script>"}}}', id="markup"),
        pytest.param('{"access_token":{"a":{"value":1.5}}}', id="a fraction"),
        pytest.param('{"access_token":{"a":{"value":NaN}}}', id="what is no number"),
        pytest.param('{"access_token":{"a":{"value":' + "9" * 40 + "}}}", id="a number beyond all"),
        pytest.param('{"access_token":' + '{"a":' * 5 + "null" + "}" * 5 + "}", id="too deep"),
        pytest.param('{"access_token":' + "[" * 500 + "]" * 500 + "}", id="very deep"),
        pytest.param(json.dumps({"access_token": {f"c{n}": None for n in range(17)}}), id="too many"),
        pytest.param(" " * LONGEST + '{"access_token":{}}', id="too long"),
    ],
)
def test_anything_else_is_dropped(text: object) -> None:
    """A sign-in without it is what there was before."""
    assert claims_challenge(text) is None
