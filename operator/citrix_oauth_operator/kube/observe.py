"""OBSERVE (step 3): live reads of everything one pass decides on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.model import Binding, Claim, ClientRef, Grant, Holder, TokenSecret
from citrix_oauth_operator.domain.observed import Client, Inputs, Liveness, Observed
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientSpec, GrantType, parse_spec
from citrix_oauth_operator.domain.template import SecretTarget, readable_template
from citrix_oauth_operator.servers import profile

from .api import JSON, Api
from .claims import Claims
from .clients import Clients
from .grant_codec import GrantUnreadable
from .grant_store import ForeignSecret, GrantStore, secret_name
from .labels import secret_path
from .namespaces import Namespaces
from .refusals import Refusals
from .secret_codec import decode
from .servers import Servers
from .token_secret import TokenSecrets

_SECRET_LIMIT = 8192


class Discovery(Protocol):
    """Finds a server's endpoints; remembers them."""

    async def endpoints(self, server: Server) -> Endpoints | Problem:
        """Return the endpoints, or why they are not known."""
        ...


class LivenessOf(Protocol):
    """Says whether the process that wrote an intent may be alive."""

    def liveness(self, holder: Holder) -> Liveness:
        """Say what is known about a holder."""
        ...


class KeepsAnswers(Protocol):
    """Says whether an answer that was received is still to be committed."""

    def keeps(self, ref: ClientRef, grant: Grant | None) -> bool:
        """Whether the stored grant waits for it, or is gone."""
        ...


@dataclass(slots=True)
class Observer:
    """Gathers one client's facts; remembers only since when it has seen somebody else's intent."""

    api: Api
    clock: Clock
    operator_namespace: str
    clients: Clients
    grants: GrantStore
    claims: Claims
    refusals: Refusals
    secrets: TokenSecrets
    servers: Servers
    namespaces: Namespaces
    discovery: Discovery
    identity: LivenessOf
    answers: KeepsAnswers
    _attempts: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def observe(self, ref: ClientRef) -> Observed | None:
        """Read the client and all that belongs to it; None when the client is gone.

        Raises:
            ApiError: the API server did not answer, or may not be read.
        """
        found = await self.clients.read(ref)
        if found is None:
            self.forget(ref)
            return None
        client, raw_spec = found
        credentials_name = str((raw_spec.get("credentialsSecretRef") or {}).get("name") or "")
        credentials = await self.api.get(secret_path(ref.namespace, credentials_name)) if credentials_name else None
        inputs = await self._inputs(client, raw_spec, credentials)
        name = inputs.spec.secret_name if isinstance(inputs, Inputs) else client.status.secret_name
        target = SecretTarget(name or _wanted_name(ref, raw_spec), readable_template(raw_spec))
        # what belongs to a client nobody claimed is met as a conflict, and read at the next look
        new = not client.status.operator_namespace and isinstance(inputs, Inputs) and inputs.seed is not None
        try:
            stored = None if new else await self.grants.load(ref)
        except (GrantUnreadable, ForeignSecret):
            stored, inputs = None, problems.grant_unreadable(secret_name(ref))
        grant = stored.grant if stored else None
        claim, chain_claim = (None, None) if new else await self._claims(inputs, grant)
        return Observed(
            client=client,
            inputs=inputs,
            operator_namespace=self.operator_namespace,
            secret_name=target.name,
            template=target.template,
            secret=TokenSecret() if new else await self._secret(ref, target, grant),
            grant=grant,
            grant_version=stored.version if stored else "",
            credentials_name=credentials_name,
            credentials_version=credentials["metadata"]["resourceVersion"] if credentials else "",
            claim=claim,
            chain_claim=chain_claim,
            refusal=self.refusals.find(inputs.credential) if isinstance(inputs, Inputs) else None,
            held=self.secrets.held(ref),
            answer_kept=self.answers.keeps(ref, grant),
            **self._intent(ref, grant),
        )

    async def _secret(self, ref: ClientRef, target: SecretTarget, grant: Grant | None) -> TokenSecret:
        """Read the token Secret, unless it is about to be written and this process knows the version to write over."""
        due = grant is not None and grant.token is not None and grant.token.refresh_at <= self.clock.now()
        known = self.secrets.unread(ref, target.name) if due else None
        return known or await self.secrets.observe(ref, target)

    def forget(self, ref: ClientRef) -> None:
        """Drop what is remembered of a client that is gone."""
        self.secrets.forget(ref)
        self._attempts.pop(ref.uid, None)
        self.namespaces.forget(ref)

    async def _inputs(self, client: Client, raw_spec: Mapping[str, Any], credentials: JSON | None) -> Inputs | Problem:
        ref = client.ref
        try:
            spec = parse_spec(ref.name, raw_spec)
        except FieldError as error:
            return problems.spec_invalid(error)
        server = self.servers.find(spec.server_name)
        if isinstance(server, Problem):
            return server
        labels = await self.namespaces.labels(ref.namespace) if server.allowed_namespaces.needs_labels() else {}
        if not server.allowed_namespaces.allow(ref.namespace, labels):
            return problems.server_not_allowed(server.name, ref.namespace)
        keys = _keys(spec, credentials)
        if isinstance(keys, Problem):
            return keys
        endpoints = await self.discovery.endpoints(server)
        if isinstance(endpoints, Endpoints) and endpoints.needs_customer():
            if not spec.customer_id:
                return problems.customer_missing(server.name)
            endpoints = endpoints.of_customer(spec.customer_id)
        binding = await self._binding(ref, spec, server, endpoints)
        return _complete(spec, server, endpoints, keys, binding)

    async def _binding(
        self, ref: ClientRef, spec: ClientSpec, server: Server, endpoints: Endpoints | Problem
    ) -> Binding:
        return Binding(
            namespace_uid=await self.namespaces.uid(ref),
            namespace=ref.namespace,
            name=ref.name,
            client_id=spec.client_id,
            server_name=server.name,
            server_identity=server.identity,
            token_url=endpoints.token if isinstance(endpoints, Endpoints) else "",
        )

    async def _claims(self, inputs: Inputs | Problem, grant: Grant | None) -> tuple[Claim | None, Claim | None]:
        """Read claims only where they matter: of a seed the chain did not begin with, and of a chain just begun."""
        seed = inputs.seed if isinstance(inputs, Inputs) else None
        begun = grant.refresh_token if grant is not None and grant.seq == 0 else None
        settled = seed is None or (grant is not None and grant.seq > 0 and grant.seed == seed.fingerprint(64))
        claim = None if settled or seed is None else await self.claims.find(seed)
        if begun is None:
            return claim, None
        return claim, claim if begun == seed else await self.claims.find(begun)

    def _intent(self, ref: ClientRef, grant: Grant | None) -> dict[str, Any]:
        """Say who holds the stored intent, and for how long this process has seen it on its own clock."""
        if grant is None or grant.pending is None:
            self._attempts.pop(ref.uid, None)
            return {}
        attempt, now = grant.pending.attempt, self.clock.boottime()
        known, since = self._attempts.get(ref.uid, ("", now))
        if known != attempt:
            since = now
        self._attempts[ref.uid] = (attempt, since)
        return {
            "holder": self.identity.liveness(grant.pending.holder),
            "attempt_seen_for": timedelta(seconds=now - since),
        }


