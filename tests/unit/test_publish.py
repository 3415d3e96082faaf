"""Publishing: the token Secret is ours or left alone, follows its name, and is restored without a request."""

import asyncio
import copy
import json
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.template import OWN_KEYS
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.labels import CONTENT_HASH, TOKEN_STATE, secret_path
from citrix_oauth_operator.kube.secret_codec import decode, encode
from citrix_oauth_operator.kube.token_secret import _hash, _token
from tests.unit.fakes import Fault
from tests.unit.world import TENANT, TOKEN_SECRET, Process, World

pytestmark = pytest.mark.looptime

RENAMED = secret_path(TENANT, "renamed")


async def _served(**spec: object) -> tuple[World, Process]:
    """Return a world whose client has its first token, five minutes ago."""
    world = World()
    world.set_up(**spec)
    process = world.boot()
    await process.run()
    await asyncio.sleep(300)
    return world, process


async def test_a_secret_of_somebody_else_is_never_overwritten() -> None:
    """It is looked at again each minute; the grant goes on being refreshed meanwhile."""
    world = World()
    world.set_up()
    world.api.put(TOKEN_SECRET, {"metadata": {"name": "reports-token"}, "data": encode({"mine": "yes"})})
    process = world.boot()
    outcome = await process.run()
    assert (world.published, world.condition("Stalled")["reason"]) == ({"mine": "yes"}, "SecretNotOwned")
    assert outcome.look_again == world.clock.now() + timedelta(minutes=1)
    await asyncio.sleep(1080)
    await process.run()
    assert (world.grant.seq, world.published) == (2, {"mine": "yes"})
    world.api.drop(TOKEN_SECRET)
    await process.run()
    assert world.published["access_token"] == "CANARY-at-2"


async def test_an_edited_token_secret_is_restored() -> None:
    """Whoever edited it."""
    world, process = await _served()
    body = world.api.objects[TOKEN_SECRET]
    world.api.put(TOKEN_SECRET, {**body, "data": encode({**world.published, "access_token": "CANARY-edited"})})
    await process.run()
    assert (world.published["access_token"], len(world.server.sent)) == ("CANARY-at-1", 1)


async def test_a_renamed_secret_takes_the_token_along() -> None:
    """The new one first, then the old one goes."""
    world, process = await _served()
    world.client(secret={"name": "renamed"})
    await process.run()
    assert RENAMED in world.api.objects
    assert TOKEN_SECRET not in world.api.objects
    assert world.status["secretName"] == "renamed"


@pytest.mark.parametrize("fault", [pytest.param("DELETE", id="a failed delete"), pytest.param("token", id="no token")])
async def test_a_renamed_secret_is_deleted_in_the_end(fault: str) -> None:
    """A token must not stay behind in a Secret that nobody keeps any more."""
    world, process = await _served()
    world.client(secret={"name": "renamed"})
    if fault == "DELETE":
        world.api.faults.append(Fault("DELETE", "reports-token", before=ApiError(500)))
    else:
        await asyncio.sleep(1800)
        world.server.script.append("not sent")
    for _ in range(3):
        await process.run()
        await asyncio.sleep(60)
    assert TOKEN_SECRET not in world.api.objects


EDITS = [
    pytest.param({"expiresAt": "9999-12-31T23:59:59Z"}, id="an end beyond all reckoning"),
    pytest.param({"expiresAt": "0001-01-01T00:00:00+14:00"}, id="an end before all reckoning"),
    pytest.param({"expiresAt": "2026-02-01T00:00:00Z"}, id="an end before its beginning"),
    pytest.param({"refreshAt": "2027-01-01T00:00:00Z"}, id="a refresh in a year"),
    pytest.param({"refreshAt": 7}, id="a number for a time"),
    pytest.param({"scopes": [1]}, id="a scope that is a number"),
    pytest.param({"scopes": None}, id="no scopes"),
    pytest.param({"inputs": {}}, id="inputs of another type"),
    pytest.param({"authorization": "{token.__class__}"}, id="a format that reaches into the process"),
    pytest.param({"authorization": "Bearer {other}"}, id="a format that fails"),
]


