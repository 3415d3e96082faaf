"""Publishing: the token Secret is ours or left alone, follows its name, and is restored without a request."""

import asyncio
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.kube.labels import secret_path
from citrix_oauth_operator.kube.secret_codec import encode
from tests.unit.fakes import Fault
from tests.unit.world import TENANT, TOKEN_SECRET, Process, World

pytestmark = pytest.mark.looptime

RENAMED = secret_path(TENANT, "renamed")


async def _served() -> tuple[World, Process]:
    """Return a world whose client has its first token, five minutes ago."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    await asyncio.sleep(300)
    return world, process


async def test_a_secret_of_somebody_else_is_never_overwritten() -> None:
    """It is looked at again each minute; the grant goes on being refreshed meanwhile."""
    world = World()
    world.set_up()
    world.api.put(TOKEN_SECRET, {"metadata": {"name": "reports-token"}, "data": encode({"mine": "yes"})})
    process = world.boot()
    outcome = await process.run()
    assert (world.published, world.condition("Stalled")["reason"]) == ({"mine": "yes"}, "SecretNotOwned")
    assert outcome.look_again == world.clock.now() + timedelta(minutes=1)
    await asyncio.sleep(1080)
    await process.run()
    assert (world.grant.seq, world.published) == (2, {"mine": "yes"})
    world.api.drop(TOKEN_SECRET)
    await process.run()
    assert world.published["access_token"] == "CANARY-at-2"


async def test_an_edited_token_secret_is_restored() -> None:
    """Whoever edited it."""
    world, process = await _served()
    body = world.api.objects[TOKEN_SECRET]
    world.api.put(TOKEN_SECRET, {**body, "data": encode({**world.published, "access_token": "CANARY-edited"})})
    await process.run()
    assert (world.published["access_token"], len(world.server.sent)) == ("CANARY-at-1", 1)


async def test_a_renamed_secret_takes_the_token_along() -> None:
    """The new one first, then the old one goes."""
    world, process = await _served()
    world.client(secret={"name": "renamed"})
    await process.run()
    assert RENAMED in world.api.objects
    assert TOKEN_SECRET not in world.api.objects
    assert world.status["secretName"] == "renamed"


@pytest.mark.parametrize("fault", [pytest.param("DELETE", id="a failed delete"), pytest.param("token", id="no token")])
async def test_a_renamed_secret_is_deleted_in_the_end(fault: str) -> None:
    """A token must not stay behind in a Secret that nobody keeps any more."""
    world, process = await _served()
    world.client(secret={"name": "renamed"})
    if fault == "DELETE":
        world.api.faults.append(Fault("DELETE", "reports-token", before=ApiError(500)))
    else:
        await asyncio.sleep(1800)
        world.server.script.append("not sent")
    for _ in range(3):
        await process.run()
        await asyncio.sleep(60)
    assert TOKEN_SECRET not in world.api.objects