def _wanted_name(ref: ClientRef, raw_spec: Mapping[str, Any]) -> str:
    return str((raw_spec.get("secret") or {}).get("name") or f"{ref.name}-token")


def _keys(spec: ClientSpec, secret: JSON | None) -> dict[str, SecretText] | Problem:
    """Return the keys of the credentials Secret that the client uses, each checked."""
    if spec.credentials_name is None:
        return {}
    if secret is None:
        return problems.credentials_not_found(spec.credentials_name)
    data, present = decode(secret), set(secret.get("data") or {})
    wanted = {"client_secret": spec.client_authentication.needs_secret}
    if spec.grant_type is GrantType.REFRESH_TOKEN:
        wanted["refresh_token"] = False
    keys = {}
    for key, required in wanted.items():
        if key not in present and not required:
            continue
        if flaw := _flaw(data.get(key), present=key in present):
            return problems.credentials_key(spec.credentials_name, key, flaw)
        keys[key] = SecretText(data[key])
    return keys


def _flaw(value: str | None, *, present: bool) -> str | None:
    if not present:
        return "is missing"
    if value is None or not value.isascii():
        return "holds something else than ASCII text"
    if not value:
        return "is empty"
    if len(value) > _SECRET_LIMIT:
        return "is longer than 8192 characters"
    if any(not "\x21" <= character <= "\x7e" for character in value):
        return "holds a space, a line break or a control character"
    return None


def _complete(
    spec: ClientSpec, server: Server, endpoints: Endpoints | Problem, keys: Mapping[str, SecretText], binding: Binding
) -> Inputs:
    secret = keys.get("client_secret")
    made_from = [spec.grant_type, spec.client_id, server.name, server.identity, spec.customer_id]
    if spec.grant_type is GrantType.CLIENT_CREDENTIALS:
        made_from += [*spec.scopes, spec.resource]
    credential = [
        spec.grant_type,
        server.identity,
        binding.token_url,
        spec.client_id,
        secret.fingerprint(64) if secret else None,
    ]
    return Inputs(
        spec=spec,
        server=server,
        endpoints=endpoints,
        client_secret=secret,
        seed=keys.get("refresh_token"),
        binding=binding,
        fingerprint=_digest(made_from),
        credential=_digest(credential),
        authorization=profile(server.type).authorization,
    )


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