@pytest.mark.parametrize("hashed", [False, True], ids=["edited", "edited with its hash"])
@pytest.mark.parametrize("grant_type", ["RefreshToken", "ClientCredentials"])
@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_token_state_never_stops_a_client(grant_type: str, edit: JSON, *, hashed: bool) -> None:
    """Whatever a tenant writes into the annotation: the pass ends well, and pods have a token."""
    world = World()
    if grant_type == "RefreshToken":
        world.set_up()
    else:
        world.client(grantType=grant_type)
        world.credentials()
    process = world.boot()
    await process.run()
    secret = copy.deepcopy(world.api.objects[TOKEN_SECRET])
    annotations = secret["metadata"]["annotations"]
    written = json.loads(annotations[TOKEN_STATE])
    annotations[TOKEN_STATE] = json.dumps({**written, **edit})
    if hashed:
        annotations[CONTENT_HASH] = _hash(decode(secret), annotations[TOKEN_STATE])
    world.api.put(TOKEN_SECRET, secret)
    await asyncio.sleep(61)
    await process.run()
    assert world.condition("Ready")["status"] == "True"
    assert _token(world.api.objects[TOKEN_SECRET]) is not None
    assert hashed or world.api.objects[TOKEN_SECRET]["metadata"]["annotations"][TOKEN_STATE] != annotations[TOKEN_STATE]


async def test_a_token_that_cannot_be_published_is_not_asked_for_again() -> None:
    """A quota refuses the token Secret of a client whose token no other Secret keeps: the one in hand is good."""
    world = World()
    world.client(grantType="ClientCredentials")
    world.credentials()
    world.api.faults.append(Fault("POST", "/team-a/secrets", before=ApiError(403), times=5))
    process = world.boot()
    for _ in range(5):
        outcome = await process.run()
        assert (world.condition("Ready")["reason"], outcome.look_again is not None) == ("PublishFailed", True)
        await asyncio.sleep(30)
    await process.run()
    assert (len(world.server.sent), world.published["access_token"]) == (1, "CANARY-at-1")
    await asyncio.sleep(1100)
    await process.run()
    assert world.published["access_token"] == "CANARY-at-2"


@pytest.mark.parametrize("grant", ["RefreshToken", "ClientCredentials"])
async def test_a_changed_template_is_rendered_without_a_request(grant: str) -> None:
    """With the token that is there; what the template no longer asks for goes."""
    world, process = await _served(grantType=grant)
    for template, keys in (
        ({"stringData": {"netrc": "password {{ access_token }}"}, "labels": {"app": "a"}}, {"netrc"}),
        ({"stringData": {"hosts": "{{ authorization }}"}}, {"hosts"}),
        (None, set()),
    ):
        world.client(grantType=grant, secret={"template": template})
        await process.run()
        assert world.published.keys() == {*OWN_KEYS, *keys}
        assert ("app" in world.api.objects[TOKEN_SECRET]["metadata"]["labels"]) is ("netrc" in keys)
    assert world.published["access_token"] == "CANARY-at-1"
    assert len(world.server.sent) == 1


async def test_a_templated_key_is_restored() -> None:
    """As our own are."""
    world, process = await _served(secret={"template": {"stringData": {"netrc": "password {{ access_token }}"}}})
    body = world.api.objects[TOKEN_SECRET]
    world.api.put(TOKEN_SECRET, {**body, "data": encode({**world.published, "netrc": "CANARY-edited"})})
    await process.run()
    assert (world.published["netrc"], len(world.server.sent)) == ("password CANARY-at-1", 1)


async def test_a_template_follows_each_refresh() -> None:
    """Rendered with the new token."""
    world, process = await _served(secret={"template": {"stringData": {"netrc": "password {{ access_token }}"}}})
    await asyncio.sleep(1080)
    await process.run()
    assert world.published["netrc"] == "password CANARY-at-2"


async def test_a_template_that_is_wrong_leaves_the_secret_as_it_is() -> None:
    """The client stalls; pods keep what they have, and a deleted Secret comes back with the operator's keys."""
    world, process = await _served(secret={"template": {"stringData": {"netrc": "{{ token_type }}"}}})
    world.client(secret={"template": {"stringData": {"netrc": "{{ refresh_token }}"}}})
    await process.run()
    assert world.condition("Stalled")["reason"] == "SpecInvalid"
    assert "{{ access_token }}" in world.condition("Stalled")["message"]
    assert world.published["netrc"] == "Bearer"
    world.api.drop(TOKEN_SECRET)
    await process.run()
    assert world.published.keys() == set(OWN_KEYS)
