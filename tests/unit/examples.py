"""A client that is well, as values; each test says only what is different in it."""

from dataclasses import replace
from datetime import timedelta

from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.model import (
    Binding,
    ClientRef,
    Grant,
    Holder,
    Pending,
    Rejection,
    Token,
    TokenSecret,
)
from citrix_oauth_operator.domain.observed import Client, Inputs, Observed, PastStatus
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientSpec, parse_spec
from tests.unit.fakes import T0

MINUTE = timedelta(minutes=1)
REF = ClientRef("team-a", "reports", "uid-1")
OPS = "ops"
HOLDER = Holder("pod:1", "boot-1")
SEED = SecretText("CANARY-seed")
SPEC: ClientSpec = parse_spec("reports", {"clientID": "id==", "credentialsSecretRef": {"name": "creds"}})
ENDPOINTS = Endpoints(token="https://as.example/token")
SERVER = Server("as", ServerType.OIDC, issuer="https://as.example", refresh_token_lifetime=timedelta(hours=24))
BINDING = Binding("ns-uid", "team-a", "reports", "id==", "as", "https://as.example", ENDPOINTS.token)
TOKEN = Token(SecretText("CANARY-at"), T0, T0 + 30 * MINUTE, T0 + 18 * MINUTE, inputs="inputs-1")
GRANT = Grant("chain-1", 7, SEED.fingerprint(64), SecretText("CANARY-rt"), BINDING, T0, T0, token=TOKEN)
INPUTS = Inputs(SPEC, SERVER, ENDPOINTS, SecretText("CANARY-cs"), SEED, BINDING, "inputs-1", "cred-1", "Bearer {token}")
SECRET = TokenSecret(True, True, TOKEN, True, "1")
STATUS: dict[str, object] = {"observedGeneration": 1, "grant": {"namespace": OPS, "chain": "chain-1", "seq": 7}}
CLIENT = Client(REF, 1, "10", PastStatus.parse(STATUS))
WELL = Observed(CLIENT, INPUTS, OPS, "reports-token", SECRET, GRANT, "5", "creds", "3")

REJECTED = Problem(Reason.GRANT_REJECTED, "refused", "sign in again", oauth_error="invalid_grant", http_status=400)
UNREACHABLE = Problem(Reason.SERVER_UNREACHABLE, "no connection")


def client(status: dict[str, object] | None = None, generation: int = 1, requested_at: str | None = None) -> Client:
    """Return the client with other fields in its status."""
    return Client(REF, generation, "10", PastStatus.parse({**STATUS, **(status or {})}), requested_at)


def inputs(spec: dict[str, object] | None = None, **changes: object) -> Inputs:
    """Return the inputs with another spec, server, binding or seed."""
    base = {"clientID": "id==", "credentialsSecretRef": {"name": "creds"}}
    parsed = parse_spec("reports", {**base, **(spec or {})})
    return replace(INPUTS, spec=parsed, **changes)  # type: ignore[arg-type] # the fields' names are the callers'


def pending(*, tries: int = 1, doubt: bool = False, holder: Holder = HOLDER) -> Pending:
    """Return an intent of the moment the token was due."""
    at = T0 + 18 * MINUTE
    return Pending("attempt-1", 7, "cafe0123", holder, at, at, at + timedelta(seconds=45), tries, doubt)


def rejected(reason: Reason = Reason.GRANT_REJECTED) -> Rejection:
    """Return the server's final word."""
    return Rejection(replace(REJECTED, reason=reason), T0)


def grant(**changes: object) -> Grant:
    """Return the grant with other fields."""
    return replace(GRANT, **changes)  # type: ignore[arg-type] # as above


def seen(**changes: object) -> Observed:
    """Return what is observed of the client, with other fields."""
    return replace(WELL, **changes)  # type: ignore[arg-type] # as above


def outcome(**changes: object) -> Outcome:
    """Return the outcome of a pass over the client that is well."""
    well = Outcome(CLIENT, OPS, "reports-token", TOKEN, True, GRANT, next_refresh=TOKEN.refresh_at)
    return replace(well, **changes)  # type: ignore[arg-type] # as above


def condition(kind: str, status: str, reason: str, since: str = "2026-03-01T11:00:00Z") -> dict[str, object]:
    """Return a condition as an earlier pass wrote it."""
    return {"type": kind, "status": status, "reason": reason, "message": "m", "lastTransitionTime": since}
