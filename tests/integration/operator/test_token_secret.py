"""The token Secret: restored without a grant, never taken from somebody else, gone with its client."""

from __future__ import annotations

import base64

import pytest

from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, tokens
from tests.integration.operator.cluster import Object, secrets
from tests.integration.operator.eventually import eventually, never
from tests.integration.operator.reading import condition
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import MACHINE_POST
from tests.standins.token_endpoint import TokenEndpoint, json_reply

FOREIGN = {"apiVersion": "v1", "kind": "Secret", "stringData": {"access_token": "somebody else's"}}


def refreshes(world: World) -> int:
    """Return how many refresh tokens the server has seen."""
    return world.cloud.stats().token_requests.get("refresh_token", 0)


def intact(world: World, name: str, token: dict[str, str]) -> bool:
    """Whether the token Secret holds exactly these keys, and belongs to its client again."""
    secret = world.secret(f"{name}-token")
    labels = secret["metadata"].get("labels") or {} if secret else {}
    return world.token(name) == token and labels.get("citrix-oauth.dev/client-name") == name


def _delete(world: World, name: str) -> None:
    world.cluster.delete(secrets(world.namespace), name)


def _edit(world: World, name: str) -> None:
    value = base64.b64encode(b"edited").decode()
    world.cluster.patch(secrets(world.namespace), name, {"data": {"access_token": value}})


def _empty(world: World, name: str) -> None:
    world.cluster.patch(secrets(world.namespace), name, {"data": None})


def _add_a_key(world: World, name: str) -> None:
    value = base64.b64encode(b"more").decode()
    world.cluster.patch(secrets(world.namespace), name, {"data": {"another_key": value}})


def _relabel(world: World, name: str) -> None:
    world.cluster.patch(
        secrets(world.namespace), name, {"metadata": {"labels": {"citrix-oauth.dev/client-name": "other"}}}
    )


DAMAGE = {"deleted": _delete, "edited": _edit, "emptied": _empty, "added-to": _add_a_key, "relabelled": _relabel}


@pytest.fixture(scope="module")
def damaged(world: World) -> dict[str, tuple[dict[str, str], TokenEndpoint]]:
    """What the token Secrets held before they were damaged, all at once, and the endpoints the tokens came from."""
    world.planted |= {ACCESS, NEW}
    endpoints = {}
    for damage in DAMAGE:
        server, endpoints[damage] = world.scripted(damage, default=json_reply(tokens()))
        world.seeded(f"damaged-{damage}", server)
    for damage in DAMAGE:
        world.ready(f"damaged-{damage}")
    before = {damage: (world.token(f"damaged-{damage}"), endpoints[damage]) for damage in DAMAGE}
    for damage, act in DAMAGE.items():
        act(world, f"damaged-{damage}-token")
    return before


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_token_secret_is_restored_without_a_grant(
    world: World, damaged: dict[str, tuple[dict[str, str], TokenEndpoint]], damage: str
) -> None:
    """A poll finds it; the stored access token is written again, the server is not asked."""
    name, (token, endpoint) = f"damaged-{damage}", damaged[damage]
    eventually(lambda: intact(world, name, token), f"{name} is restored", lambda: world.tell(name))
    assert len(endpoint.requests) == 1
    assert world.grant(name)["seq"] == 1


def test_a_deleted_secret_of_client_credentials_costs_one_request(stage: World) -> None:
    """Nothing but the Secret holds that token."""
    stage.credentials("machine", client_secret=MACHINE_POST.secret or "")
    server = stage.stand_in("machine", type="OIDC")
    stage.client("machine", server, grantType="ClientCredentials", clientID=MACHINE_POST.id)
    stage.ready("machine")
    _delete(stage, "machine-token")
    eventually(lambda: stage.token("machine"), "it is there again", lambda: stage.tell("machine"))
    assert stage.cloud.stats().token_requests == {"client_credentials": 2}


