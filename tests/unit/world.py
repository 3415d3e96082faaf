"""The whole pipeline in memory: everything real but the API server, the token endpoint, discovery and the clocks."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.model import ClientRef, Grant
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import Customer
from citrix_oauth_operator.edges import Metrics, NoMetrics, RequestsTokens, TokenRequests
from citrix_oauth_operator.grants.budget import Budgets
from citrix_oauth_operator.guarded import Guarded
from citrix_oauth_operator.identity import Identity
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.kube.claims import Claims
from citrix_oauth_operator.kube.clients import Clients
from citrix_oauth_operator.kube.codes import Codes
from citrix_oauth_operator.kube.events import Events
from citrix_oauth_operator.kube.grant_codec import from_data
from citrix_oauth_operator.kube.grant_store import GrantStore, secret_name
from citrix_oauth_operator.kube.labels import REQUESTED_AT, client_path, secret_path
from citrix_oauth_operator.kube.login_secret import LoginSecrets, to_secret
from citrix_oauth_operator.kube.namespaces import Namespaces
from citrix_oauth_operator.kube.observe import Observer
from citrix_oauth_operator.kube.passwords import PasswordMarks
from citrix_oauth_operator.kube.primary_store import PrimaryStore
from citrix_oauth_operator.kube.refusals import Refusals
from citrix_oauth_operator.kube.secret_codec import decode, encode
from citrix_oauth_operator.kube.servers import Servers
from citrix_oauth_operator.kube.token_secret import TokenSecrets
from citrix_oauth_operator.metered import MeteredRequests, MeteredSpill
from citrix_oauth_operator.reconciler import Reconciler
from citrix_oauth_operator.recovery import Recovery
from citrix_oauth_operator.redemption import Redemption
from citrix_oauth_operator.report.reporter import Reporter
from citrix_oauth_operator.sign_ins import SignIns
from citrix_oauth_operator.spill import SpillFolder
from citrix_oauth_operator.storefront.talk import Wire
from citrix_oauth_operator.storefront_tokens import StoreFrontTokens
from citrix_oauth_operator.twins import OnTheWire
from citrix_oauth_operator.wire.id_token import IdTokens
from citrix_oauth_operator.write_protocol import WriteProtocol
from tests.unit import people
from tests.unit.fakes import FakeApi, LoopClock
from tests.unit.people import Keys
from tests.unit.token_server import StrictServer

OPS, TENANT = "ops", "team-a"
REF = ClientRef(TENANT, "reports", "uid-reports")
CREDENTIALS = secret_path(TENANT, "reports-credentials")
TOKEN_SECRET = secret_path(TENANT, "reports-token")
GRANT_SECRET = secret_path(OPS, secret_name(REF))
LOGIN_SECRET = secret_path(TENANT, "reports-login")
CLIENT = client_path(REF)
SPEC: JSON = {"clientID": "id==", "credentialsSecretRef": {"name": "reports-credentials"}}


class FixedDiscovery:
    """Knows the same endpoints for every server, or says the same problem."""

    def __init__(self) -> None:
        self.answer: Endpoints | Problem = Endpoints(token="https://accounts.example/token")

    async def endpoints(self, server: Server, customer: Customer | None = None) -> Endpoints | Problem:
        """Return what was set."""
        del server, customer
        return self.answer


class NoWire:
    """Where no test is about StoreFront, nobody calls it."""

    async def post_form(self, url: str, *_: object) -> NoReturn:
        """Refuse."""
        raise AssertionError(url)

    get_json = post_form


class Endpoint(TokenRequests, RequestsTokens, Protocol):
    """What a token endpoint can be asked."""


@dataclass
class Process:
    """One process of the operator; a new one stands for a restart."""

    reconciler: Reconciler
    reporter: Reporter
    protocol: WriteProtocol
    refusals: Refusals
    budgets: Budgets
    recovery: Recovery

    async def run(self, ref: ClientRef = REF) -> Outcome:
        """Do one pass over a client that is there, and report it."""
        outcome = await self.look(ref)
        assert outcome is not None, "the client is gone"
        return outcome

    async def recover(self, seconds: float = 1.0) -> None:
        """Let the adoption of spilled answers run for a while."""
        recovery = asyncio.create_task(self.recovery.run())
        await asyncio.sleep(seconds)
        recovery.cancel()
        await asyncio.gather(recovery, return_exceptions=True)

    async def look(self, ref: ClientRef = REF) -> Outcome | None:
        """Do one pass and report it; None when the client is gone."""
        outcome = await self.reconciler.run(ref)
        if outcome is not None:
            await self.reporter.report(outcome)
        return outcome


class World:
    """A cluster with one client, and a strict authorization server."""

    def __init__(self, spill: Path | None = None) -> None:
        self._spill = spill
        self.clock = LoopClock()
        self.api = FakeApi(OPS, TENANT)
        self.server = StrictServer(self.clock)
        self.metrics: Metrics = NoMetrics()
        self.discovery = FixedDiscovery()
        self.keys = Keys()
        self.storefront: Wire = NoWire()
        self.share: Callable[[], float] = lambda: 0.0

    def set_up(self, **spec: object) -> str:
        """Create a client with a fresh seed; return the seed."""
        seed = self.server.sign_in()
        self.client(**spec)
        self.credentials(refresh_token=seed)
        return seed

    def client(self, **spec: object) -> None:
        """Create or change the client."""
        old = self.api.objects.get(CLIENT, {"status": {"observedGeneration": -1}})
        metadata = {"name": REF.name, "namespace": REF.namespace, "uid": REF.uid}
        self.api.put(CLIENT, {**old, "metadata": {**old.get("metadata", {}), **metadata}, "spec": {**SPEC, **spec}})

    def credentials(self, **keys: str) -> None:
        """Create or change the credentials Secret."""
        self.api.put(CREDENTIALS, {"metadata": {}, "data": encode({"client_secret": "CANARY-cs", **keys})})

    def ask(self, when: str = "2026-03-01T12:30:00Z") -> None:
        """Ask for a refresh now, as a person does."""
        body = self.api.objects[CLIENT]
        annotated = {**body["metadata"], "annotations": {REQUESTED_AT: when}}
        self.api.put(CLIENT, {**body, "metadata": annotated})

    def hand_over(self, code: str = "CANARY-code-1", when: str = "2026-03-01T12:00:01Z") -> JSON:
        """Hand a finished sign-in over, as CLI and portal do; return the login Secret."""
        secret = self.api.put(LOGIN_SECRET, to_secret(REF, people.hand_over(code)))
        self.ask(when)
        return secret

    def boot(self, pod: str | None = "pod-1") -> Process:
        """Start a process; the same pod means that its predecessor is dead."""
        return self.boot_with(pod, self.api, self.clock, self.server, SpillFolder(self._spill))

    def boot_with(self, pod: str | None, api: Api, clock: Clock, server: Endpoint, spill: SpillFolder) -> Process:
        """Start a process with edges of its own."""
        identity = Identity(pod)
        clients, store, claims, secrets = Clients(api), GrantStore(api, OPS), Claims(api, OPS), TokenSecrets(api)
        refusals, budgets = Refusals(api, OPS), Budgets(clock)
        codes = Codes(api, OPS)
        logins, id_tokens = LoginSecrets(api, codes, identity), IdTokens(self.keys, clock.boottime)
        servers, primaries, passwords = Servers(api, clock), PrimaryStore(api, OPS), PasswordMarks(api, OPS)
        observer = Observer(
            api=api,
            clock=clock,
            operator_namespace=OPS,
            clients=clients,
            grants=store,
            claims=claims,
            refusals=refusals,
            secrets=secrets,
            servers=servers,
            namespaces=Namespaces(api, clock),
            discovery=self.discovery,
            identity=identity,
            answers=spill,
            logins=logins,
            primaries=primaries,
            passwords=passwords,
        )
        metrics, share = self.metrics, self.share
        held, requests = MeteredSpill(spill, metrics), Guarded(MeteredRequests(server, metrics, clock), budgets)
        holder, wire = identity.holder, OnTheWire()
        protocol = WriteProtocol(store, claims, requests, budgets, held, clock, holder, share, metrics, wire)
        redemption = Redemption(store, codes, requests, id_tokens, budgets, held, clock, holder, share, wire)
        sign_ins = SignIns(redemption, logins, clock)
        storefront = StoreFrontTokens(
            self.storefront, primaries, passwords, budgets, clock, identity.holder, identity, metrics
        )
        reporter = Reporter(clients, Events(api, clock), clock)
        reconciler = Reconciler(
            clock,
            observer,
            clients,
            protocol,
            requests,
            refusals,
            budgets,
            secrets,
            sign_ins,
            storefront,
            share,
            metrics,
        )
        recovery = Recovery(spill, store, identity, clock, id_tokens, servers.find)
        return Process(reconciler, reporter, protocol, refusals, budgets, recovery)

    @property
    def grant(self) -> Grant:
        """The grant as it is stored."""
        return from_data(decode(self.api.objects[GRANT_SECRET]))

    @property
    def status(self) -> JSON:
        """The client's status."""
        status: JSON = self.api.objects[CLIENT]["status"]
        return status

    def condition(self, kind: str) -> Mapping[str, str]:
        """Return a condition; empty when it is absent."""
        return next((c for c in self.status.get("conditions", ()) if c["type"] == kind), {})

    @property
    def signed_in(self) -> JSON:
        """What status says of the last sign-in."""
        return dict(self.status.get("lastSignIn", {}))

    @property
    def published(self) -> dict[str, str]:
        """The token Secret's content; empty when there is none."""
        return decode(self.api.objects.get(TOKEN_SECRET, {}))

    @property
    def held_is_live(self) -> bool:
        """Whether what is stored is what the server would take."""
        return self.server.is_live(self.grant.refresh_token.reveal())
