"""The inputs of a token: spec, server, credentials and endpoints, each checked, in the words a person reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.model import Binding, ClientRef
from citrix_oauth_operator.domain.observed import Inputs, Spare
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientSpec, Customer, GrantType, parse_spec
from citrix_oauth_operator.domain.storefront import Account
from citrix_oauth_operator.servers import profile

from .api import JSON
from .credentials import Credentials, Proof, read_credentials
from .namespaces import Namespaces
from .passwords import password_fingerprint
from .servers import Servers


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

    async def read(
        self, ref: ClientRef, raw_spec: Mapping[str, Any], credentials: JSON | None, *, unseen: bool = False
    ) -> Inputs | Problem:
        """Return the inputs of a client, or what is missing or wrong first; `unseen`: nobody has judged this spec yet.

        Raises:
            ApiError: the namespace or the server cannot be read.
        """
        try:
            spec = parse_spec(ref.name, raw_spec)
        except FieldError as error:
            return problems.spec_invalid(error)
        server = await self.servers.seek(spec.server_name) if unseen else self.servers.find(spec.server_name)
        if isinstance(server, Problem):
            return server
        if (server.type is ServerType.STOREFRONT) is not (spec.grant_type is GrantType.CITRIX_AUTH):
            return problems.other_type_of_server(server.name, wanted=spec.grant_type is GrantType.CITRIX_AUTH)
        labels = await self.namespaces.labels(ref.namespace) if server.allowed_namespaces.needs_labels() else {}
        if not server.allowed_namespaces.allow(ref.namespace, labels):
            return problems.server_not_allowed(server.name, ref.namespace)
        found = read_credentials(spec, credentials)
        if isinstance(found, Problem):
            return found
        endpoints = await self.discovery.endpoints(server, spec.customer)
        if isinstance(endpoints, Endpoints) and endpoints.needs_customer():
            if not spec.customer_id:
                return problems.customer_missing(server.name)
            endpoints = endpoints.of_customer(spec.customer_id)
        binding = await self._binding(ref, spec, server, endpoints)
        return _complete(spec, server, endpoints, found, binding)

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


def _complete(
    spec: ClientSpec, server: Server, endpoints: Endpoints | Problem, credentials: Credentials, binding: Binding
) -> Inputs:
    made_from = [spec.grant_type, spec.client_id, server.name, server.identity, spec.customer_id]
    if spec.grant_type is GrantType.CLIENT_CREDENTIALS:
        made_from += [*spec.scopes, spec.resource]
    account = _account(spec, server, credentials)
    if account is not None:
        made_from += [spec.store_path, account.username, *filter(None, [credentials.names])]
    logon = [spec.store_path, *spec.protocols, account.fingerprint] if account else []

    def credential(proof: Proof) -> str:
        return _digest([spec.grant_type, server.identity, binding.token_url, spec.client_id, proof.fingerprint, *logon])

    proof, spare, kind = credentials.proof, credentials.spare, profile(server.type)
    return Inputs(
        spec=spec,
        server=server,
        endpoints=endpoints,
        client_secret=proof.secret,
        seed=credentials.seed,
        binding=binding,
        fingerprint=_digest(made_from),
        credential=credential(proof),
        authorization=kind.authorization,
        key=proof.key,
        spare=Spare(spare.secret, spare.key, credential(spare)) if spare else None,
        credentials_end=credentials.end,
        customer_id=(spec.customer_id or "") if kind.offers_customer else "",
        account=account,
    )


def _account(spec: ClientSpec, server: Server, credentials: Credentials) -> Account | None:
    if spec.grant_type is not GrantType.CITRIX_AUTH:
        return None
    key = credentials.proof.key
    if credentials.login is None:
        return Account(key=key)
    username, password = credentials.login
    return Account(username, password, password_fingerprint(server.identity, username, password), key)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
