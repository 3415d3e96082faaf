"""Servers that are wrong, closed or not there: told with field and remedy, and used as soon as they are right."""

from __future__ import annotations

import pytest

from tests.control_plane.children import free_port
from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, tokens
from tests.integration.operator.cluster import SERVERS, Object
from tests.integration.operator.eventually import eventually
from tests.integration.operator.reading import condition, remedy
from tests.integration.operator.world import World
from tests.standins.token_endpoint import http_reply, json_reply

GOOD = json_reply(tokens())


@pytest.fixture(scope="module", autouse=True)
def _plant(world: World) -> None:
    """Look for the tokens of the scripted answers, too."""
    world.planted |= {ACCESS, NEW}


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
    stage.suspend("nobody")  # between two tries
    grant = stage.grant("nobody")
    assert (grant["refresh_token"], grant["pending"]) == (seed, None)
    assert not any((past["pending"] or {}).get("doubt") for past in stage.past_grants("nobody"))
    unresolvable = stage.server("nowhere", endpoints={"token": "https://login.no-such-host.invalid/token"})
    stage.seeded("nowhere", unresolvable)
    stage.trouble("nowhere", "RefreshFailed", "ServerUnreachable")


def test_a_server_that_is_down_is_waited_for(stage: World) -> None:
    """The port closes and opens again; nobody needs to do anything."""
    stage.cloud.configure(access_token_life=3)
    stage.signed_in("down", stage.stand_in("down"))
    stage.ready("down")
    stage.suspend("down")  # a request that is cut in the middle is another day
    stage.cloud.listening(False)
    stage.change("down", suspend=False)
    stage.trouble("down", "RefreshFailed", "ServerUnreachable")
    stage.cloud.listening(True)
    stage.ready("down")
    assert (stage.cloud.stats().replays, stage.cloud.stats().errors) == (0, {})


def test_trouble_and_recovery_are_one_event_each(stage: World) -> None:
    """Events on transitions only; here, where few clients recover: good news is rationed."""
    server, _ = stage.scripted("moody", http_reply(b"", 500), default=GOOD)
    stage.seeded("moody", server)
    stage.trouble("moody", "RefreshFailed", "ServerError")
    stage.ready("moody")
    # an Event follows the status that it tells of
    eventually(lambda: _told(stage, "moody")[1:], "the second Event", lambda: stage.events("moody"))
    assert _told(stage, "moody") == [("Warning", "ServerError"), ("Normal", "Recovered")]


def _told(world: World, name: str) -> list[tuple[str, str]]:
    return [(one["type"], one["reason"]) for one in world.events(name)]


def test_an_unknown_authority_is_not_trusted(stage: World) -> None:
    """There is no switch for that; the right CA bundle is the cure."""
    server = stage.stand_in("stranger", caBundle=None)
    stage.signed_in("stranger", server)
    assert "spec.caBundle" in remedy(stage.trouble("stranger", "RefreshFailed", "ServerUnreachable"))
    stage.change_server(server, caBundle=stage.ca_bundle)
    stage.ready("stranger")


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
