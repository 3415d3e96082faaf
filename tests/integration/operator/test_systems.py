"""Each system around Citrix, in the shapes it answers with: a token, a refresh, a bad day, the cure, no restart."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.integration.operator import canary
from tests.integration.operator.cluster import Object
from tests.integration.operator.eventually import eventually
from tests.integration.operator.world import World
from tests.standins.token_endpoint import Reply, TokenEndpoint, json_reply
from tests.unit.key_pairs import certificate_pem, pem, rsa_key

TENANT = "6c4a2f0e-1111-4222-8333-444455556666"
CORRELATION = "b02c3e5e-5a4b-4b6f-9f0d-7f6a1c1d2e3f"
ACCESS, REFRESH = "CANARY-at-of-a-system", "CANARY-rt-of-a-system"
MACHINE: Object = {"grantType": "ClientCredentials"}


def entra(number: int, error: str) -> Reply:
    """Return an error as Entra ID writes it."""
    text = f"AADSTS{number}: CANARY-words-of-the-server. Trace ID: x Correlation ID: {CORRELATION}"
    body = {"error": error, "error_description": text, "error_codes": [number], "correlation_id": CORRELATION}
    return json_reply(body, 400)


@dataclass(frozen=True)
class System:
    """One system, and its bad day.

    Attributes:
        server: spec of the AuthorizationServer, `ORIGIN` standing for where it is.
        asks: the path it must be asked at.
        good: members of its answers beside the access token.
        code: shown in status.lastError.
    """

    id: str
    server: Object
    asks: str
    bad: Reply
    reason: str
    code: str = ""
    good: Object = field(default_factory=dict)
    client: Object = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=lambda: {"client_secret": "CANARY-secret-first"})
    header: str = "Bearer "
    life: object = 3


SYSTEMS = [
    System(
        id="entra-id",
        server={"type": "EntraID", "issuer": f"ORIGIN/{TENANT}/v2.0"},
        asks=f"/{TENANT}/oauth2/v2.0/token",
        good={"refresh_token": REFRESH, "ext_expires_in": 3},
        bad=entra(53003, "invalid_grant"),
        reason="ConditionalAccess",
        code="AADSTS53003",
        keys={"client_secret": "CANARY-secret-first", "refresh_token": "CANARY-seed-of-entra"},
    ),
    System(
        id="entra-id-with-a-certificate",
        server={"type": "EntraID", "issuer": f"ORIGIN/{TENANT}/v2.0"},
        asks=f"/{TENANT}/oauth2/v2.0/token",
        client={**MACHINE, "clientAuthentication": "PrivateKeyJWT", "scopes": ["api://example/.default"]},
        keys={"tls.key": pem(rsa_key()), "tls.crt": certificate_pem(rsa_key())},
        bad=entra(700027, "invalid_client"),
        reason="ClientRejected",
        code="AADSTS700027",
    ),
    System(
        id="adfs",
        server={"type": "ADFS", "issuer": "ORIGIN/adfs"},
        asks="/adfs/oauth2/token",
        good={"refresh_token_expires_in": 28800},
        bad=json_reply({"error": "invalid_grant", "error_description": "MSIS9659: CANARY-words-of-the-server."}, 401),
        reason="AccountProblem",
        code="MSIS9659",
        keys={"client_secret": "CANARY-secret-first", "refresh_token": "CANARY-seed-of-adfs"},
    ),
    System(
        id="netscaler",
        server={"type": "NetScaler", "endpoints": {"token": "ORIGIN/oauth/idp/token"}},
        asks="/oauth/idp/token",
        client=MACHINE,
        bad=json_reply({"error": "invalid_client"}, 401),
        reason="ClientRejected",
    ),
    System(
        id="citrix-cloud-api",
        server={
            "type": "CitrixCloudAPI",
            "endpoints": {"token": "ORIGIN/cctrustoauth2/{customerID}/tokens/clients"},
        },
        asks="/cctrustoauth2/acmecust01/tokens/clients",
        client={**MACHINE, "citrix": {"customerID": "acmecust01"}},
        bad=json_reply({"error": "invalid_client", "error_description": "Invalid client id or client secret."}, 400),
        reason="ClientRejected",
        header="CwsAuth Bearer=",
        life="3",
    ),
]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.id)
def test_a_system_serves_its_client_through_a_bad_day(stage: World, system: System) -> None:
    """Apply, token, refresh, refused, told, cured: the operator is never restarted."""
    good = {"access_token": ACCESS, "token_type": "bearer", "expires_in": system.life, **system.good}
    endpoint = stage.endpoints.open(default=json_reply(good))
    stage.planted |= {ACCESS, REFRESH}
    server = stage.server(system.id, **_placed(system.server, endpoint.url.rpartition("/core/")[0]))
    stage.credentials(system.id, **system.keys)
    stage.client(system.id, server, **system.client)
    stage.ready(system.id)
    token = stage.token(system.id)
    assert token["authorization"] == system.header + ACCESS
    assert token.get("customer_id") == ("acmecust01" if system.id == "citrix-cloud-api" else None)
    eventually(lambda: len(endpoint.requests) > 1, "it is refreshed", lambda: stage.tell(system.id))
    _refused(stage, system, endpoint)
    stage.set_keys(system.id, client_secret="CANARY-secret-second")
    stage.annotate(system.id, requested_at="2026-11-21T12:00:00Z")
    stage.ready(system.id)
    asked = {
        (request.target, request.headers["content-type"], request.headers["accept"]) for request in endpoint.requests
    }
    assert asked == {(system.asks, "application/x-www-form-urlencoded", "application/json")}


def _refused(stage: World, system: System, endpoint: TokenEndpoint) -> None:
    endpoint.script(system.bad)
    told = stage.stalled(system.id, system.reason)["status"]["lastError"]
    assert told.get("serverCode", "") == system.code
    assert told["remedy"]
    if system.reason == "ConditionalAccess":
        assert "docs/identity.md" in told["remedy"]
        assert told["transactionId"] == CORRELATION


def _placed(spec: Object, origin: str) -> Object:
    placed = {key: value.replace("ORIGIN", origin) if isinstance(value, str) else value for key, value in spec.items()}
    return {**placed, **({"endpoints": _placed(spec["endpoints"], origin)} if "endpoints" in spec else {})}


def test_a_netscaler_that_was_never_signed_in_at_says_that_it_issues_no_refresh_tokens(stage: World) -> None:
    """Instead of sending somebody to a browser in vain."""
    server = stage.server("no-refresh", type="NetScaler", endpoints={"token": "https://gw.example/oauth/idp/token"})
    stage.credentials("no-refresh", client_secret="CANARY-secret-first")
    stage.client("no-refresh", server)
    assert "ClientCredentials" in stage.stalled("no-refresh", "NoRefreshToken")["status"]["lastError"]["remedy"]


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
