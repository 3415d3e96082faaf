"""Many clients, one authorization server, one process after the other: what reaches the server, second by second."""

import asyncio
import itertools
import random
from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.sight import sight_of
from citrix_oauth_operator.kube.labels import client_path, secret_path
from citrix_oauth_operator.kube.secret_codec import encode
from citrix_oauth_operator.queue import Queue
from tests.unit.world import Process, World

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Fleet(World):
    """A cluster with `size` clients in `namespaces`, in turn; each has a grant of its own."""

    def __init__(self, size: int, *namespaces: str) -> None:
        super().__init__()
        self.share = random.Random(7).random  # noqa: S311 - jitter
        self.refs = [ClientRef(ns, f"c{n}", f"uid-{n}") for n, ns in zip(range(size), itertools.cycle(namespaces))]
        self.process: Process | None = None
        self._running: list[asyncio.Task[None]] = []
        self.queue: Queue | None = None
        for name in namespaces:
            self.api.put(f"/api/v1/namespaces/{name}", {"metadata": {"name": name}})
        for ref in self.refs:
            self._create(ref)

    def _create(self, ref: ClientRef) -> None:
        metadata = {"name": ref.name, "namespace": ref.namespace, "uid": ref.uid}
        spec = {"clientID": "id==", "credentialsSecretRef": {"name": f"{ref.name}-credentials"}}
        self.api.put(client_path(ref), {"metadata": metadata, "spec": spec, "status": {"observedGeneration": -1}})
        keys = {"client_secret": "CANARY-cs", "refresh_token": self.server.sign_in()}
        self.api.put(secret_path(ref.namespace, f"{ref.name}-credentials"), {"metadata": {}, "data": encode(keys)})

    def start(self) -> None:
        """Start a process; it sees every client at once, as after the first list."""
        process = self.process = self.boot()
        queue = self.queue = Queue(process.reconciler.run, process.reporter.report, self.clock)
        process.budgets.wake = queue.wake
        self._running = [asyncio.create_task(queue.run())]
        for ref in self.refs:
            self.see(ref)

    def see(self, ref: ClientRef) -> None:
        """Show a client to the queue as the watch does."""
        assert self.queue is not None
        self.queue.see(ref, sight_of(self.api.objects[client_path(ref)], self.clock.now()))

    async def kill(self) -> None:
        """End the process, whatever it is doing; nothing of it is heard again."""
        assert self.queue is not None
        tasks = [*self._running, *self.queue._running]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    def edit(self, ref: ClientRef, number: int) -> None:
        """Change a client's spec in a way that its token does not depend on."""
        body = self.api.objects[client_path(ref)]
        self.api.put(client_path(ref), {**body, "spec": {**body["spec"], "refresh": {"atPercent": 50 + number % 2}}})
        self.see(ref)

    def reasons(self) -> list[str]:
        """Return the reason of RefreshFailed of every client that has that condition."""
        all_conditions = (self.api.objects[client_path(ref)]["status"].get("conditions", ()) for ref in self.refs)
        return [c["reason"] for conditions in all_conditions for c in conditions if c["type"] == "RefreshFailed"]

    @property
    def asked(self) -> list[datetime]:
        """When the server was asked something."""
        return [at for at, _ in self.server.sent]

    def most_of_a_grant(self, span: timedelta) -> int:
        """Return the most requests of one grant within `span`."""
        of_grant: dict[int, list[datetime]] = defaultdict(list)
        for at, token in self.server.sent:
            of_grant[self.server.family(token)].append(at)
        return max(most_within(span, times) for times in of_grant.values())


def most_within(span: timedelta, times: list[datetime]) -> int:
    """Return the most of `times` within any window of `span`."""
    most = start = 0
    for end, at in enumerate(times):
        while at - times[start] >= span:
            start += 1
        most = max(most, end - start + 1)
    return most
