"""One pass from end to end: what people ask for, what they change, and what is left alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.kube.grant_codec import to_data
from citrix_oauth_operator.kube.secret_codec import encode
from citrix_oauth_operator.patience import PAUSES
from tests.unit.fakes import Fault
from tests.unit.token_server import error
from tests.unit.world import CLIENT, CREDENTIALS, GRANT_SECRET, OPS, REF, TOKEN_SECRET, Process, World

pytestmark = pytest.mark.looptime
BUILT_IN_SERVER = "/apis/citrix-oauth.dev/v1alpha1/authorizationservers/citrix-cloud"
OURS = "https://login.corp.example"


async def _served(**spec: object) -> tuple[World, Process]:
    """Return a world whose client has its first token, five minutes ago."""
    world = World()
    world.set_up(**spec)
    process = world.boot()
    await process.run()
    await asyncio.sleep(300)
    return world, process


async def test_a_person_may_ask_for_a_refresh() -> None:
    """`requested-at`: one request, echoed in status, and no second one for the same wish."""
    world, process = await _served()
    world.ask("2026-03-01T12:05:00Z")
    await process.run()
    assert (len(world.server.sent), world.status["lastHandledReconcileAt"]) == (2, "2026-03-01T12:05:00Z")
    await asyncio.sleep(300)
    await process.run()
    assert len(world.server.sent) == 2


async def test_asking_often_keeps_the_interval() -> None:
    """Requests of one grant are a minute apart, whoever asks how often."""
    world, process = await _served()
    for minute in range(10):
        world.ask(f"2026-03-01T12:0{minute}:30Z")
        for _ in range(6):
            await process.run()
            await asyncio.sleep(5)
    assert min(world.server.gaps) >= 60


async def test_after_a_forced_refresh_the_schedule_is_the_tokens() -> None:
    """`nextRefreshTime` is not a minute from now."""
    world, process = await _served()
    world.ask()
    outcome = await process.run()
    assert outcome.next_refresh == world.clock.now() + timedelta(minutes=18)


async def test_suspend_stops_requests_and_keeps_the_token() -> None:
    """The published token is used up, and restored where somebody deletes it."""
    world, process = await _served()
    world.client(suspend=True)
    world.api.drop(TOKEN_SECRET)
    await process.run()
    assert world.published["access_token"] == "CANARY-at-1"
    assert world.status["grantExpirationTime"] == "2026-03-02T12:00:00Z"
    await asyncio.sleep(3600)
    await process.run()
    assert len(world.server.sent) == 1
    world.client(suspend=False)
    await process.run()
    assert (len(world.server.sent), world.held_is_live) == (2, True)


async def test_a_restored_backup_sends_nothing() -> None:
    """An older grant Secret holds a spent refresh token."""
    world, process = await _served()
    backup = world.api.objects[GRANT_SECRET]
    await asyncio.sleep(18 * 60)
    await process.run()
    world.api.put(GRANT_SECRET, backup)
    await asyncio.sleep(18 * 60)
    await process.run()
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("GrantRolledBack", 2)
    assert world.status["grant"]["seq"] == 2


@pytest.mark.parametrize(
    ("spec", "endpoints", "reason"),
    [
        pytest.param({"clientID": "other"}, None, "InputsChanged", id="another client id"),
        pytest.param(
            {"authorizationServerRef": {"name": "citrix-cloud-api"}}, None, "InputsChanged", id="another server"
        ),
        pytest.param({}, Endpoints(token="https://evil.example/token"), "EndpointChanged", id="another token URL"),
    ],
)
async def test_a_grant_is_not_sent_elsewhere(spec: dict[str, object], endpoints: Endpoints | None, reason: str) -> None:
    """A refresh token goes where it was issued, for whom it was issued."""
    world, process = await _served()
    world.client(**spec)
    world.discovery.answer = world.discovery.answer if endpoints is None else endpoints
    await asyncio.sleep(3600)
    await process.run()
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == (reason, 1)


async def test_a_changed_client_id_can_be_changed_back() -> None:
    """Nothing was spent: undoing the change goes on as before."""
    world, process = await _served()
    world.client(clientID="other")
    await process.run()
    world.client()
    await asyncio.sleep(1200)
    await process.run()
    assert (world.grant.seq, world.held_is_live, world.condition("Stalled")) == (2, True, {})


async def test_a_client_is_claimed_before_the_first_request() -> None:
    """So that another operator stalls instead of sending."""
    world = World()
    world.set_up()
    claims = []
    world.server.on_request = lambda: claims.append(world.status["grant"]["namespace"])
    await world.boot().run()
    assert claims == [OPS]


async def test_a_refused_credential_is_not_sent_again_by_a_restarted_operator() -> None:
    """The mark is durable and holds for an hour; a changed secret ends it."""
    world, process = await _served()
    await asyncio.sleep(780)
    world.server.script.append(error("invalid_client", 401))
    await process.run()
    restarted = process
    for _ in range(5):
        restarted = world.boot()
        await restarted.refusals.load()
        await asyncio.sleep(300)
        await restarted.run()
    assert (len(world.server.sent), world.condition("Stalled")["reason"]) == (2, "ClientRejected")
    world.credentials(client_secret="CANARY-new")
    await restarted.run()
    assert (len(world.server.sent), world.condition("Stalled")) == (3, {})


async def test_a_client_of_its_own_credentials() -> None:
    """One request, no intent, no grant Secret; a deleted token costs one request, never two in a minute."""
    world = World()
    world.client(grantType="ClientCredentials")
    world.credentials()
    process = world.boot()
    await process.run()
    assert (world.published["access_token"], GRANT_SECRET in world.api.objects) == ("CANARY-at-1", False)
    for _ in range(10):
        world.api.drop(TOKEN_SECRET)
        await process.run()
        await asyncio.sleep(30)
    assert min(world.server.gaps) >= 60
    assert len(world.server.sent) > 2


@pytest.mark.parametrize("missing", ["Secret", "server", "endpoint"])
async def test_a_cured_input_is_taken_up(missing: str) -> None:
    """Stalled or failing, the next pass after the cure refreshes."""
    world = World()
    world.set_up(**({"authorizationServerRef": {"name": "nowhere"}} if missing == "server" else {}))
    credentials = world.api.objects[CREDENTIALS]
    endpoints = world.discovery.answer
    if missing == "Secret":
        world.api.drop(CREDENTIALS)
    if missing == "endpoint":
        world.discovery.answer = Problem(Reason.DISCOVERY_FAILED, "no document")
    process = world.boot()
    await process.run()
    reason = (world.condition("Stalled") or world.condition("RefreshFailed"))["reason"]
    assert reason == {
        "Secret": "CredentialsNotFound", "server": "AuthorizationServerNotFound", "endpoint": "DiscoveryFailed"
    }[missing]  # fmt: skip
    world.api.put(CREDENTIALS, credentials)
    world.discovery.answer = endpoints
    world.client()
    await asyncio.sleep(5)
    await process.run()
    assert world.condition("Ready")["status"] == "True"


async def test_a_client_that_is_being_deleted_is_left_alone() -> None:
    """Its objects go with it."""
    world, process = await _served()
    body = world.api.objects[CLIENT]
    world.api.put(CLIENT, {**body, "metadata": {**body["metadata"], "deletionTimestamp": "2026-03-01T12:05:00Z"}})
    assert await process.look(REF) is None
    assert len(world.server.sent) == 1


async def test_a_status_that_cannot_be_written_costs_no_token() -> None:
    """Reporting is the last step, and the next pass says it again."""
    world = World()
    world.set_up()
    process = world.boot()
    tries = len(PAUSES) + 1
    away = Fault("PATCH", "/status", before=ApiError(500), times=tries)
    world.server.on_request = lambda: world.api.faults.append(away)
    await process.run()
    assert world.published["access_token"] == "CANARY-at-1"
    await process.run()
    assert (world.condition("Ready")["status"], len(world.server.sent)) == ("True", 1)


async def test_a_grant_secret_somebody_edited_is_not_sent() -> None:
    """Unreadable: status says so, nothing is sent or overwritten."""
    world, process = await _served()
    body = world.api.objects[GRANT_SECRET]
    broken = {**to_data(replace(world.grant)), "state": "{}"}
    world.api.put(GRANT_SECRET, {**body, "data": encode(broken)})
    await asyncio.sleep(1200)
    await process.run()
    assert world.condition("Stalled")["reason"] == "SecretNotOwned"
    assert world.condition("Ready")["status"] == "True"
    assert len(world.server.sent) == 1


async def test_a_server_applied_just_before_its_client_is_not_taken_for_the_built_in_one() -> None:
    """Its watch event comes behind the client's; nothing goes to a server that the client does not mean."""
    world = World()
    world.set_up()
    world.api.put(BUILT_IN_SERVER, {"metadata": {"name": "citrix-cloud"}, "spec": {"type": "OIDC", "issuer": OURS}})
    await world.boot().run()
    assert world.grant.binding.server_identity.endswith(OURS)


async def test_a_server_is_looked_for_once_for_each_spec() -> None:
    """Later its watch event tells; a refresh costs no request more."""
    world, process = await _served()
    assert world.api.requests.count(("GET", BUILT_IN_SERVER)) == 1
    world.ask()
    await process.run()
    assert world.api.requests.count(("GET", BUILT_IN_SERVER)) == 1
    world.client(refresh={"atPercent": 50})
    await process.run()
    assert world.api.requests.count(("GET", BUILT_IN_SERVER)) == 2


async def test_a_server_that_cannot_be_looked_for_sends_nothing() -> None:
    """The API server is asked again at the next pass."""
    world = World()
    world.set_up()
    world.api.faults.append(Fault("GET", BUILT_IN_SERVER, before=ApiError(500)))
    process = world.boot()
    with pytest.raises(ApiError):
        await process.run()
    assert world.server.sent == []
    await process.run()
    assert len(world.server.sent) == 1
