"""Two credentials side by side: the next one is shown when the server refuses the first, and nothing is missed."""

import asyncio
from datetime import timedelta

import pytest

from tests.unit.token_server import LIFE, error
from tests.unit.world import CREDENTIALS, Process, World

pytestmark = pytest.mark.looptime
REFUSED = error("invalid_client")
MACHINE = {"grantType": "ClientCredentials"}


async def started(**spec: object) -> tuple[World, Process]:
    """Return a client with two secrets, and a server that refuses the first request."""
    world = World()
    world.set_up(**spec)
    seed = {} if spec else {"refresh_token": next(iter(world.server._live))}
    world.credentials(client_secret_next="CANARY-next", **seed)
    world.server.script += [REFUSED]
    return world, world.boot()


async def test_a_refused_secret_gives_way_to_the_next_one_at_once() -> None:
    """Two passes, two requests, nobody is told of a trouble that is none."""
    world, process = await started(**MACHINE)
    first = await process.run()
    assert first.look_again is not None
    assert first.look_again <= world.clock.now()
    assert not world.condition("Stalled")
    await process.run()
    assert len(world.server.sent) == 2
    assert world.condition("Ready")["status"] == "True"


async def test_a_refresh_token_survives_the_rollover() -> None:
    """A refused client has spent nothing: the same token is sent with the next secret."""
    world, process = await started()
    await process.run()
    await process.run()
    tokens = [token for _, token in world.server.sent]
    assert tokens == [tokens[0]] * 2
    assert world.server.replays == 0
    assert (world.grant.seq, world.held_is_live) == (1, True)
    assert world.condition("Ready")["status"] == "True"


async def test_when_both_are_refused_a_person_is_told_and_nothing_more_is_sent() -> None:
    """Each is sent once; a new process knows it, too."""
    world, process = await started(**MACHINE)
    world.server.script += [REFUSED]
    for _ in range(4):
        await process.run()
    assert len(world.server.sent) == 2
    assert world.condition("Stalled")["reason"] == "ClientRejected"
    again = world.boot()
    await again.refusals.load()
    await again.run()
    assert len(world.server.sent) == 2


async def test_the_next_one_goes_on_being_used_until_it_is_the_first() -> None:
    """The refused one is not tried again at each refresh, nor the one that took its place twice."""
    world, process = await started(**MACHINE)
    await process.run()
    await process.run()
    await asyncio.sleep(LIFE.total_seconds())
    await process.run()
    assert len(world.server.sent) == 3
    world.credentials(client_secret="CANARY-next")
    await asyncio.sleep(LIFE.total_seconds())
    await process.run()
    assert len(world.server.sent) == 4
    assert world.condition("Ready")["status"] == "True"


async def ending(days: float) -> World:
    """Return a client whose secret ends in so many days, after a pass."""
    world = World()
    world.set_up()
    end = world.clock.now() + timedelta(days=days)
    secret = world.api.objects[CREDENTIALS]
    annotated = {"annotations": {"citrix-oauth.dev/credentials-expire-at": end.isoformat()}}
    world.api.put(CREDENTIALS, {**secret, "metadata": {**secret["metadata"], **annotated}})
    await world.boot().run()
    return world


def told(world: World) -> list[str]:
    """Return the reasons of the Events."""
    return [body["reason"] for path, body in world.api.objects.items() if "/events/" in path]


async def test_an_end_that_is_near_is_told_once() -> None:
    """In status as long as it is near, in one Event."""
    world = await ending(13)
    await world.boot().run()
    assert told(world).count("CredentialsEnding") == 1
    assert "reports-credentials" in world.status["credentialsWarning"]
    assert world.condition("Ready")["status"] == "True"


async def test_an_end_that_is_far_is_only_a_time() -> None:
    """For the metric."""
    world = await ending(15)
    assert "credentialsExpirationTime" in world.status
    assert "credentialsWarning" not in world.status
    assert "CredentialsEnding" not in told(world)
