"""A process whose watcher ended is ended: it would look alive and see nothing."""

import asyncio

import pytest

from citrix_oauth_operator.healing import WATCHER_MISSES, WATCHER_SECONDS, Watchdog
from citrix_oauth_operator.kube.cluster import KINDS

LONG = WATCHER_SECONDS * WATCHER_MISSES * 3


def _watcher(kind: str) -> asyncio.Task[None]:
    return asyncio.create_task(asyncio.sleep(10 * LONG), name=f"watcher for {kind}.v1alpha1.citrix-oauth.dev@None")


@pytest.mark.looptime
async def test_nothing_happens_while_both_kinds_are_watched() -> None:
    """However long."""
    stop = asyncio.Event()
    tasks = [*map(_watcher, KINDS), asyncio.create_task(Watchdog(stop).run())]
    await asyncio.sleep(LONG)
    assert not stop.is_set()
    for task in tasks:
        task.cancel()


@pytest.mark.looptime
async def test_a_watcher_that_ended_ends_the_process() -> None:
    """After a while: kopf replaces a watcher in passing, too."""
    stop = asyncio.Event()
    watchers = {kind: _watcher(kind) for kind in KINDS}
    watching = asyncio.create_task(Watchdog(stop).run())
    await asyncio.sleep(LONG)
    watchers.pop("citrixclients").cancel()
    await asyncio.sleep(WATCHER_SECONDS * (WATCHER_MISSES - 1))
    assert not stop.is_set()
    await watching
    assert stop.is_set()
    for task in watchers.values():
        task.cancel()
