"""Wrong input of tenants and admins: named with field and remedy, sent to nobody, and cured without a restart."""

from __future__ import annotations

import base64

import pytest

from tests.control_plane.children import free_port
from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, tokens
from tests.integration.operator.cluster import SERVERS, Object, clients, secrets
from tests.integration.operator.eventually import eventually, never
from tests.integration.operator.reading import condition
from tests.integration.operator.world import World
from tests.standins.token_endpoint import TokenEndpoint, json_reply

GOOD = json_reply(tokens())


@pytest.fixture(scope="module")
def well(world: World) -> tuple[str, TokenEndpoint]:
    """A server with a good endpoint, for clients that never should get there before they are cured."""
    world.planted |= {ACCESS, NEW}
    return world.scripted("well", default=GOOD)


def remedy(client: Object) -> str:
    """Return what a person is told to do."""
    return str(client["status"]["lastError"]["remedy"])


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


def test_a_server_that_does_not_exist_yet_is_found_when_it_comes(stage: World) -> None:
    """Applying things in the wrong order is no mistake."""
    full = f"{stage.prefix}-late"
    stage.seeded("late", full)
    told = stage.stalled("late", "AuthorizationServerNotFound")
    assert full in condition(told, "Stalled")["message"]
    assert "spec.authorizationServerRef.name" in remedy(told)
    stage.scripted("late", default=GOOD)
    stage.ready("late")


ELSEWHERE = {
    "by name": {"from": "Names", "names": ["somewhere-else"]},
    "by label": {"from": "Selector", "selector": {"matchLabels": {"citrix": "allowed"}}},
}


@pytest.mark.parametrize("way", ELSEWHERE)
def test_a_server_for_other_namespaces_refuses_until_it_is_opened(stage: World, way: str) -> None:
    """Nothing is sent; an edit of the server object is enough."""
    name = f"closed-{way.rsplit(maxsplit=1)[-1]}"
    endpoint = stage.endpoints.open(default=GOOD)
    server = stage.server(name, endpoints={"token": endpoint.url}, allowedNamespaces=ELSEWHERE[way])
    stage.seeded(name, server)
    assert server in remedy(stage.stalled(name, "AuthorizationServerNotAllowed"))
    assert endpoint.requests == []
    stage.change_server(server, allowedNamespaces={"from": "All", "names": None, "selector": None})
    stage.ready(name)


@pytest.mark.parametrize("way", ["Names", "Selector"])
def test_a_server_for_this_namespace_serves_it(stage: World, way: str) -> None:
    """By its name, or by the label every namespace has."""
    chosen: Object = {"from": "Names", "names": [stage.namespace]}
    if way == "Selector":
        labels = {"kubernetes.io/metadata.name": stage.namespace}
        chosen = {"from": "Selector", "selector": {"matchLabels": labels}}
    endpoint = stage.endpoints.open(default=GOOD)
    server = stage.server(f"open-{way.lower()}", endpoints={"token": endpoint.url}, allowedNamespaces=chosen)
    stage.seeded(f"open-{way.lower()}", server)
    stage.ready(f"open-{way.lower()}")


def test_an_issuer_with_one_slash_too_many_is_another_issuer(stage: World) -> None:
    """Compared byte for byte: a document must not speak for somebody else."""
    server = stage.stand_in("slash", issuer=f"{stage.cloud.issuer}/")
    stage.signed_in("slash", server)
    assert "spec.issuer" in remedy(stage.trouble("slash", "RefreshFailed", "DiscoveryFailed"))
    assert "refresh_token" not in stage.cloud.stats().token_requests
    stage.change_server(server, issuer=stage.cloud.issuer)
    stage.ready("slash")


