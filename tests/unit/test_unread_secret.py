"""A refresh that left the token Secret unread meets what became of it when it writes."""

import asyncio

import pytest

from tests.unit.world import TOKEN_SECRET, World

pytestmark = pytest.mark.looptime


async def test_a_deleted_token_secret_is_restored_by_the_refresh_that_did_not_read_it() -> None:
    """Deleted meanwhile: created anew."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    await asyncio.sleep(1100)
    world.api.drop(TOKEN_SECRET)
    await process.run()
    assert world.grant.seq == 2
    assert (world.condition("Ready")["status"], world.published.get("access_token")) == ("True", "CANARY-at-2"), (
        world.status
    )


async def test_one_that_became_somebody_elses_is_not_overwritten() -> None:
    """Taken by somebody else meanwhile: left alone."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    await asyncio.sleep(1100)
    world.api.drop(TOKEN_SECRET)
    world.api.put(TOKEN_SECRET, {"metadata": {}, "data": {"a": "Yg=="}})
    await process.run()
    assert world.api.objects[TOKEN_SECRET]["data"] == {"a": "Yg=="}
