"""What to sign in for: read from the client and its server as the operator reads them, without any Secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from citrix_oauth_operator.clock import SystemClock
from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.claims_challenge import claims_challenge
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import ConditionType, Reason
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientSpec, GrantType, parse_spec
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.kube.inputs import Discovery
from citrix_oauth_operator.kube.servers import Servers
from citrix_oauth_operator.servers import BUILT_IN, profile, sign_in_scopes

from .attempt import Wanted
from .ending import Ending, SignInEnded

_NOT_HELPED = frozenset(
    {
        Reason.AUTHORIZATION_SERVER_NOT_ALLOWED,
        Reason.ADDRESS_NOT_ALLOWED,
        Reason.CLAIMED_BY_ANOTHER_OPERATOR,
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A sign-in that can begin; `reach` says how its server may be connected to."""

    ref: ClientRef
    wanted: Wanted
    reach: Reach


async def plan(api: Api, discovery: Discovery, body: JSON, redirect_uri: str) -> Plan:
    """Return what to sign in for.

    Args:
        body: the CitrixClient, as the API server has it.
        redirect_uri: where the browser returns to, when the client does not say.

    Raises:
        SignInEnded: a sign-in could come to nothing, or only to nothing; says why, before anybody has typed a password.
        ApiError: the API server does not answer.
    """
    ref = ClientRef(body["metadata"]["namespace"], body["metadata"]["name"], body["metadata"]["uid"])
    spec = _spec_of(ref, body)
    server = await _server(api, spec.server_name)
    endpoints = await discovery.endpoints(server, spec.customer)
    if isinstance(endpoints, Problem):
        raise SignInEnded.by(endpoints)
    if endpoints.needs_customer() and not spec.customer_id:
        raise SignInEnded.by(problems.customer_missing(server.name))
    wanted = _wanted(spec, server, endpoints.of_customer(spec.customer_id or ""), spec.redirect_uri or redirect_uri)
    return Plan(ref, replace(wanted, claims=_challenged(body)), server.reach)


def _spec_of(ref: ClientRef, body: JSON) -> ClientSpec:
    try:
        spec = parse_spec(ref.name, body.get("spec") or {})
    except FieldError as error:
        raise SignInEnded.by(problems.spec_invalid(error)) from None
    if spec.grant_type is not GrantType.REFRESH_TOKEN:
        raise SignInEnded(Ending.REFUSED, f"Nobody signs in for a client of grantType {spec.grant_type}.")
    if spec.suspend:
        raise SignInEnded(Ending.REFUSED, "spec.suspend is true, so no code would be redeemed.", "Set it to false.")
    if stalled := _not_helped(body):
        raise SignInEnded(Ending.REFUSED, f"A sign-in would not help. {stalled['reason']}: {stalled['message']}")
    return spec


def _not_helped(body: JSON) -> Mapping[str, Any] | None:
    """Return the condition that no sign-in cures."""
    conditions = _current_status(body).get("conditions") or ()
    return next((c for c in conditions if c["type"] == ConditionType.STALLED and c["reason"] in _NOT_HELPED), None)


def _challenged(body: JSON) -> str:
    """Return what the server wants of this sign-in beyond the last one; "" for nothing."""
    return claims_challenge((_current_status(body).get("lastError") or {}).get("claims")) or ""


def _current_status(body: JSON) -> Mapping[str, Any]:
    """Return the status where it is about the spec as it is now: another server wants other things."""
    status = body.get("status") or {}
    return status if status.get("observedGeneration") == body["metadata"].get("generation") else {}


async def _server(api: Api, name: str) -> Server:
    servers = Servers(api, SystemClock())
    try:
        found = await servers.seek(name)
    except ApiError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        if name not in BUILT_IN:
            raise SignInEnded(
                Ending.NO_RIGHTS,
                f"You may not read AuthorizationServer {name}.",
                f"Ask the cluster's admin for `get` on authorizationservers, at least on {name}.",
            ) from None
        found = servers.find(name)
    if isinstance(found, Problem):
        raise SignInEnded.by(found)
    return found


def _wanted(spec: ClientSpec, server: Server, endpoints: Endpoints, redirect_uri: str) -> Wanted:
    kind, scopes = profile(server.type), sign_in_scopes(spec, server, endpoints)
    if not endpoints.authorization:
        raise SignInEnded(
            Ending.REFUSED,
            f"AuthorizationServer {server.name} has no authorization endpoint.",
            "The platform's admin sets spec.endpoints.authorization of it.",
        )
    if kind.offline_scope and kind.offline_scope not in scopes:
        raise SignInEnded(
            Ending.REFUSED,
            f"spec.scopes holds no {kind.offline_scope}: without it the server gives no refresh token.",
            f"Add {kind.offline_scope} to spec.scopes, and enable Offline Access in the client's registration.",
        )
    return Wanted(
        endpoint=endpoints.authorization,
        token_endpoint=endpoints.token,
        client_id=spec.client_id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        issuer=endpoints.issuer or server.issuer,
        iss_required=endpoints.names_issuer,
        prompt=endpoints.prompt or kind.consent_prompt,
        acr_values=endpoints.acr_values,
        resource=spec.resource or "",
    )
