"""The inputs of a token: spec, server, credentials and endpoints, each checked, in the words a person reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.model import Binding, ClientRef
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientSpec, Customer, GrantType, parse_spec
from citrix_oauth_operator.servers import profile

from .api import JSON
from .namespaces import Namespaces
from .secret_codec import decode
from .servers import Servers

_SECRET_LIMIT = 8192


class Discovery(Protocol):
    """Finds a server's endpoints, and what a customer's document adds to them; remembers them."""

    async def endpoints(self, server: Server, customer: Customer | None = None) -> Endpoints | Problem:
        """Return the endpoints, or why they are not known."""
        ...


@dataclass(frozen=True, slots=True)
class InputsReader:
    """Puts together what a token is made from."""

    servers: Servers
    namespaces: Namespaces
    discovery: Discovery

    async def read(self, ref: ClientRef, raw_spec: Mapping[str, Any], credentials: JSON | None) -> Inputs | Problem:
        """Return the inputs of a client, or what is missing or wrong first.

        Raises:
            ApiError: the namespace cannot be read.
        """
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
        endpoints = await self.discovery.endpoints(server, spec.customer)
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
