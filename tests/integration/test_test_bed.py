"""The test bed itself: a stand-in that does not fail where the real thing fails proves nothing."""

import asyncio
import json
from collections.abc import Iterator
from typing import Literal

import httpx
import pytest

from tests.control_plane import ControlPlane
from tests.integration.operator.eventually import eventually
from tests.standins import token_endpoint as scripted
from tests.standins.citrix_cloud import (
    APPLICATION_ID,
    CUSTOMER_ID,
    MACHINE_BASIC,
    MACHINE_POST,
    PRIVATE_BASIC,
    PRIVATE_POST,
    PUBLIC,
    PUBLIC_ONLINE,
    SERVICE_PRINCIPAL,
    CitrixCloud,
    Fault,
)
from tests.standins.token_endpoint import TokenEndpoint

FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.fixture
def http(citrix_cloud: CitrixCloud) -> Iterator[httpx.Client]:
    """A client that trusts the stand-in."""
    with citrix_cloud.http() as client:
        yield client


def config_map(name: str, owner_uid: str | None = None) -> str:
    """A ConfigMap, owned by the ConfigMap `owner` when its UID is given."""
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner_uid}
    references = [owner] if owner_uid else []
    return json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "ownerReferences": references}}
    )


def test_deleting_an_owner_collects_what_it_owns(control_plane: ControlPlane, namespace: str) -> None:
    """The garbage collector runs: without it a deleted client's Secrets would stay, and no test would notice."""
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=config_map("owner"))
    uid = control_plane.kubectl("get", "cm", "owner", "-n", namespace, "-o", "jsonpath={.metadata.uid}").stdout
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=config_map("owned", uid))
    control_plane.kubectl("delete", "cm", "owner", "-n", namespace)
    gone = ("get", "cm", "owned", "-n", namespace, "--ignore-not-found", "-o", "name")
    eventually(lambda: not control_plane.kubectl(*gone).stdout, "what it owned is collected")


def test_service_account_may_do_nothing_without_a_role(control_plane: ControlPlane, namespace: str) -> None:
    """RBAC is enforced on real ServiceAccount tokens."""
    account = ("get", "sa", "default", "-n", namespace)
    eventually(lambda: control_plane.kubectl(*account, check=False).stdout, "the namespace has its ServiceAccount")
    token = control_plane.kubectl("create", "token", "default", "-n", namespace).stdout.strip()
    cluster = ("--server", control_plane.url, "--token", token, "-n", namespace)
    identity = control_plane.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", *cluster).stdout
    assert identity == f"system:serviceaccount:{namespace}:default"
    assert control_plane.kubectl("auth", "can-i", "get", "secrets", *cluster, check=False).stdout.strip() == "no"


def test_custom_resources_are_served_and_validated(control_plane: ControlPlane) -> None:
    """A CRD with a CEL rule can be installed and refuses what breaks the rule."""
    rule = {"rule": "self.size < 3", "message": "too big"}
    spec = {"type": "object", "properties": {"size": {"type": "integer"}}, "x-kubernetes-validations": [rule]}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    names = {"plural": "probes", "kind": "Probe"}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "probes.test-bed.dev"},
        "spec": {"group": "test-bed.dev", "scope": "Cluster", "names": names, "versions": [version]},
    }
    probe = {"apiVersion": "test-bed.dev/v1", "kind": "Probe", "metadata": {"name": "p"}, "spec": {"size": 3}}

    def refusal() -> str:
        return control_plane.kubectl("create", "-f", "-", stdin=json.dumps(probe), check=False).stderr

    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(definition))
    try:  # it is served some time after it was applied, also after it is Established
        eventually(lambda: "too big" in refusal(), "the rule is in force", refusal)
    finally:
        control_plane.kubectl("delete", "crd", "probes.test-bed.dev", "--wait=false")


