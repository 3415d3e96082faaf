"""The write protocol against an API server that fails and a token endpoint that forgives nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Conflict, Unreachable
from citrix_oauth_operator.kube.grant_codec import to_data
from citrix_oauth_operator.kube.secret_codec import encode
from tests.unit.fakes import Fault, lost
from tests.unit.world import CLIENT, GRANT_SECRET, REF, TOKEN_SECRET, World

pytestmark = pytest.mark.looptime

DUE = 18 * 60
GRANT = "secrets/grant."


async def test_a_seed_becomes_a_published_token() -> None:
    """The ordinary way from nothing to a token Secret."""
    world = World()
    seed = world.set_up()
    outcome = await world.boot().run()
    assert (world.grant.seq, world.grant.pending, world.held_is_live) == (1, None, True)
    assert [token for _, token in world.server.sent] == [seed]
    assert world.published["access_token"] == "CANARY-at-1"
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert outcome.next_refresh == world.clock.now() + timedelta(seconds=DUE)


async def test_a_restart_with_a_valid_token_sends_and_writes_nothing() -> None:
    """What is stored is enough."""
    world = World()
    world.set_up()
    await world.boot().run()
    before = len(world.api.writes())
    await world.boot().run()
    assert (len(world.server.sent), len(world.api.writes())) == (1, before)


async def _due(world: World) -> None:
    world.set_up()
    await world.boot().run()
    await asyncio.sleep(DUE)


async def test_the_intent_is_stored_before_the_token_is_sent() -> None:
    """Step 5: hash, seq and holder of the intent, no token in it, no doubt yet."""
    world = World()
    await _due(world)
    intents = []
    world.server.on_request = lambda: intents.append(world.grant.pending)
    old = world.grant.refresh_token
    await world.boot().run()
    [intent] = intents
    assert intent is not None
    assert (intent.seq, intent.tries, intent.doubt) == (1, 1, False)
    assert intent.fingerprint == old.fingerprint()
    assert intent.deadline - intent.started == timedelta(seconds=45)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("PUT", GRANT, before=ApiError(500), times=1), id="the API server answers 500"),
        pytest.param(Fault("PUT", GRANT, before=ApiError(403), times=1), id="the operator may not write"),
        pytest.param(Fault("PUT", GRANT, before=Unreachable(), times=1), id="the API server does not answer"),
        pytest.param(lost("PUT", GRANT), id="the intent is written and its answer is lost"),
    ],
)
async def test_without_a_confirmed_intent_nothing_is_sent(fault: Fault) -> None:
    """If the API server cannot be written, no token is spent; the token Secret stays valid."""
    world = World()
    await _due(world)
    world.api.faults.append(fault)
    process = world.boot()
    await process.run()
    assert len(world.server.sent) == 1
    assert world.condition("RefreshFailed")["reason"] == "CommitFailed"
    assert world.condition("Ready")["status"] == "True"
    await asyncio.sleep(5)
    await process.run()
    assert (world.grant.seq, world.server.replays, world.held_is_live) == (2, 0, True)
    assert not world.condition("RefreshFailed")


async def test_a_conflict_at_the_intent_sends_nothing() -> None:
    """Somebody else wrote the grant: look again before anything is spent."""
    world = World()
    await _due(world)
    somebody = Fault("PUT", GRANT, then=lambda: world.api.put(GRANT_SECRET, world.api.objects[GRANT_SECRET]))
    world.api.faults.append(somebody)
    with pytest.raises(Conflict):
        await world.boot().run()
    assert len(world.server.sent) == 1


async def test_an_intent_that_took_long_to_write_is_written_again() -> None:
    """A machine that slept between intent and request renews the intent first."""
    world = World()
    await _due(world)

    def sleep() -> None:
        world.clock.suspended += 600

    world.api.faults.append(Fault("PUT", GRANT, then=sleep))
    at_request = []
    world.server.on_request = lambda: at_request.append((world.grant.pending, world.clock.now()))
    await world.boot().run()
    [(pending, now)] = at_request
    assert pending is not None
    assert now - pending.started < timedelta(seconds=5)


async def _committing(world: World, *faults: Fault) -> None:
    """Do one refresh whose commit, the second write of the grant, meets faults."""
    await _due(world)
    world.server.on_request = lambda: world.api.faults.extend(faults)
    await world.boot().run()


async def test_a_lost_answer_to_the_commit_is_settled_by_reading() -> None:
    """The write landed: it is not written a second time."""
    world = World()
    await _committing(world, lost("PUT", GRANT))
    assert (world.grant.seq, world.held_is_live, len(world.server.sent)) == (2, True, 2)
    assert len(world.api.writes(GRANT)) == len(["the seed's commit", "intent", "commit"])


async def test_a_conflict_at_the_commit_is_re_applied_to_the_same_chain_and_seq() -> None:
    """Somebody touched the Secret (a label, a take-over's intent): the received token still gets in."""
    world = World()
    touched = Fault("PUT", GRANT, then=lambda: world.api.put(GRANT_SECRET, world.api.objects[GRANT_SECRET]))
    await _committing(world, touched)
    assert (world.grant.seq, world.grant.pending, world.held_is_live) == (2, None, True)
    assert len(world.server.sent) == 2


@pytest.mark.parametrize(
    "error", [pytest.param(ApiError(500), id="500"), pytest.param(ApiError(403), id="403"), Unreachable(), OSError()]
)
async def test_a_token_is_held_while_the_api_server_is_down(error: Exception) -> None:
    """An hour of outage between answer and commit cost nothing: no new request, then one commit."""
    world = World()
    await _due(world)
    outage = Fault(before=error, times=10**9)
    world.server.on_request = lambda: world.api.faults.append(outage)
    task = asyncio.create_task(world.boot().run())
    await asyncio.sleep(3600)
    assert not task.done()
    world.api.faults.clear()
    await task
    assert (world.grant.seq, world.held_is_live, len(world.server.sent)) == (2, True, 2)


async def test_commits_during_an_outage_back_off() -> None:
    """Not more than one try in five seconds, for as long as it takes."""
    world = World()
    await _due(world)
    world.server.on_request = lambda: world.api.faults.append(Fault(before=Unreachable(), times=10**9))
    task = asyncio.create_task(world.boot().run())
    await asyncio.sleep(60)
    before = len(world.api.writes(GRANT))
    await asyncio.sleep(600)
    assert 100 <= len(world.api.writes(GRANT)) - before <= 120
    world.api.faults.clear()
    await task


async def test_a_grant_secret_deleted_in_flight_is_written_anew() -> None:
    """404 at the commit, and the client is still there: recreate."""
    world = World()
    await _committing(world, Fault("PUT", GRANT, then=lambda: world.api.drop(GRANT_SECRET)))
    assert (world.grant.seq, world.held_is_live) == (2, True)


async def test_a_client_deleted_in_flight_takes_its_grant_along() -> None:
    """404 at the commit, and the client is gone: nothing is left behind, nothing loops for ever."""
    world = World()

    def delete() -> None:
        world.api.drop(GRANT_SECRET)
        world.api.drop(CLIENT)

    await _due(world)
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", GRANT, then=delete))
    assert await world.boot().look(REF) is None
    assert GRANT_SECRET not in world.api.objects


async def test_a_client_re_created_in_flight_does_not_get_the_old_ones_token() -> None:
    """The UID tells a re-created client from its predecessor."""
    world = World()

    def recreate() -> None:
        world.api.drop(GRANT_SECRET)
        world.api.put(CLIENT, {**world.api.objects[CLIENT], "metadata": {"uid": "uid-other", "name": "reports"}})

    await _due(world)
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", GRANT, then=recreate))
    assert await world.boot().look(REF) is None
    assert GRANT_SECRET not in world.api.objects


async def test_a_new_chain_in_flight_wins_over_the_answer() -> None:
    """A sign-in that replaced the chain meanwhile is never overwritten with the old chain's token."""
    world = World()
    await _due(world)

    def sign_in() -> None:
        secret = world.api.objects[GRANT_SECRET]
        world.api.put(GRANT_SECRET, {**secret, "data": encode(to_data(replace(world.grant, chain="new", seq=0)))})

    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", GRANT, then=sign_in))
    await world.boot().run()
    assert (world.grant.chain, world.grant.seq) == ("new", 0)


async def test_a_failed_publish_never_costs_the_grant() -> None:
    """Publishing is repeated from the grant Secret, without another request."""
    world = World()
    await _due(world)
    process = world.boot()
    world.api.faults.append(Fault("PUT", "reports-token", before=ApiError(403)))
    outcome = await process.run()
    assert (world.grant.seq, outcome.publish_problem is not None) == (2, True)
    assert world.published["access_token"] == "CANARY-at-1"
    await asyncio.sleep(5)
    await process.run()
    assert (world.published["access_token"], len(world.server.sent)) == ("CANARY-at-2", 2)


async def test_a_deleted_token_secret_is_restored_without_a_request() -> None:
    """The grant Secret still has the token."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    world.api.drop(TOKEN_SECRET)
    await process.run()
    assert (world.published["access_token"], len(world.server.sent)) == ("CANARY-at-1", 1)