def test_http_is_for_loopback_that_is_allowed_and_for_nothing_else(stage: World) -> None:
    """At `kubectl apply` where CEL can know it, else by the operator; the client sends nothing."""
    body = {"apiVersion": "citrix-oauth.dev/v1alpha1", "kind": "AuthorizationServer", "metadata": {"name": "plain"}}
    refused = {**body, "spec": {"type": "OIDC", "issuer": "http://login.example.com"}}
    assert "https" in stage.cluster.refusal(SERVERS, refused)
    endpoint = stage.endpoints.open(default=GOOD)
    server = stage.server("plain", endpoints={"token": endpoint.url}, allowedAddresses=["10.0.0.0/8"])
    stage.seeded("plain", server)
    assert "spec.endpoints.token" in remedy(stage.stalled("plain", "SpecInvalid"))
    judged = eventually(lambda: condition(stage.cluster.get(SERVERS, server), "Accepted"), "the server is judged")
    assert (judged["status"], judged["reason"]) == ("False", "SpecInvalid")
    assert endpoint.requests == []
    stage.change_server(server, allowedAddresses=["127.0.0.0/8"])
    stage.ready("plain")
    accepted = "Accepted"
    eventually(lambda: condition(stage.cluster.get(SERVERS, server), accepted)["status"] == "True", "it is accepted")


def test_a_private_address_must_be_allowed(stage: World) -> None:
    """Neither discovery nor the token request goes to an address no admin named."""
    server = stage.stand_in("private", allowedAddresses=["10.0.0.0/8"])
    stage.signed_in("private", server)
    assert "spec.allowedAddresses" in remedy(stage.stalled("private", "AddressNotAllowed"))
    assert "refresh_token" not in stage.cloud.stats().token_requests
    stage.change_server(server, allowedAddresses=["127.0.0.0/8"])
    stage.ready("private")


def test_a_host_that_does_not_answer_costs_nothing(stage: World) -> None:
    """Refused connections spend no token; when the right URL is there, the same seed works."""
    server = stage.server("nobody", endpoints={"token": f"http://127.0.0.1:{free_port()}/token"})
    seed = stage.seeded("nobody", server)
    assert "spec.endpoints" in remedy(stage.trouble("nobody", "RefreshFailed", "ServerUnreachable"))
    grant = stage.grant("nobody")
    assert (grant["refresh_token"], grant["pending"]) == (seed, None)
    unresolvable = stage.server("nowhere", endpoints={"token": "https://login.no-such-host.invalid/token"})
    stage.seeded("nowhere", unresolvable)
    stage.trouble("nowhere", "RefreshFailed", "ServerUnreachable")


def test_a_server_that_is_down_is_waited_for(stage: World) -> None:
    """The port closes and opens again; nobody needs to do anything."""
    stage.cloud.configure(access_token_life=3)
    stage.signed_in("down", stage.stand_in("down"))
    stage.ready("down")
    stage.cloud.listening(False)
    stage.trouble("down", "RefreshFailed", "ServerUnreachable")
    stage.cloud.listening(True)
    stage.ready("down")
    assert (stage.cloud.stats().replays, stage.cloud.stats().errors) == (0, {})


def test_an_unknown_authority_is_not_trusted(stage: World) -> None:
    """There is no switch for that; the right CA bundle is the cure."""
    server = stage.stand_in("stranger", caBundle=None)
    stage.signed_in("stranger", server)
    assert "spec.caBundle" in remedy(stage.trouble("stranger", "RefreshFailed", "ServerUnreachable"))
    stage.change_server(server, caBundle=stage.ca_bundle)
    stage.ready("stranger")


NOT_YET: dict[str, Object] = {
    "clientAuthentication": {"clientAuthentication": "PrivateKeyJWT"},
    "deletionPolicy": {"deletionPolicy": "Revoke"},
    "login": {"login": {"expectedSubject": "somebody"}},
    "secret.template": {"secret": {"template": {"labels": {"app": "reports"}}}},
    "citrix.customerDomain": {"citrix": {"customerDomain": "acme.cloud.com"}},
    "resource": {"resource": "urn:example:api"},
}


@pytest.fixture(scope="module")
def too_early(world: World) -> dict[str, str]:
    """A client for each field of a later version, by field."""
    server, endpoint = world.scripted("too-early", default=GOOD)
    names = {field: f"later-{field.lower().replace('.', '-')}" for field in NOT_YET}
    for field, name in names.items():
        world.seeded(name, server, **NOT_YET[field])
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