@pytest.mark.parametrize("client_id", [PUBLIC.id, PRIVATE_POST.id, PRIVATE_BASIC.id])
def test_refresh_rotates_and_a_replay_kills_the_family(citrix_cloud: CitrixCloud, client_id: str) -> None:
    """The strictest server: the winner's tokens die with the loser's."""
    first = citrix_cloud.sign_in(client_id)
    assert first.expires_in == 1800
    second = citrix_cloud.refresh(first.refresh_token, client_id).json()
    assert second["refresh_token"] != first.refresh_token
    replay = citrix_cloud.refresh(first.refresh_token, client_id)
    heir = citrix_cloud.refresh(second["refresh_token"], client_id)
    assert [(answer.status_code, answer.json()["error"]) for answer in (replay, heir)] == [(400, "invalid_grant")] * 2
    seen = citrix_cloud.stats()
    assert (seen.rotations, seen.replays, seen.revoked_grants) == (1, 1, 1)
    assert seen.token_requests == {"authorization_code": 1, "refresh_token": 3}
    assert [call.outcome for call in citrix_cloud.calls()] == ["ok", "ok", "invalid_grant", "invalid_grant"]
    assert {first.refresh_token, second["refresh_token"]} <= set(citrix_cloud.issued())
    assert all(token.startswith("CANARY-") for token in (first.refresh_token, first.access_token))


def test_replay_policy_and_grace_are_knobs(citrix_cloud: CitrixCloud) -> None:
    """Milder servers exist, and the operator has to live with them as well."""
    citrix_cloud.configure(on_replay="reject")
    first = citrix_cloud.sign_in()
    second = citrix_cloud.refresh(first.refresh_token).json()
    assert citrix_cloud.refresh(first.refresh_token).status_code == 400
    assert citrix_cloud.refresh(second["refresh_token"]).status_code == 200
    citrix_cloud.configure(grace_seconds=30, access_token_life=7)
    kinds: tuple[tuple[Literal["fresh", "same"], int], ...] = (("fresh", 2), ("same", 1))
    for kind, distinct in kinds:
        citrix_cloud.configure(grace_answer=kind)
        first = citrix_cloud.sign_in()
        answers = [citrix_cloud.refresh(first.refresh_token).json() for _ in range(2)]
        assert len({answer["refresh_token"] for answer in answers}) == distinct
        assert answers[1]["expires_in"] == 7
    assert citrix_cloud.stats().grace_reuses == 2


def test_lost_answer_leaves_the_old_token_spent(citrix_cloud: CitrixCloud) -> None:
    """The crash window of a rotating client: the server has moved on, the client knows nothing."""
    first = citrix_cloud.sign_in()
    citrix_cloud.faults([Fault(when="after", kind="reset", grant_type="refresh_token")])
    with pytest.raises(httpx.TransportError):
        citrix_cloud.refresh(first.refresh_token)
    lost = citrix_cloud.calls()[-1]
    assert (lost.outcome, lost.fault, lost.delivered) == ("ok", "after:reset", False)
    assert citrix_cloud.refresh(first.refresh_token).json()["error"] == "invalid_grant"


def test_request_that_never_arrived_spends_nothing(citrix_cloud: CitrixCloud) -> None:
    """A maintenance page, then a closed port: the refresh token lives through both."""
    first = citrix_cloud.sign_in()
    citrix_cloud.faults([Fault(when="before", kind="canned", status=503)])
    assert citrix_cloud.refresh(first.refresh_token).status_code == 503
    citrix_cloud.listening(False)
    with pytest.raises(httpx.ConnectError):
        citrix_cloud.refresh(first.refresh_token)
    citrix_cloud.listening(True)
    assert citrix_cloud.refresh(first.refresh_token).status_code == 200


def test_client_without_offline_access_gets_no_refresh_token(citrix_cloud: CitrixCloud) -> None:
    """Asking for offline_access is not enough."""
    assert citrix_cloud.sign_in(PUBLIC_ONLINE.id).refresh_token == ""


def test_resource_takes_live_tokens_only(citrix_cloud: CitrixCloud, http: httpx.Client) -> None:
    """Citrix answers 400 invalid_grant, not 401, and does so the moment the family is revoked."""
    resource = f"{citrix_cloud.origin}/citrixapi/store/resources"
    signed_in = citrix_cloud.sign_in()
    bearer = {"Authorization": f"Bearer {signed_in.access_token}"}
    assert http.get(resource, headers=bearer).is_success
    for _ in range(2):  # the second one is a replay
        citrix_cloud.refresh(signed_in.refresh_token)
    refused = http.get(resource, headers=bearer)
    assert refused.status_code == 400
    assert refused.json() == {"error": "invalid_grant", "error_description": "Access token is invalid."}
    assert (citrix_cloud.stats().resource_ok, citrix_cloud.stats().resource_refused) == (1, 1)


