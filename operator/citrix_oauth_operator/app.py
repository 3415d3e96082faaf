"""The composition root: the only place that knows everything; builds, starts and stops the parts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import kopf

from citrix_oauth_operator import __version__, handlers
from citrix_oauth_operator.clock import SystemClock
from citrix_oauth_operator.domain.election import Spans
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.sight import sight_of
from citrix_oauth_operator.elector import Candidate, Elector
from citrix_oauth_operator.gate import Gate
from citrix_oauth_operator.grants.budget import Budgets
from citrix_oauth_operator.healing import ClockWatch, NamespacePoll, Poll, Relist, Watchdog
from citrix_oauth_operator.identity import Identity
from citrix_oauth_operator.kube.access import find_cluster
from citrix_oauth_operator.kube.api import Api
from citrix_oauth_operator.kube.clients import Clients
from citrix_oauth_operator.kube.cluster import ensure_namespace, find_kinds, insist
from citrix_oauth_operator.kube.events import Events
from citrix_oauth_operator.kube.grant_store import GrantStore
from citrix_oauth_operator.kube.labels import OPERATOR
from citrix_oauth_operator.kube.lease import Leases
from citrix_oauth_operator.kube.namespaces import Namespaces
from citrix_oauth_operator.kube.passwords_in_use import PasswordsInUse
from citrix_oauth_operator.kube.refusals import Refusals
from citrix_oauth_operator.kube.servers import Servers
from citrix_oauth_operator.kube.sweeper import Sweeper
from citrix_oauth_operator.logs import in_the_loop
from citrix_oauth_operator.metered import MeteredApi
from citrix_oauth_operator.passes import Shared, passes
from citrix_oauth_operator.probes import Probes
from citrix_oauth_operator.queue import Queue
from citrix_oauth_operator.recovery import Recovery
from citrix_oauth_operator.report.metrics import Prometheus, Sources
from citrix_oauth_operator.report.reporter import Reporter
from citrix_oauth_operator.runtime import loop_factory, say_goodbye, spare_the_collector
from citrix_oauth_operator.settings import Settings
from citrix_oauth_operator.spill import SpillFolder
from citrix_oauth_operator.wire.id_token import IdTokens
from citrix_oauth_operator.wire.transport import Transport

TICK_SECONDS = 60.0  # without a tick of the dispatcher, and the process is not alive

log = logging.getLogger(__name__)


class App:
    """The operator in one process."""

    def __init__(self, settings: Settings, api: Api, metrics: Prometheus, stop: asyncio.Event) -> None:
        clock, namespace = SystemClock(), settings.operator_namespace
        self._settings, self._api, self._stop, self._clock = settings, api, stop, clock
        self._transport = Transport()
        self._clients = Clients(api)
        self._servers = Servers(api, clock)
        self._namespaces = Namespaces(api, clock, self._wake_clients_in)
        self._refusals = Refusals(api, namespace)
        self._spill = SpillFolder(settings.spill_dir)
        self._grants = GrantStore(api, namespace)
        self._budgets = Budgets(clock)
        identity, id_tokens = Identity(settings.pod_uid), IdTokens(self._transport, clock.boottime)
        self._elector = Elector(
            Leases(api, namespace, settings.lease_name),
            Candidate(identity.name, identity.is_dead),
            Spans(settings.lease_seconds),
            clock,
        )
        self._gate = Gate(self._elector.leads)
        self._recovery = Recovery(self._spill, self._grants, identity, clock, id_tokens, self._servers.find)
        reporter = Reporter(self._clients, Events(api, clock), clock, settings.portal_url)
        shared = Shared(
            api=api,
            clock=clock,
            namespace=namespace,
            transport=self._transport,
            clients=self._clients,
            servers=self._servers,
            namespaces=self._namespaces,
            refusals=self._refusals,
            grants=self._grants,
            spill=self._spill,
            budgets=self._budgets,
            identity=identity,
            id_tokens=id_tokens,
            gate=self._gate,
            metrics=metrics,
        )
        work = passes(shared)
        self._queue = Queue(work.run, reporter.report, clock)
        in_use = PasswordsInUse(api, self._servers, self._queue.servers, work.inputs)
        self._sweeper = Sweeper(api, self._grants, clock, namespace, self._queue.uids, in_use.fingerprints)
        self._budgets.wake = self._queue.wake
        self._queue.may_start = self._gate.is_open
        self._probes = Probes(settings.http_port, metrics.page)
        metrics.show(Sources(self._queue.actors, self._queue.overdue, self._budgets.open_breakers))
        self._tasks: list[asyncio.Task[None]] = []
        self._duty: asyncio.Task[None] | None = None
        self._once: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Prepare the cluster's side, then begin to work."""
        try:
            await self._begin()
        except asyncio.CancelledError:
            say_goodbye(0)
            await self._stack.aclose()  # stopped while it waited for the cluster
            raise

    async def _begin(self) -> None:
        namespace = self._settings.operator_namespace
        await self._stack.enter_async_context(self._api)
        self._stack.push_async_callback(self._transport.aclose)
        await self._stack.enter_async_context(self._probes)
        await insist(partial(find_kinds, self._api))
        await insist(partial(ensure_namespace, self._api, namespace))
        await insist(self._servers.load)
        self._spill.prepare()
        self._spawn("recovery", self._recovery.run())
        self._spawn("queue", self._queue.run())
        self._spawn("poll", Poll(self._api, self._queue, self._clock).run())
        self._spawn("namespaces", NamespacePoll(self._queue, self._servers.select, self._namespaces.labels).run())
        self._spawn("clock", ClockWatch(self._queue, self._clock).run())
        self._spawn("watchdog", Watchdog(self._stop).run())
        self._spawn("relist", Relist(self._api, self._queue, self._settings.watch_namespaces).run())
        self._spawn("sweeper", self._sweeper.run())
        self._elector.gained, self._elector.lost = self._begin_to_lead, self._stand_by
        self._spawn("lease", self._elector.run())
        spare_the_collector()
        self._probes.ready = self.alive
        log.info("serving; grants are kept in namespace %s", namespace)

    async def stop(self) -> None:
        """Start nothing more, let the passes under way end, then let go of everything."""
        say_goodbye(self._queue.under_way())
        self._probes.ready = None
        self._stop.set()  # kopf waits for whoever waits for the flag
        self._gate.close()
        await self._queue.close(self._settings.drain_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stand_by()
        await self._elector.release()  # last: nothing of ours is under way any more
        await self._stack.aclose()

    def alive(self) -> bool:
        """Whether the parts that must run are running; nothing outside the process counts."""
        ticks = self._clock.boottime() - self._queue.ticked < TICK_SECONDS
        return ticks and bool(self._tasks) and not any(task.done() for task in self._tasks)

    def _begin_to_lead(self) -> None:
        self._duty = asyncio.create_task(self._lead(), name="lead")

    async def _lead(self) -> None:
        """Learn what the former leader knew, then let passes start."""
        await insist(self._refusals.load)
        self._gate.open()
        self._queue.lead()
        await insist(self._servers.report_all)

    def _stand_by(self) -> None:
        self._gate.shut()
        if self._duty:
            self._duty.cancel()

    def client_changed(self, ref: ClientRef, body: Mapping[str, Any]) -> None:
        """Schedule a client as its object says."""
        self._namespaces.saw(ref)
        self._clients.show(ref, dict(body))
        self._queue.see(ref, sight_of(body, self._clock.now()))

    def client_gone(self, ref: ClientRef) -> None:
        """Forget a client."""
        self._clients.forget(ref)
        self._queue.forget(ref.uid)

    def server_changed(self, body: Mapping[str, Any]) -> None:
        """Take a server, say whether it is accepted, and look again at the clients that use it."""
        if self._servers.upsert(dict(body)):
            self._wake_clients_of(body["metadata"]["name"])
        if self._gate.is_open():
            self._spawn_once(self._servers.report(dict(body)))

    def server_gone(self, name: str, uid: str) -> None:
        """Forget a server; its clients find out."""
        if self._servers.remove(name, uid):
            self._budgets.forget(name)
            self._wake_clients_of(name)

    def _wake_clients_of(self, server: str) -> None:
        self._queue.wake_all(lambda actor: actor.server == server)

    def _wake_clients_in(self, namespace: str) -> None:
        self._queue.wake_all(lambda actor: actor.ref.namespace == namespace and self._servers.select(actor.server))

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def _spawn_once(self, work: Coroutine[Any, Any, None]) -> None:
        async def quietly() -> None:
            try:
                await work
            except ApiError as error:
                log.warning("status of an AuthorizationServer could not be written: %s", error)

        task = asyncio.create_task(quietly(), name="server status")
        self._once.add(task)
        task.add_done_callback(self._once.discard)


def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_operate(settings))


async def _operate(settings: Settings) -> None:
    asyncio.get_running_loop().set_exception_handler(in_the_loop)
    registry = kopf.OperatorRegistry()
    stop = asyncio.Event()
    find = partial(find_cluster, service_account=settings.service_account_dir)
    api, metrics = MeteredApi(await asyncio.to_thread(find)), Prometheus(__version__)
    api.metrics = metrics
    app = App(settings, api, metrics, stop)
    handlers.register(registry, app, find)
    namespaces = settings.watch_namespaces
    await kopf.operator(
        registry=registry,
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        stop_flag=stop,
        # for peering, which is off; kopf's own way to find one fails where the user has no name, as in a container
        identity=OPERATOR,  # type: ignore[arg-type] # kopf keeps its type to itself
    )
