"""A client deleted and created again while its request is on the wire shares the grant with its predecessor."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from tests.unit.world import CLIENT, REF, World

pytestmark = pytest.mark.looptime


async def test_a_client_created_again_waits_for_the_request_of_its_predecessor() -> None:
    """The same refresh token is not sent beside itself."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    await asyncio.sleep(1100)
    world.server.seconds = 10.0  # a slow server
    first = asyncio.create_task(process.look(REF))
    await asyncio.sleep(2)  # on the wire
    assert len(world.server.sent) == 2
    again = replace(REF, uid="uid-again")
    body = world.api.objects[CLIENT]
    world.api.drop(CLIENT)
    world.api.put(
        CLIENT,
        {
            "metadata": {"name": REF.name, "namespace": REF.namespace, "uid": again.uid},
            "spec": body["spec"],
            "status": {"observedGeneration": -1},
        },
    )
    for _ in range(6):
        with contextlib.suppress(ApiError):
            await process.look(again)
        await asyncio.sleep(1)
    with contextlib.suppress(ApiError):
        await first
    await asyncio.sleep(15)
    tokens = [token for _, token in world.server.sent]
    assert world.server.replays == 0, (tokens, world.grant.pending, world.grant.rejection)
    assert len(set(tokens)) == len(tokens)
