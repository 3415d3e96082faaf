"""`deletionPolicy: Revoke`: held by a finalizer only while it is set, and released whatever the server says."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.farewell import SECONDS, Farewells
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.clients import FINALIZER, Clients
from citrix_oauth_operator.kube.grant_store import GrantStore
from citrix_oauth_operator.kube.observe import Observer
from tests.unit.fakes import Fault
from tests.unit.world import CLIENT, GRANT_SECRET, OPS, REF, World

pytestmark = pytest.mark.looptime
Revoke = Callable[[Inputs, SecretText], Awaitable[str]]
OTHERS = "example.com/theirs"


class Cluster:
    """A world with one client, and a server that can revoke."""

    def __init__(self, why: str = "", seconds: float = 0.0) -> None:
        self.world = World()
        self.revoked: list[str] = []
        self._why, self._seconds = why, seconds
        process = self.world.boot()
        observer, clients = process.reconciler.observer, process.reconciler.clients
        assert isinstance(observer, Observer)
        assert isinstance(clients, Clients)

        async def inputs(ref: ClientRef, body: JSON) -> Inputs | Problem:
            return (await observer.inputs(ref, body["spec"]))[0]

        store = GrantStore(self.world.api, OPS)
        self.process = process
        destroy = process.reconciler.storefront.destroy
        self.farewells = Farewells(process.reconciler.run, clients, store, OPS, inputs, self.revoke, destroy)

    async def revoke(self, _inputs: Inputs, token: SecretText) -> str:
        """Take its time, and answer."""
        self.revoked.append(token.reveal())
        await asyncio.sleep(self._seconds)
        return self._why

    async def run(self) -> None:
        """Do one pass."""
        if outcome := await self.farewells.run(REF):
            await self.process.reporter.report(outcome)

    @property
    def finalizers(self) -> list[str]:
        """What holds the client."""
        return list(self.world.api.objects[CLIENT]["metadata"].get("finalizers", []))

    def delete(self) -> None:
        """Ask for the end of the client, as `kubectl delete` does."""
        body = self.world.api.objects[CLIENT]
        gone = {**body["metadata"], "deletionTimestamp": "2026-03-01T12:00:00Z"}
        self.world.api.put(CLIENT, {**body, "metadata": gone})


async def served(why: str = "", seconds: float = 0.0, **spec: object) -> Cluster:
    """Return a client that has its token."""
    cluster = Cluster(why, seconds)
    cluster.world.set_up(**spec)
    await cluster.run()
    assert cluster.world.condition("Ready")["status"] == "True"
    return cluster


async def test_a_client_is_held_only_while_its_grant_is_to_be_revoked() -> None:
    """Set, taken away, and other people's finalizers stay."""
    cluster = await served()
    assert cluster.finalizers == []
    body = cluster.world.api.objects[CLIENT]
    cluster.world.api.put(CLIENT, {**body, "metadata": {**body["metadata"], "finalizers": [OTHERS]}})
    cluster.world.client(deletionPolicy="Revoke")
    await cluster.run()
    assert cluster.finalizers == [OTHERS, FINALIZER]
    cluster.world.client(deletionPolicy="Delete")
    await cluster.run()
    assert cluster.finalizers == [OTHERS]


async def test_a_client_is_held_although_the_api_server_was_away_for_a_moment() -> None:
    """The next pass may come after its end."""
    cluster = Cluster()
    cluster.world.set_up(deletionPolicy="Revoke")
    assert await cluster.process.reconciler.run(REF) is not None
    cluster.world.api.faults.append(Fault("PATCH", CLIENT, before=ApiError(503)))
    await cluster.farewells.run(REF)
    assert cluster.finalizers == [FINALIZER]


async def test_a_deleted_client_has_its_grant_revoked_and_forgotten() -> None:
    """Then it is released."""
    cluster = await served(deletionPolicy="Revoke")
    token = cluster.world.grant.refresh_token.reveal()
    cluster.delete()
    await cluster.run()
    assert (cluster.revoked, cluster.finalizers) == ([token], [])
    assert GRANT_SECRET not in cluster.world.api.objects


@pytest.mark.parametrize("why", ["Refused", "NotSent", "AnswerLost", "NoEndpoint"])
async def test_a_server_that_does_not_revoke_holds_nobody(why: str, caplog: pytest.LogCaptureFixture) -> None:
    """The audit line says that the grant may live on."""
    cluster = await served(why, deletionPolicy="Revoke")
    cluster.delete()
    await cluster.run()
    assert cluster.finalizers == []
    assert f"GrantNotRevoked client=team-a/reports reason={why}" in caplog.text


async def test_a_server_that_is_silent_holds_a_client_for_ten_seconds() -> None:
    """Not for longer."""
    cluster = await served(seconds=3600, deletionPolicy="Revoke")
    cluster.delete()
    before = cluster.world.clock.boottime()
    await cluster.run()
    assert cluster.finalizers == []
    assert SECONDS <= cluster.world.clock.boottime() - before < SECONDS + 1
    assert GRANT_SECRET not in cluster.world.api.objects


async def test_a_failure_that_nobody_thought_of_holds_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The grant is forgotten, and the log names the kind of the failure alone."""
    cluster = await served(deletionPolicy="Revoke")

    async def fails(_inputs: Inputs, _token: SecretText) -> str:
        raise ValueError("CANARY")

    cluster.farewells.revoke = fails
    cluster.delete()
    await cluster.run()
    assert cluster.finalizers == []
    assert GRANT_SECRET not in cluster.world.api.objects
    assert ("ValueError" in caplog.text, "CANARY" in caplog.text) == (True, False)


async def test_a_client_of_another_operator_is_held_until_that_one_has_revoked() -> None:
    """Its finalizer is not ours to release."""
    cluster = await served(deletionPolicy="Revoke")
    body = cluster.world.api.objects[CLIENT]
    grant = {**body["status"]["grant"], "namespace": "theirs"}
    cluster.world.api.put(CLIENT, {**body, "status": {**body["status"], "grant": grant}})
    cluster.delete()
    await cluster.run()
    assert (cluster.revoked, cluster.finalizers) == ([], [FINALIZER])


async def test_a_grant_that_cannot_be_read_holds_nobody() -> None:
    """The API server answers again at the release."""
    cluster = await served(deletionPolicy="Revoke")
    cluster.delete()
    cluster.world.api.faults.append(Fault("GET", "secrets/grant.", before=ApiError(500)))
    await cluster.run()
    assert (cluster.revoked, cluster.finalizers) == ([], [])


async def test_a_namespace_that_goes_is_not_blocked_by_credentials_that_are_gone() -> None:
    """Without the client's secret nothing can be asked for."""
    cluster = await served(deletionPolicy="Revoke")
    cluster.world.api.drop("/api/v1/namespaces/team-a/secrets/reports-credentials")
    cluster.delete()
    await cluster.run()
    assert (cluster.revoked, cluster.finalizers) == ([], [])
    assert GRANT_SECRET not in cluster.world.api.objects
