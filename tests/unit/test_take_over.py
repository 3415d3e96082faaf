"""Somebody else's intent: when it may be taken over, by whose clock, and what the successor does with an answer."""

import asyncio
from datetime import timedelta

import pytest

from tests.unit.fakes import Crash
from tests.unit.world import REF, World

pytestmark = pytest.mark.looptime

DUE, LIFE = 18 * 60, 30 * 60


async def _crashed(world: World, *, when: str) -> None:
    """Let a process of pod-1 die in its second refresh."""
    world.set_up()
    await world.boot().run()
    await asyncio.sleep(DUE)
    world.server.script.append("crash before" if when == "before" else "crash after")
    with pytest.raises(Crash):
        await world.boot().run()


async def test_the_same_pods_next_process_takes_over_at_once() -> None:
    """Its predecessor is proven dead; the request that was never sent is repeated in doubt."""
    world = World()
    await _crashed(world, when="before")
    intents = []
    world.server.on_request = lambda: intents.append(world.grant.pending)
    await world.boot("pod-1").run()
    assert [intent.doubt and intent.tries == 2 for intent in intents if intent] == [True]
    assert (world.grant.seq, world.server.replays) == (2, 0)


async def test_a_request_that_was_sent_by_a_dead_process_is_a_lost_rotation() -> None:
    """A strict server knows the token as spent: one replay, recorded as doubt before."""
    world = World()
    doubts = []
    world.server.on_replay = lambda: doubts.append(world.grant.pending)
    await _crashed(world, when="after")
    await world.boot("pod-1").run()
    assert [intent.doubt for intent in doubts if intent] == [True]
    assert world.condition("Stalled")["reason"] == "RotationLost"


async def _first_request_of(world: World, pod: str, until: float) -> float | None:
    """Return the seconds after which another pod sent something."""
    process, start = world.boot(pod), world.clock.boottime()
    sent = len(world.server.sent)
    while world.clock.boottime() < start + until:
        await process.run()
        if len(world.server.sent) > sent:
            return world.clock.boottime() - start
        await asyncio.sleep(1)
    return None


async def test_another_pod_waits_until_the_published_token_is_about_to_end() -> None:
    """Its holder may come back with the answer; three minutes of the token's life are left."""
    world = World()
    await _crashed(world, when="before")
    waited = await _first_request_of(world, "pod-2", 3600)
    assert waited == pytest.approx(LIFE - 180 - DUE, abs=2)


async def test_another_pod_waits_its_own_minute_when_no_token_is_published() -> None:
    """45 s of the intent and 15 s of margin, since it first saw this attempt."""
    world = World()
    world.set_up()
    world.server.script.append("crash before")
    with pytest.raises(Crash):
        await world.boot("pod-1").run()
    await asyncio.sleep(600)  # the intent's deadline is long over by its own times
    waited = await _first_request_of(world, "pod-2", 3600)
    assert waited == pytest.approx(60, abs=2)


async def test_a_wall_clock_that_jumps_shortens_no_patience() -> None:
    """A day ahead by mistake: the patience is counted on a clock that never jumps."""
    world = World()
    world.set_up()
    world.server.script.append("crash before")
    with pytest.raises(Crash):
        await world.boot("pod-1").run()
    process = world.boot("pod-2")
    await process.run()
    world.clock.jumped += timedelta(hours=6)
    await process.run()
    assert world.server.sent == []
    await asyncio.sleep(61)
    await process.run()
    assert len(world.server.sent) == 1


async def test_a_renewed_attempt_starts_the_patience_anew() -> None:
    """A holder that goes on trying is alive."""
    world = World()
    world.set_up()
    holder, other = world.boot("pod-1"), world.boot("pod-2")
    world.server.script += ["dropped"] * 100
    await holder.run()
    for _ in range(20):
        await asyncio.sleep(30)
        await holder.run()
        mine = len(world.server.sent)
        await other.run()
        assert len(world.server.sent) == mine


async def test_two_pods_that_take_over_at_once_send_once() -> None:
    """The compare-and-swap of the intent decides; the loser sends nothing."""
    world = World()
    world.set_up()
    world.server.script.append("crash before")
    with pytest.raises(Crash):
        await world.boot("pod-1").run()
    pods = [world.boot(f"pod-{n}") for n in (2, 3, 4)]
    await asyncio.gather(*(pod.run() for pod in pods))
    await asyncio.sleep(61)
    results = await asyncio.gather(*(pod.look(REF) for pod in pods), return_exceptions=True)
    assert len(world.server.sent) == 1
    assert [type(result).__name__ for result in results].count("Conflict") == 2


async def test_two_operators_at_once_never_replay() -> None:
    """Standby or split brain: every pass of one races a pass of the other, and no token is sent twice."""
    world = World()
    world.set_up()
    first, second = world.boot("pod-1"), world.boot("pod-2")
    world.server.seconds = 0.5
    for _ in range(30):
        await asyncio.gather(first.look(REF), second.look(REF), return_exceptions=True)
        await asyncio.sleep(300)
    assert (world.server.replays, world.held_is_live) == (0, True)
    assert world.grant.seq >= 5
