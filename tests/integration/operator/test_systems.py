"""Each system around Citrix, and it checks what it is shown: a token, a refresh, calls, bad days, cures, no restart."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
import trustme
from cryptography import x509

from tests.integration.operator import canary
from tests.integration.operator.cluster import Object
from tests.integration.operator.eventually import GIVE_UP_SECONDS, eventually
from tests.integration.operator.world import World
from tests.standins import systems
from tests.standins.systems import API, CLAIMS, CUSTOMER, TENANT, WORDS, Proof, System, serve
from tests.unit.key_pairs import PrivateKey, certificate, certificate_pem, ec_key, pem, rsa_key

PEOPLE = trustme.CA(organization_name="clients")  # signs what clients open connections with
MACHINE: Object = {"grantType": "ClientCredentials"}


@dataclass(frozen=True)
class Credential:
    """What the server has registered, and what the team has put into its Secret."""

    proof: Proof
    keys: dict[str, str]


def in_form(secret: str) -> Credential:
    """Return a client secret that is sent in the form."""
    return Credential(systems.SecretInForm(secret), {"client_secret": secret})


def in_header(secret: str) -> Credential:
    """Return a client secret that is sent in the header."""
    return Credential(systems.SecretInHeader(secret), {"client_secret": secret})


def certified(key: PrivateKey) -> Credential:
    """Return an RSA key whose certificate each assertion must name."""
    proof = systems.SignedAssertion(certificate(key), "RS256", named=True)
    return Credential(proof, {"tls.key": pem(key), "tls.crt": certificate_pem(key)})


def bare(key: PrivateKey) -> Credential:
    """Return a key of curve P-256 without a certificate."""
    return Credential(systems.SignedAssertion(certificate(key), "ES256"), {"private_key": pem(key)})


def connecting() -> Credential:
    """Return a certificate that connections are opened with."""
    issued = PEOPLE.issue_cert("reports.team-a.example")
    shown, key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
    loaded = x509.load_pem_x509_certificate(shown)
    return Credential(systems.CertificateOfConnection(loaded), {"tls.crt": shown.decode(), "tls.key": key.decode()})


@dataclass(frozen=True)
class Day:
    """What goes wrong at the server, and what is then told.

    Attributes:
        spoil: does it, and returns what repairs it.
    """

    spoil: Callable[[World, Case, System], Callable[[], None]]
    reason: str
    code: str = ""


@dataclass(frozen=True)
class Case:
    """One system as a team meets it.

    Attributes:
        server: spec of the AuthorizationServer, `ORIGIN` standing for where it is.
        first, second: what is registered at the beginning, and after the server has forgotten it.
    """

    id: str
    kind: type[System]
    server: Object
    first: Credential
    second: Credential
    days: tuple[Day, ...]
    client: Object = field(default_factory=dict)


def forgets(stage: World, case: Case, system: System) -> Callable[[], None]:
    """The server knows another credential from now on; a person brings it."""
    system.proof = case.second.proof
    return lambda: stage.set_keys(case.id, **case.second.keys)


def revokes(stage: World, case: Case, system: System) -> Callable[[], None]:
    """The grant is ended; a person signs in again."""
    system.revoke()
    return lambda: stage.set_keys(case.id, refresh_token=system.sign_in())


def blocks(stage: World, case: Case, system: System) -> Callable[[], None]:
    """A policy says no; an administrator changes it, and somebody does not want to wait for an hour."""
    system.policy = True

    def lift() -> None:
        system.policy = False
        stage.annotate(case.id, requested_at="2026-11-21T12:00:00Z")

    return lift


ENTRA: Object = {"type": "EntraID", "issuer": f"ORIGIN/{TENANT}/v2.0"}
ADFS: Object = {"type": "ADFS", "issuer": "ORIGIN/adfs"}
OIDC: Object = {"type": "OIDC", "endpoints": {"token": "ORIGIN/token"}}
CASES = [
    Case(
        id="entra-id",
        kind=systems.Entra,
        server=ENTRA,
        first=in_form("CANARY-secret-first"),
        second=in_form("CANARY-secret-second"),
        days=(
            Day(forgets, "ClientRejected", "AADSTS7000215"),
            Day(revokes, "GrantRejected", "AADSTS50173"),
            Day(blocks, "ConditionalAccess", "AADSTS53003"),
        ),
    ),
    Case(
        id="entra-id-with-a-certificate",
        kind=systems.Entra,
        server=ENTRA,
        client={**MACHINE, "clientAuthentication": "PrivateKeyJWT", "scopes": ["api://example/.default"]},
        first=certified(rsa_key()),
        second=certified(rsa_key(3072)),
        days=(Day(forgets, "ClientRejected", "AADSTS700027"),),
    ),
    Case(
        id="adfs",
        kind=systems.Adfs,
        server=ADFS,
        client={"clientAuthentication": "ClientSecretBasic"},
        first=in_header("CANARY+secret:first/%=="),
        second=in_header("CANARY+secret:second/%=="),
        days=(Day(forgets, "ClientRejected", "MSIS9622"), Day(revokes, "GrantExpired", "MSIS9615")),
    ),
    Case(
        id="adfs-with-a-certificate",
        kind=systems.Adfs,
        server=ADFS,
        client={**MACHINE, "clientAuthentication": "PrivateKeyJWT"},
        first=certified(rsa_key()),
        second=certified(rsa_key(3072)),
        days=(Day(forgets, "ClientRejected", "MSIS9622"),),
    ),
    Case(
        id="netscaler",
        kind=systems.NetScaler,
        server={"type": "NetScaler", "endpoints": {"token": "ORIGIN/oauth/idp/token"}},
        client=MACHINE,
        first=in_form("CANARY-secret-first"),
        second=in_form("CANARY-secret-second"),
        days=(Day(forgets, "ClientRejected"),),
    ),
    Case(
        id="citrix-cloud-api",
        kind=systems.CitrixCloudApi,
        server={
            "type": "CitrixCloudAPI",
            "endpoints": {"token": "ORIGIN/cctrustoauth2/{customerID}/tokens/clients"},
        },
        client={**MACHINE, "citrix": {"customerID": CUSTOMER}},
        first=in_form("CANARY-secret-first"),
        second=in_form("CANARY-secret-second"),
        days=(Day(forgets, "ClientRejected"),),
    ),
    Case(
        id="another-server-with-a-key",
        kind=System,
        server=OIDC,
        client={"clientAuthentication": "PrivateKeyJWT"},
        first=bare(ec_key()),
        second=bare(ec_key(1)),
        days=(Day(forgets, "ClientRejected"), Day(revokes, "GrantRejected")),
    ),
    Case(
        id="another-server-with-a-certificate-of-the-connection",
        kind=System,
        server=OIDC,
        client={**MACHINE, "clientAuthentication": "TLSClientAuth"},
        first=connecting(),
        second=connecting(),
        days=(Day(forgets, "ClientRejected"),),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_system_serves_its_client_through_bad_days(stage: World, case: Case) -> None:
    """Apply, a token, a refresh, and the API takes each; refused, told, cured; the operator is never restarted."""
    system = case.kind(case.first.proof)
    with serve(system, PEOPLE) as authority:
        stage.planted.add(WORDS)
        spec = {**placed(case.server, system.origin), "caBundle": base64.b64encode(authority).decode()}
        server, process = stage.server(case.id, **spec), stage.operator.pid
        seed = {} if case.client.get("grantType") else {"refresh_token": system.sign_in()}
        stage.credentials(case.id, **case.first.keys, **seed)
        stage.client(case.id, server, clientID=system.client_id, **case.client)
        stage.ready(case.id)
        first = opening(stage, case, system, authority, "")
        token = opening(stage, case, system, authority, first)
        for day in case.days:
            mend = day.spoil(stage, case, system)
            told = stage.stalled(case.id, day.reason)["status"]["lastError"]
            assert told.get("serverCode", "") == day.code
            check_way_out(told, system)
            mend()
            stage.ready(case.id)
            token = opening(stage, case, system, authority, token)
        assert stage.operator.pid == process
        stage.planted |= set(system.issued)
        stage.delete(case.id)
    assert set(system.asked) == {system.token_path}


def opening(stage: World, case: Case, system: System, authority: bytes, before: str) -> str:
    """Wait for another token than before that opens the API, with the header as it is in the Secret; return it."""
    trusting = ssl.create_default_context(cadata=authority.decode())
    with httpx.Client(verify=trusting, base_url=system.origin, timeout=GIVE_UP_SECONDS) as http:

        def another() -> str | None:
            token = stage.token(case.id)
            if token.get("access_token") in {None, before}:
                return None
            customer = {"Citrix-CustomerId": token["customer_id"]} if "customer_id" in token else {}
            answer = http.get(API, headers={"Authorization": token["authorization"], **customer})
            return token["access_token"] if answer.is_success else None

        return eventually(another, "a token that opens the API", lambda: stage.tell(case.id)) or ""


def check_way_out(told: Object, system: System) -> None:
    """Somebody can act on it, and finds the request in the vendor's log."""
    if told["reason"] == "ConditionalAccess":
        assert "docs/identity.md" in told["remedy"]
        assert json.loads(told["claims"]) == CLAIMS
    if sent := system.last.get("client-request-id"):
        assert told["transactionId"] == sent


def placed(spec: Object, origin: str) -> Object:
    """Return a spec with the address in it."""
    put = {key: value.replace("ORIGIN", origin) if isinstance(value, str) else value for key, value in spec.items()}
    return {**put, **({"endpoints": placed(spec["endpoints"], origin)} if "endpoints" in spec else {})}


def test_a_netscaler_that_was_never_signed_in_at_says_that_it_issues_no_refresh_tokens(stage: World) -> None:
    """Instead of sending somebody to a browser in vain."""
    server = stage.server("no-refresh", type="NetScaler", endpoints={"token": "https://gw.example/oauth/idp/token"})
    stage.credentials("no-refresh", client_secret="CANARY-secret-first")
    stage.client("no-refresh", server)
    assert "ClientCredentials" in stage.stalled("no-refresh", "NoRefreshToken")["status"]["lastError"]["remedy"]


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
