"""Whether each client has what the operator needs, by the operator's own code and in its own words."""

from __future__ import annotations

from dataclasses import dataclass, field

from citrix_oauth_operator.clock import SystemClock
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.secrecy import StaysHere
from citrix_oauth_operator.domain.spec import GrantType
from citrix_oauth_operator.domain.ways_out import IN_SHORT, way_out
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.kube.inputs import InputsReader
from citrix_oauth_operator.kube.labels import secret_path
from citrix_oauth_operator.kube.namespaces import Namespaces
from citrix_oauth_operator.kube.servers import Servers
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.transport import Transport

from .finding import Finding, Result, failed, ok


@dataclass(slots=True)
class ClientChecks(StaysHere):
    """Reads clients as the operator does; remembers which token endpoints they need."""

    api: Api
    transport: Transport
    endpoints: dict[tuple[str, str], Reach] = field(default_factory=dict)

    async def run(self, clients: list[JSON]) -> list[Finding]:
        """Check each client.

        Raises:
            ApiError: the API server does not answer, or AuthorizationServers may not be read.
        """
        clock, discovery = SystemClock(), Discovery(self.transport)
        servers = Servers(self.api, clock)
        await servers.load()
        reader = InputsReader(servers, Namespaces(self.api, clock), discovery)
        try:
            return [finding for body in clients for finding in await self._check(reader, body)]
        finally:
            await discovery.aclose()

    async def _check(self, reader: InputsReader, body: JSON) -> list[Finding]:
        metadata, spec = body["metadata"], body["spec"]
        ref = ClientRef(metadata["namespace"], metadata["name"], metadata["uid"])
        seen = (body.get("status") or {}).get("observedGeneration", -1) >= 0
        findings = [] if seen else [_unseen(ref)]
        name = (spec.get("credentialsSecretRef") or {}).get("name")
        try:
            secret = await self.api.get(secret_path(ref.namespace, name)) if name else None
            inputs = await reader.read(ref, spec, secret)
        except ApiError as error:
            message = f"What it needs could not be read ({error})."
            return [*findings, Finding("client", str(ref), Result.WARN, message, "Check it with more rights.")]
        return [*findings, self._judged(ref, inputs, body)]

    def _judged(self, ref: ClientRef, inputs: Inputs | Problem, body: JSON) -> Finding:
        if isinstance(inputs, Problem):
            return failed("client", str(ref), inputs)
        if isinstance(inputs.endpoints, Problem):
            return failed("client", str(ref), inputs.endpoints)
        self.endpoints[inputs.server.name, inputs.endpoints.token] = inputs.server.reach
        begun = ((body.get("status") or {}).get("grant") or {}).get("seq")
        if inputs.spec.grant_type is GrantType.REFRESH_TOKEN and inputs.seed is None and not begun:
            return Finding(
                "client",
                str(ref),
                Result.FAIL,
                "There is no grant yet, and no refresh_token in its credentials Secret to begin one.",
                f"Sign in: `kubectl citrix-oauth login {ref.name} -n {ref.namespace}`; or put a refresh token there.",
            )
        return told_by_status(ref, body.get("status") or {}) or ok(
            "client", str(ref), "Spec, credentials and server are complete."
        )


def told_by_status(ref: ClientRef, status: JSON) -> Finding | None:
    """Say the part of docs/identity.md that is about a client's failure; None where it has no such failure."""
    found = way_out(status)
    if not found:
        return None
    reason, section = found
    message = f"{reason}, says its status: `kubectl citrix-oauth status -n {ref.namespace}` shows it."
    return Finding("client", str(ref), Result.FAIL, message, f"{IN_SHORT[section]} ({section.anchor})")


def _unseen(ref: ClientRef) -> Finding:
    message = "No operator has looked at it yet."
    remedy = "Check that one runs and watches this namespace (--watch-namespace)."
    return Finding("client", str(ref), Result.WARN, message, remedy)