def test_discovery_demands_the_application_id(citrix_cloud: CitrixCloud, http: httpx.Client) -> None:
    """As header or as query; without it there is no way to the OAuth endpoints."""
    assert http.get(citrix_cloud.discovery_url).status_code == 400
    assert http.get(citrix_cloud.discovery_url, headers={"Citrix-ApplicationId": "other"}).status_code == 403
    assert http.get(citrix_cloud.discovery_url, params={"ApplicationId": APPLICATION_ID}).is_success
    found = http.get(citrix_cloud.discovery_url, headers={"Citrix-ApplicationId": APPLICATION_ID}).json()
    metadata = http.get(found["clientSettings"]["oidcConfiguration"]["oidc_discovery_endpoint"]).json()
    assert (metadata["issuer"], metadata["token_endpoint"]) == (citrix_cloud.issuer, citrix_cloud.token_url)


@pytest.mark.parametrize("client_id", [MACHINE_POST.id, MACHINE_BASIC.id])
def test_client_credentials_at_the_normal_token_endpoint(citrix_cloud: CitrixCloud, client_id: str) -> None:
    """A machine client gets an access token and nothing to rotate."""
    granted = citrix_cloud.request_tokens(client_id, {"grant_type": "client_credentials"}).json()
    assert granted["expires_in"] == 1800
    assert "refresh_token" not in granted


SERVICE_HEADERS = {"Accept": "application/json", "Content-Type": FORM_TYPE}


@pytest.mark.parametrize(
    ("change", "headers", "expected"),
    [
        ({}, {}, (200, None)),
        ({"client_secret": "wrong"}, {}, (400, "invalid_client")),
        ({}, {"Content-Type": f"{FORM_TYPE}; charset=utf-8"}, (400, "invalid_request")),
        ({}, {"Accept": "*/*"}, (406, "not_acceptable")),
    ],
)
def test_service_principal_endpoint_has_its_quirks(
    citrix_cloud: CitrixCloud, change: dict[str, str], headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    """400 for a wrong secret, an exact content type, no `*/*`, and `expires_in` as a string."""
    form = {"grant_type": "client_credentials", "client_id": SERVICE_PRINCIPAL.id}
    body = str(httpx.QueryParams({**form, "client_secret": SERVICE_PRINCIPAL.secret, **change}))
    url = f"{citrix_cloud.origin}/cctrustoauth2/{CUSTOMER_ID}/tokens/clients"
    with citrix_cloud.http() as http:
        answer = http.post(url, content=body, headers={**SERVICE_HEADERS, **headers})
    assert (answer.status_code, answer.json().get("error")) == expected
    if answer.is_success:
        assert answer.json()["expires_in"] == "3600"


@pytest.mark.parametrize("tls", [False, True])
async def test_scripted_endpoint_plays_its_script(tls: bool) -> None:
    """Answers in order, remembers requests, and a reset is a reset."""
    async with (
        TokenEndpoint(tls=tls) as endpoint,
        httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client,  # noqa: S501
    ):
        endpoint.script(
            scripted.json_reply({"access_token": "at"}),
            scripted.drip_reply(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", size=7),
            scripted.reset_after_reading(),
            scripted.reset_before_reading(),
            scripted.stall(),
        )
        answer = await client.post(endpoint.url, data={"client_id": "a=+/%"})
        assert answer.json() == {"access_token": "at"}
        assert (await client.post(endpoint.url)).json() == {}
        for _ in range(2):
            with pytest.raises((httpx.ReadError, httpx.WriteError)):
                await client.post(endpoint.url)
        silent = asyncio.create_task(client.post(endpoint.url, timeout=None))
        while len(endpoint.requests) < 4:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        answered, _ = await asyncio.wait({silent}, timeout=0.2)
        assert not answered
        silent.cancel()
        await asyncio.wait({silent})
        assert endpoint.requests[0].form == {"client_id": "a=+/%"}
        assert (len(endpoint.requests), endpoint.refused) == (4, 1)
