"""Everything one run of the campaign needs: clients on a real API server, both servers with faults, the replicas."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks import contestants
from tests.benchmarks.cluster import Cluster as Admin
from tests.control_plane import ControlPlane
from tests.faults.api_proxy import ApiProxy
from tests.faults.grant_writes import GrantWrite, of_secret
from tests.faults.records import Evidence, Rest, writes_of
from tests.faults.replica import Replica
from tests.integration.operator.cluster import Cluster, clients, secrets, text_of
from tests.standins.rotating import RotatingServer, seed_of
from tests.standins.rotating.server import Record

LONG_LIFE = 3600
_QUIET_SECONDS = 1.5
_GIVE_UP_SECONDS = 300.0
_SETTLE_SECONDS = 600.0  # a pod that went with an answer, a back-off of minutes: all that passes by itself


class Bed:
    """One run's servers, clients and replicas. A context manager.

    Args:
        life: of the access tokens, in seconds, until the run settles.
        grace: of the authorization server; 0: strict.
        leases: how many Leases the replicas share; as many as replicas: each is a leader of its own.
        knobs: further knobs of the authorization server.
    """

    def __init__(  # noqa: PLR0913 - a run is described by these
        self,
        plane: ControlPlane,
        folder: Path,
        key: str,
        *,
        count: int,
        life: int,
        grace: float = 0.0,
        latency: float = 0.05,
        replicas: tuple[str, ...] = ("a",),
        leases: int = 1,
        lease_seconds: int = 3,
        knobs: Mapping[str, object] | None = None,
    ) -> None:
        self.life = life
        self._plane, self._folder, self._count = plane, folder, count
        self._stack = ExitStack()
        self._kind = replace(contestants.OURS, key=f"faults-{key}", server=f"faults-{key}")
        self.namespace = self._kind.namespace
        self._grace, self._latency, self._names = grace, latency, replicas
        self._leases, self._lease_seconds, self._knobs = leases, lease_seconds, dict(knobs or {})
        self._sign_ins: dict[str, int] = {}
        self._mourned: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._stack.close()

    def _set_up(self) -> None:
        stack, admin = self._stack, Admin(self._plane)
        stack.callback(admin.close)
        self.cluster = stack.enter_context(Cluster(self._plane.kubeconfig))
        self.server = stack.enter_context(RotatingServer(self._folder, self._latency, logged=True))
        self.server.set(life=self.life, grace=self._grace, **self._knobs)
        admin.create_namespace(self.namespace)
        kept = f"{self.namespace}-system"
        gone = ("delete", "namespace", self.namespace, kept, "--wait=false", "--ignore-not-found")
        stack.callback(self._plane.kubectl, *gone, check=False)
        contestants.create_server(admin, self.server.url, self._kind.server)
        stack.callback(self._plane.kubectl, "delete", "authorizationserver", self._kind.server, check=False)
        admin.create_all(self._kind.clients(self._count, self.server.url))
        self.proxy = stack.enter_context(ApiProxy(self._plane, self._folder, self._names))
        self.replicas = [
            Replica(name, self.proxy.kubeconfig(name), self._folder, kept, [self.namespace]) for name in self._names
        ]
        for number, each in enumerate(self.replicas):
            each.operator.env["CITRIX_OAUTH_LEASE_NAME"] = f"faults-{number % self._leases}"
            each.operator.env["CITRIX_OAUTH_LEASE_DURATION_SECONDS"] = str(self._lease_seconds)
            stack.callback(_end, each)
            each.start()

    @property
    def count(self) -> int:
        """How many clients there are."""
        return self._count

    @property
    def replica(self) -> Replica:
        """The first replica."""
        return self.replicas[0]

    def serve(self) -> None:
        """Wait until every client was refreshed once."""
        self.until(lambda: self.server.grants() >= self._count, "every client has its first token")

    def grant_more(self, count: int) -> None:
        """Wait for so many further grants; who is lost is signed in again meanwhile."""
        first = self.server.grants()

        def granted() -> bool:
            if self.server.grants() >= first + count:
                return True
            self.sign_in_again()
            return False

        self.until(granted, f"{count} more grants")

    def in_flight(self) -> int:
        """Return how many token requests are with the server now."""
        return self.server.stats()["in_flight"]

    def rest(self) -> dict[str, Rest]:
        """Return every client as it is now."""
        grants: dict[str, GrantWrite] = {}
        for secret in self.cluster.items(secrets(self.replica.operator.namespace)):
            if secret["metadata"]["name"].startswith("grant."):
                grants[secret["metadata"]["name"].rpartition(".")[2]] = of_secret(secret)
        return {
            each["metadata"]["name"]: Rest(grants.get(each["metadata"]["name"]), _stalled(each))
            for each in self.cluster.items(clients(self.namespace))
        }

    def settle(self) -> None:
        """End all faults and wait until nothing is under way and every client is either well or told lost."""
        self.server.set(faults=[], dead=False, held=False, life=LONG_LIFE)
        self.proxy.set_rules()
        for each in self.replicas:
            each.failpoints.disarm()
            each.set_clock(0)
        self.until(self._at_rest, "all is quiet", lambda: str(self._unsettled()), _SETTLE_SECONDS)

    def _at_rest(self) -> bool:
        before = self.server.stats()
        nothing_held = not before["in_flight"] and not any(each.stray() for each in self.replicas)
        return nothing_held and not self._unsettled() and _after(_QUIET_SECONDS, self.server.stats) == before

    def _unsettled(self) -> dict[str, Rest]:
        live = set(self.server.live().values())
        lives = self._long_lives()
        return {
            name: rest
            for name, rest in self.rest().items()
            if not self._is_lost(name, rest)
            and not (rest.stored and rest.stored.token in live and not rest.stored.attempt and name in lives)
        }

    def _is_lost(self, name: str, rest: Rest) -> bool:
        """Whether it needs a person, and none has come: a new seed is found a moment after it was given."""
        return bool(rest.stalled) and not (rest.stored and self._mourned.get(name) == rest.stored.chain)

    def _long_lives(self) -> set[str]:
        """Return the clients whose token was asked for after the faults had ended."""
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + LONG_LIFE / 2))
        return {
            secret["metadata"]["name"].removesuffix("-token")
            for secret in self.cluster.items(secrets(self.namespace))
            if text_of(secret).get("expires_at", "") > soon
        }

    def sign_in_again(self) -> int:
        """Give every client whose chain is dead a new seed, as a person would; return how many got one."""
        stalled = {name: rest.stored for name, rest in self.rest().items() if rest.stalled and rest.stored}
        dead = {name: stored.chain for name, stored in stalled.items() if stored.rejected}
        fresh = {name: chain for name, chain in dead.items() if self._mourned.get(name) != chain}
        for name, chain in fresh.items():
            self._mourned[name] = chain
            self._sign_ins[name] = self._sign_ins.get(name, 0) + 1
            seed = {"stringData": {"refresh_token": seed_of(name, self._sign_ins[name])}}
            self.cluster.patch(secrets(self.namespace), f"{name}-credentials", seed)
        return len(fresh)

    def evidence(self) -> Evidence:
        """Return what the servers wrote down."""
        spilled: dict[str, float] = {}
        for each in self.replicas:
            spilled |= each.failpoints.spilled()
        return Evidence(
            requests=[Record(**line) for line in self.server.records()],
            writes=writes_of(self.proxy.calls()),
            hits=[hit for each in self.replicas for hit in each.hits],
            rest=self.rest(),
            live=self.server.live(),
            spilled=spilled,
            stray=[name for each in self.replicas for name in each.stray()],
        )

    def require(self) -> None:
        """Raise when a replica has ended by itself."""
        for each in self.replicas:
            assert each.operator.alive or each.resting or each.failpoints.fired(), (
                f"{each.name} ended:\n{each.operator.log[-4000:]}"
            )

    def until(
        self,
        done: Callable[[], bool],
        what: str,
        explain: Callable[[], str] = lambda: "",
        give_up_seconds: float = _GIVE_UP_SECONDS,
    ) -> None:
        """Wait for a condition; a replica that ends by itself is an error."""
        deadline = time.monotonic() + give_up_seconds
        while not done():
            self.require()
            assert time.monotonic() < deadline, f"never: {what}\n{explain()}\n{self.replica.operator.log[-6000:]}"
            time.sleep(0.1)


def _end(replica: Replica) -> None:
    if replica.operator.alive:
        replica.operator.kill()


def _after(seconds: float, look: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is looked at
    time.sleep(seconds)
    return look()


def _stalled(client: dict[str, Any]) -> str:
    conditions = client.get("status", {}).get("conditions", [])
    return next((c["reason"] for c in conditions if c["type"] == "Stalled" and c["status"] == "True"), "")
