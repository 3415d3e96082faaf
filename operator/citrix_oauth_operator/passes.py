"""What runs one pass over a client, put together from the parts that the process shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.edges import Metrics
from citrix_oauth_operator.farewell import Farewells
from citrix_oauth_operator.gate import Gate, GatedRequests
from citrix_oauth_operator.grants.budget import Budgets
from citrix_oauth_operator.grants.revocation import revoke
from citrix_oauth_operator.grants.token_endpoint import TokenEndpoint
from citrix_oauth_operator.guarded import Guarded
from citrix_oauth_operator.identity import Identity
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.kube.claims import Claims
from citrix_oauth_operator.kube.clients import Clients
from citrix_oauth_operator.kube.codes import Codes
from citrix_oauth_operator.kube.grant_store import GrantStore
from citrix_oauth_operator.kube.login_secret import LoginSecrets
from citrix_oauth_operator.kube.namespaces import Namespaces
from citrix_oauth_operator.kube.observe import Observer
from citrix_oauth_operator.kube.passwords import PasswordMarks
from citrix_oauth_operator.kube.primary_store import PrimaryStore
from citrix_oauth_operator.kube.refusals import Refusals
from citrix_oauth_operator.kube.servers import Servers
from citrix_oauth_operator.kube.token_secret import TokenSecrets
from citrix_oauth_operator.metered import MeteredRequests, MeteredSpill
from citrix_oauth_operator.reconciler import Reconciler
from citrix_oauth_operator.redemption import Redemption
from citrix_oauth_operator.sign_ins import SignIns
from citrix_oauth_operator.spill import SpillFolder
from citrix_oauth_operator.storefront_tokens import StoreFrontTokens
from citrix_oauth_operator.twins import OnTheWire
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.id_token import IdTokens
from citrix_oauth_operator.wire.transport import Transport
from citrix_oauth_operator.write_protocol import WriteProtocol


@dataclass(frozen=True, slots=True)
class Shared:
    """What all passes, and the process around them, use together.

    Attributes:
        namespace: where grants and claims are kept.
    """

    api: Api
    clock: Clock
    namespace: str
    transport: Transport
    clients: Clients
    servers: Servers
    namespaces: Namespaces
    refusals: Refusals
    grants: GrantStore
    spill: SpillFolder
    budgets: Budgets
    identity: Identity
    id_tokens: IdTokens
    gate: Gate
    metrics: Metrics


def passes(shared: Shared) -> Farewells:
    """Return what runs the passes of all clients."""
    clock, identity, transport = shared.clock, shared.identity, shared.transport
    claims, codes = Claims(shared.api, shared.namespace), Codes(shared.api, shared.namespace)
    logins, secrets = LoginSecrets(shared.api, codes, identity), TokenSecrets(shared.api)
    primaries, passwords = PrimaryStore(shared.api, shared.namespace), PasswordMarks(shared.api, shared.namespace)
    metered = MeteredRequests(TokenEndpoint(transport, clock), shared.metrics, clock)
    requests = GatedRequests(Guarded(metered, shared.budgets), shared.gate)
    spill = MeteredSpill(shared.spill, shared.metrics)
    storefront = StoreFrontTokens(
        transport, primaries, passwords, shared.budgets, clock, identity.holder, identity, shared.metrics, shared.gate
    )
    observer = Observer(
        api=shared.api,
        clock=clock,
        operator_namespace=shared.namespace,
        clients=shared.clients,
        grants=shared.grants,
        claims=claims,
        refusals=shared.refusals,
        secrets=secrets,
        servers=shared.servers,
        namespaces=shared.namespaces,
        discovery=Discovery(transport),
        identity=identity,
        answers=shared.spill,
        logins=logins,
        primaries=primaries,
        passwords=passwords,
    )
    grants, budgets, metrics, holder, wire = shared.grants, shared.budgets, shared.metrics, identity.holder, OnTheWire()
    redemption = Redemption(grants, codes, requests, shared.id_tokens, budgets, spill, clock, holder, wire=wire)
    protocol = WriteProtocol(grants, claims, requests, budgets, spill, clock, holder, metrics=metrics, wire=wire)
    reconciler = Reconciler(
        clock=clock,
        observer=observer,
        clients=shared.clients,
        protocol=protocol,
        requests=requests,
        refusals=shared.refusals,
        budgets=shared.budgets,
        secrets=secrets,
        sign_ins=SignIns(redemption, logins, clock),
        storefront=storefront,
        metrics=shared.metrics,
        gate=shared.gate,
    )

    async def inputs(ref: ClientRef, body: JSON) -> Inputs | Problem:
        return (await observer.inputs(ref, body.get("spec") or {}))[0]

    ask = partial(revoke, transport, clock.now)
    return Farewells(reconciler.run, shared.clients, shared.grants, shared.namespace, inputs, ask, storefront.destroy)
