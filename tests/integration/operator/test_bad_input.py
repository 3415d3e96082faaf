"""Wrong input of tenants: named with field and remedy, sent to nobody, and cured without a restart."""

from __future__ import annotations

import base64

import pytest

from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, tokens
from tests.integration.operator.cluster import Object, clients, secrets
from tests.integration.operator.eventually import never
from tests.integration.operator.reading import condition, remedy
from tests.integration.operator.world import World
from tests.standins.token_endpoint import TokenEndpoint, json_reply

GOOD = json_reply(tokens())


@pytest.fixture(scope="module")
def well(world: World) -> tuple[str, TokenEndpoint]:
    """A server with a good endpoint, for clients that never should get there before they are cured."""
    world.planted |= {ACCESS, NEW}
    return world.scripted("well", default=GOOD)


def test_an_unknown_grant_type_is_refused_when_it_is_applied(world: World) -> None:
    """The API server knows the three there are."""
    body = {
        "apiVersion": "citrix-oauth.dev/v1alpha1",
        "kind": "CitrixClient",
        "metadata": {"name": "guess"},
        "spec": {"grantType": "Password", "clientID": "x", "credentialsSecretRef": {"name": "guess-credentials"}},
    }
    refusal = world.cluster.refusal(clients(world.namespace), body)
    assert "spec.grantType" in refusal
    assert "ClientCredentials" in refusal
    body["spec"] = {"clientID": "gr\u00fc\u00df", "credentialsSecretRef": {"name": "guess-credentials"}}
    assert "visible ASCII" in world.cluster.refusal(clients(world.namespace), body)


def test_missing_credentials_are_found_as_soon_as_they_are_there(stage: World, well: tuple[str, TokenEndpoint]) -> None:
    """The Secret may be applied after the client."""
    server, endpoint = well
    stage.client("early", server)
    assert "early-credentials" in remedy(stage.stalled("early", "CredentialsNotFound"))
    before = len(endpoint.requests)
    stage.credentials("early", client_secret="CANARY-secret-early", refresh_token="CANARY-seed-early")
    stage.ready("early")
    assert len(endpoint.requests) - before == 1


BROKEN_KEYS: dict[str, tuple[str, bytes | None]] = {
    "without a client secret": ("client_secret", None),
    "with an empty client secret": ("client_secret", b""),
    "with a line break at the end of the client secret": ("client_secret", b"CANARY-secret-broken\n"),
    "with a client secret that is not ASCII": ("client_secret", "CANARY-gr\u00fc\u00dfe-vom-server".encode()),
    "with a client secret that is no text": ("client_secret", b"\xff\xfe\x00CANARY"),
    "with a space in the client secret": ("client_secret", b"CANARY secret broken"),
    "with an empty seed": ("refresh_token", b""),
    "with a line break at the end of the seed": ("refresh_token", b"CANARY-seed-broken\n"),
}


@pytest.fixture(scope="module")
def broken(world: World) -> tuple[dict[str, Object], TokenEndpoint]:
    """All broken clients as they were told of, and the endpoint they must not have reached; then each is cured."""
    server, endpoint = world.scripted("broken", default=GOOD)
    names = {flaw: f"broken-{number}" for number, flaw in enumerate(BROKEN_KEYS)}
    for flaw, (key, value) in BROKEN_KEYS.items():
        world.credentials(names[flaw], **_keys(names[flaw]))
        encoded = None if value is None else base64.b64encode(value).decode()
        world.cluster.patch(secrets(world.namespace), f"{names[flaw]}-credentials", {"data": {key: encoded}})
        world.client(names[flaw], server)
    told = {flaw: world.stalled(name, "CredentialsInvalid") for flaw, name in names.items()}
    assert endpoint.requests == []
    for name in names.values():
        world.set_keys(name, **_keys(name))
    return told, endpoint


def _keys(name: str) -> dict[str, str]:
    return {"client_secret": f"CANARY-secret-{name}", "refresh_token": f"CANARY-seed-{name}"}


@pytest.mark.parametrize("flaw", BROKEN_KEYS)
def test_broken_credentials_are_told_by_their_key_and_sent_to_nobody(
    world: World, broken: tuple[dict[str, Object], TokenEndpoint], flaw: str
) -> None:
    """A Secret made with `echo` ends in a line break; the key is named, the value never shown, the cure seen."""
    told, endpoint = broken[0][flaw], broken[1]
    name = told["metadata"]["name"]
    assert f"key {BROKEN_KEYS[flaw][0]} of Secret {name}-credentials" in remedy(told)
    assert condition(told, "Ready")["status"] == "False"
    world.ready(name)
    sent = [request.form["refresh_token"] for request in endpoint.requests]
    assert sent.count(_keys(name)["refresh_token"]) == 1


NOT_YET: dict[str, Object] = {
    "deletionPolicy": {"deletionPolicy": "Revoke"},  # nothing is revoked of what is asked for anew
}


@pytest.fixture(scope="module")
def too_early(world: World) -> dict[str, str]:
    """A client for each field of a later version, by field."""
    server, endpoint = world.scripted("too-early", default=GOOD)
    names = {field: f"later-{field.lower().replace('.', '-')}" for field in NOT_YET}
    for field, name in names.items():
        world.seeded(name, server, grantType="ClientCredentials", **NOT_YET[field])
    for name in names.values():
        world.stalled(name, "SpecInvalid")
    never(lambda: endpoint.requests, "a request all the same", 0.5)
    return names


@pytest.mark.parametrize("field", NOT_YET)
def test_a_field_of_a_later_version_is_refused_and_never_ignored(
    world: World, too_early: dict[str, str], field: str
) -> None:
    """The field is named; without it the client works."""
    told = world.stalled(too_early[field], "SpecInvalid")
    assert f"spec.{field}" in remedy(told)
    assert "not supported yet" in condition(told, "Stalled")["message"]
    world.change(too_early[field], **dict.fromkeys(NOT_YET[field]))
    world.ready(too_early[field])


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