def test_a_secret_of_somebody_else_is_never_overwritten(stage: World) -> None:
    """The client says so, the grant goes on being refreshed, and a free name is taken as soon as it is named."""
    stage.cluster.create(secrets(stage.namespace), {**FOREIGN, "metadata": {"name": "taken-token"}})
    stage.made.append((secrets(stage.namespace), "taken-token"))
    stage.cloud.configure(access_token_life=3)
    stage.signed_in("taken", stage.stand_in("taken"))
    told = stage.trouble("taken", "Stalled", "SecretNotOwned")
    assert "taken-token" in told["status"]["lastError"]["remedy"]
    eventually(lambda: stage.grant("taken")["seq"] >= 3, "the grant goes on", lambda: stage.tell("taken"))
    assert stage.token("taken") == {"access_token": "somebody else's"}
    stage.change("taken", secret={"name": "free-token"})
    stage.ready("taken")
    assert (stage.secret("free-token") or {})["metadata"]["ownerReferences"][0]["name"] == "taken"
    assert stage.token("taken") == {"access_token": "somebody else's"}
    stage.suspend("taken")  # the next test counts requests
    assert stage.cloud.stats().replays == 0


@pytest.mark.parametrize("lost", ["labels", "ownerReferences"])
def test_a_secret_that_was_disowned_is_left_alone(stage: World, lost: str) -> None:
    """Without our label or owner reference it is not ours to write: whoever removed them may need it."""
    name = f"disowned-{lost.lower()}"
    stage.signed_in(name, stage.stand_in(name))
    stage.ready(name)
    stage.cluster.patch(secrets(stage.namespace), f"{name}-token", {"metadata": {lost: None}})
    stage.stalled(name, "SecretNotOwned")
    assert not (stage.secret(f"{name}-token") or {})["metadata"].get(lost)
    _delete(stage, f"{name}-token")
    stage.ready(name)
    assert refreshes(stage) == 1


def test_two_clients_that_name_one_secret_do_not_fight(stage: World) -> None:
    """The first keeps it, the second says whose it is not."""
    server = stage.stand_in("twins")
    stage.signed_in("first", server, secret={"name": "shared-token"})
    stage.ready("first")
    stage.signed_in("second", server, secret={"name": "shared-token"})
    stage.stalled("second", "SecretNotOwned")
    version = (stage.secret("shared-token") or {})["metadata"]["resourceVersion"]
    never(lambda: _version(stage, "shared-token") != version, "a write to the shared Secret")
    assert (stage.secret("shared-token") or {})["metadata"]["ownerReferences"][0]["name"] == "first"
    assert condition(stage.now("first"), "Ready")["status"] == "True"
    stage.delete("first")
    eventually(lambda: _owner(stage, "shared-token") == "second", "the second has it", lambda: stage.tell("second"))


def _version(world: World, name: str) -> str:
    return str((world.secret(name) or {})["metadata"]["resourceVersion"])


def _owner(world: World, name: str) -> str:
    found: Object = world.secret(name) or {"metadata": {}}
    return "".join(one["name"] for one in found["metadata"].get("ownerReferences") or ())


def test_a_renamed_secret_leaves_no_old_one_behind(stage: World) -> None:
    """Pods that mount the old name are told by its absence; no grant is needed for the new one."""
    stage.signed_in("renamed", stage.stand_in("renamed"))
    stage.ready("renamed")
    token = stage.token("renamed")
    stage.change("renamed", secret={"name": "renamed-elsewhere-token"})
    eventually(lambda: stage.secret("renamed-token") is None, "the old one is gone", lambda: stage.tell("renamed"))
    stage.ready("renamed")
    assert stage.now("renamed")["status"]["secretName"] == "renamed-elsewhere-token"
    assert stage.token("renamed-elsewhere") == token
    assert refreshes(stage) == 1


def test_a_deleted_client_takes_its_secret_along_and_finds_its_grant_again(stage: World) -> None:
    """The garbage collector deletes the token Secret; a client of the same name goes on without a new seed."""
    server = stage.stand_in("phoenix")
    stage.signed_in("phoenix", server)
    stage.ready("phoenix")
    before, spec = stage.grant("phoenix"), stage.now("phoenix")["spec"]
    stage.delete("phoenix")
    eventually(lambda: stage.secret("phoenix-token") is None, "the token Secret is collected")
    assert stage.grant("phoenix") == before
    stage.client("phoenix", server, clientID=spec["clientID"])
    stage.ready("phoenix")
    assert stage.grant("phoenix")["chain"] == before["chain"]
    assert stage.token("phoenix")["access_token"] == before["access_token"]
    assert refreshes(stage) == 1


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
