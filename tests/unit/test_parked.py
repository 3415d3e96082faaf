"""Clients parked for a slow server and moved to another one are served."""

import asyncio

import pytest

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.sight import Sight
from citrix_oauth_operator.queue import PASSES_A_SERVER, Queue
from tests.unit.fakes import LoopClock

pytestmark = [pytest.mark.looptime, pytest.mark.long]


async def _never(_outcome: object) -> None:
    raise AssertionError("these passes come to nothing")


@pytest.mark.parametrize("change", ["server", "deleted"])
async def test_a_parked_client_moved_to_another_server_is_served(change: str) -> None:
    """Whoever was parked gets a place when one is free, wherever it belongs by then."""
    served: set[str] = set()

    async def work(ref: ClientRef) -> None:
        await asyncio.sleep(30)  # a dead server's deadline
        served.add(ref.name)

    queue = Queue(work, _never, LoopClock())
    running = asyncio.create_task(queue.run())
    refs = [ClientRef("ns", f"c{n}", f"uid-{n}") for n in range(3 * PASSES_A_SERVER)]
    for ref in refs:
        queue.see(ref, Sight((1, None), "dead", None, None))
    await asyncio.sleep(1)
    if change == "server":
        for ref in refs:
            queue.see(ref, Sight((2, None), "alive", None, None))
    await asyncio.sleep(100_000)
    running.cancel()
    missing = [ref.name for ref in refs if ref.name not in served]
    assert missing == []
