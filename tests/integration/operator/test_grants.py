"""Ways to come to a token: grant types, client authentication, endpoints by hand and by discovery."""

from __future__ import annotations

import pytest

from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, tokens
from tests.integration.operator.cost import check_cost
from tests.integration.operator.eventually import eventually
from tests.integration.operator.reading import kstatus
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import (
    CUSTOMER_ID,
    MACHINE_BASIC,
    MACHINE_POST,
    PRIVATE_BASIC,
    PRIVATE_POST,
    PUBLIC,
    SERVICE_PRINCIPAL,
    Client,
)
from tests.standins.token_endpoint import json_reply

AUTHENTICATION = {
    "none": "None",
    "client_secret_post": "ClientSecretPost",
    "client_secret_basic": "ClientSecretBasic",
}


def opens_the_resource(world: World, name: str) -> bool:
    """Whether a pod gets in with the header as it is."""
    with world.cloud.http() as http:
        headers = {"Authorization": world.token(name)["authorization"]}
        return http.get(f"{world.cloud.origin}/citrixapi/store/resources", headers=headers).is_success


@pytest.mark.parametrize("registered", [PRIVATE_POST, PRIVATE_BASIC, PUBLIC], ids=lambda one: one.authentication)
def test_a_refresh_token_is_used_with_the_clients_own_authentication(stage: World, registered: Client) -> None:
    """Ids and secrets hold `=`, `+`, `/`, `%` and `:`: only form-encoding brings them through Basic."""
    name = f"refresh-{registered.authentication.replace('_', '-')}"
    authentication = AUTHENTICATION[registered.authentication]
    stage.signed_in(name, stage.stand_in(name), registered, clientAuthentication=authentication)
    stage.ready(name)
    assert opens_the_resource(stage, name)
    assert (stage.cloud.stats().rotations, stage.cloud.stats().errors) == (1, {})


@pytest.mark.parametrize("registered", [MACHINE_POST, MACHINE_BASIC], ids=lambda one: one.authentication)
def test_client_credentials_need_no_grant(stage: World, registered: Client) -> None:
    """No refresh token, no grant Secret, no end at which a person is needed; two writes a refresh."""
    name = f"machine-{registered.authentication.replace('_', '-')}"
    stage.cloud.configure(access_token_life=3)
    stage.credentials(name, client_secret=registered.secret or "")
    authentication = AUTHENTICATION[registered.authentication]
    fields = {"grantType": "ClientCredentials", "clientID": registered.id, "clientAuthentication": authentication}
    stage.client(name, stage.stand_in(name, type="OIDC"), **fields)
    stage.ready(name)
    # one may be over in the moment between its reading and its use
    eventually(lambda: opens_the_resource(stage, name), "it opens the resource", lambda: stage.tell(name))
    token_then_status = {"PUT secrets": 1, "PATCH citrixclients": 1}
    check_cost(stage, name, "client_credentials", token_then_status, refreshes=2)
    assert stage.grant(name) == {}
    assert "grantExpirationTime" not in stage.suspend(name)["status"]
    assert stage.cloud.stats().errors == {}


def test_a_service_principal_gets_its_own_kind_of_header(stage: World) -> None:
    """CitrixCloudAPI: the customer id in the path, `expires_in` as a string, `CwsAuth Bearer=` with an equals sign."""
    token_url = f"{stage.cloud.origin}/cctrustoauth2/{{customerID}}/tokens/clients"
    server = stage.stand_in("api", type="CitrixCloudAPI", issuer=None, endpoints={"token": token_url})
    stage.credentials("principal", client_secret=SERVICE_PRINCIPAL.secret or "")
    fields = {"grantType": "ClientCredentials", "clientID": SERVICE_PRINCIPAL.id}
    stage.client("principal", server, **fields, citrix={"customerID": CUSTOMER_ID})
    stage.ready("principal")
    token = stage.token("principal")
    assert token["authorization"] == f"CwsAuth Bearer={token['access_token']}"
    assert opens_the_resource(stage, "principal")


def test_a_service_principal_without_its_customer_is_told_so(stage: World) -> None:
    """Nothing is sent to a URL with a hole in it; the field is named, and setting it is enough."""
    token_url = f"{stage.cloud.origin}/cctrustoauth2/{{customerID}}/tokens/clients"
    server = stage.stand_in("hole", type="CitrixCloudAPI", issuer=None, endpoints={"token": token_url})
    stage.credentials("hole", client_secret=SERVICE_PRINCIPAL.secret or "")
    stage.client("hole", server, grantType="ClientCredentials", clientID=SERVICE_PRINCIPAL.id)
    told = stage.stalled("hole", "SpecInvalid")
    assert "spec.citrix.customerID" in told["status"]["lastError"]["remedy"]
    assert stage.cloud.stats().token_requests == {}
    stage.change("hole", citrix={"customerID": CUSTOMER_ID})
    assert kstatus(stage.ready("hole")) == "Current"


def test_a_token_endpoint_by_hand_needs_no_metadata_document(stage: World) -> None:
    """The issuer is not even asked for."""
    server = stage.stand_in("by-hand", type="OIDC", issuer=None, endpoints={"token": stage.cloud.token_url})
    stage.signed_in("by-hand", server)
    stage.ready("by-hand")
    assert stage.cloud.stats().rotations == 1


def test_changed_scopes_of_client_credentials_get_a_new_token(stage: World) -> None:
    """The published token was made from other inputs: a new one is fetched, and not when something else changes."""
    server, endpoint = stage.scripted("scopes", default=json_reply(tokens(refresh_token=None)))
    stage.planted.add(ACCESS)
    stage.credentials("scopes", client_secret="CANARY-secret-scopes")
    stage.client("scopes", server, grantType="ClientCredentials", scopes=["read"])
    stage.ready("scopes")
    stage.change("scopes", scopes=["read", "write"])
    eventually(lambda: len(endpoint.requests) == 2, "it is asked for again", lambda: stage.tell("scopes"))
    stage.ready("scopes")
    stage.change("scopes", refresh={"atPercent": 50})
    stage.ready("scopes")
    assert [request.form["scope"] for request in endpoint.requests] == ["read", "read write"]


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
