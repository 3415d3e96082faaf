"""Seeds: used once, whoever gives them again, and resumed where a process died in between."""

import asyncio
import contextlib
from typing import Any

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.domain.secrecy import SecretText
from tests.unit.fakes import Crash, Fault, lost
from tests.unit.world import CLIENT, GRANT_SECRET, OPS, TOKEN_SECRET, Process, World

pytestmark = pytest.mark.looptime


def _claims(world: World) -> list[dict[str, str]]:
    return [body["data"] for body in world.api.of_kind("configmaps")]


async def test_the_claim_is_marked_before_the_seed_is_sent() -> None:
    """Stored as a chain, claimed as adopted, and only then sent."""
    world = World()
    world.set_up()
    states = []
    world.server.on_request = lambda: states.append((_claims(world)[0]["state"], world.grant.seq))
    await world.boot().run()
    assert states == [("adopted", 0)]
    kinds = [path.split("/")[-2 if verb != "POST" else -1] for verb, path in world.api.writes("/ops/")]
    assert kinds[:2] == ["secrets", "configmaps"]


async def test_a_living_chain_is_not_given_up_for_a_seed_before_it_is_claimed() -> None:
    """Claimed first, then stored over the old chain, then marked as adopted, and only then sent."""
    world, process = await _re_seeded()
    before = len(world.api.writes("/ops/"))
    world.server.on_request = lambda: states.append((_claims(world)[-1]["state"], world.grant.seq))
    states: list[tuple[str, int]] = []
    await process.run()
    assert states == [("adopted", 0)]
    kinds = [path.split("/")[-2 if verb != "POST" else -1] for verb, path in world.api.writes("/ops/")[before:]]
    assert kinds[:3] == ["configmaps", "secrets", "configmaps"]


async def _re_seeded() -> tuple[World, Process]:
    """Return a client with a living chain whose credentials hold a fresh seed."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    world.credentials(refresh_token=world.server.sign_in())
    return world, process


async def test_a_seed_that_somebody_claimed_first_is_not_sent() -> None:
    """409 at the claim: look again, and say that the seed is used."""
    world = World()
    seed = SecretText(world.set_up())
    claim = f"/api/v1/namespaces/{OPS}/configmaps/seed-{seed.fingerprint(64)}"

    def claim_first() -> None:
        world.api.put(claim, {"metadata": {}, "data": {"state": "claimed", "uid": "uid-of-somebody-else"}})

    world.api.faults.append(Fault("POST", "configmaps", then=claim_first))
    process = world.boot()
    with pytest.raises(Conflict):
        await process.run()
    await process.run()
    assert (world.condition("Stalled")["reason"], world.server.sent) == ("SeedAlreadyUsed", [])


@pytest.mark.parametrize(
    ("verb", "part", "sent"),
    [
        pytest.param("POST", "secrets", 1, id="grant stored"),
        pytest.param("POST", "configmaps", 1, id="claimed as adopted"),
    ],
)
async def test_an_adoption_is_resumed_after_a_crash(verb: str, part: str, sent: int) -> None:
    """Wherever the process died before the request: its successor adopts the same seed, once, without a replay."""
    world = World()
    world.set_up()
    world.api.faults.append(Fault(verb, part, after=Crash()))
    with pytest.raises(Crash):
        await world.boot().run()
    successor = world.boot()
    await successor.run()
    assert (world.grant.seq, world.server.replays, len(world.server.sent)) == (1, 0, sent)


@pytest.mark.parametrize(
    ("verb", "part"),
    [
        pytest.param("POST", "configmaps", id="claimed"),
        pytest.param("PUT", "secrets/grant.", id="grant stored"),
        pytest.param("PATCH", "configmaps", id="claim adopted"),
    ],
)
async def test_a_re_seeding_is_resumed_after_a_crash(verb: str, part: str) -> None:
    """Wherever it stopped before the request: the new seed is sent once, nothing is replayed."""
    world, process = await _re_seeded()
    world.api.faults.append(Fault(verb, part, after=Crash()))
    with pytest.raises(Crash):
        await process.run()
    await world.boot().run()
    assert (world.grant.seq, world.server.replays, len(world.server.sent)) == (1, 0, 2)


@pytest.mark.parametrize("part", ["configmaps", "secrets"])
async def test_an_adoption_is_resumed_after_a_lost_answer(part: str) -> None:
    """The claim or the grant was written, and nobody was told."""
    world = World()
    world.set_up()
    world.api.faults.append(lost("POST", part))
    process = world.boot()
    await process.run()
    assert (world.condition("RefreshFailed")["reason"], world.server.sent) == ("CommitFailed", [])
    await asyncio.sleep(5)
    await process.run()
    assert (world.grant.seq, world.server.replays) == (1, 0)


async def test_a_seed_is_not_sent_when_its_claim_cannot_be_marked() -> None:
    """Without the mark a restored backup could send it again."""
    world = World()
    world.set_up()
    world.api.faults.append(Fault("POST", "configmaps", before=ApiError(500)))
    await world.boot().run()
    assert world.server.sent == []
    re_seeded, process = await _re_seeded()
    re_seeded.api.faults.append(Fault("PATCH", "configmaps", before=ApiError(500)))
    await process.run()
    assert len(re_seeded.server.sent) == 1


async def test_a_used_seed_is_ignored_while_its_chain_lives() -> None:
    """Git may apply it for ever."""
    world = World()
    seed = world.set_up()
    process = world.boot()
    await process.run()
    world.credentials(refresh_token=seed, other="CANARY")
    await process.run()
    assert (len(world.server.sent), world.condition("Stalled")) == (1, {})


async def test_a_used_seed_does_not_bring_a_lost_grant_back() -> None:
    """The grant Secret is gone, the claim is not."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    world.api.drop(GRANT_SECRET)
    await process.run()
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("SeedAlreadyUsed", 1)


async def test_a_new_seed_starts_a_new_chain_and_cures_a_dead_grant() -> None:
    """Nothing to restart; the published token stays until the new one comes."""
    world = World()
    world.set_up()
    process = world.boot()
    await process.run()
    chain = world.grant.chain
    world.server.revoke()
    await asyncio.sleep(18 * 60)
    await process.run()
    assert world.condition("Stalled")["reason"] == "GrantRejected"
    world.credentials(refresh_token=world.server.sign_in())
    published = []
    world.server.on_request = lambda: published.append(world.published["access_token"])
    await process.run()
    assert (world.grant.seq, world.grant.chain != chain, world.held_is_live) == (1, True, True)
    assert (published, world.condition("Stalled")) == (["CANARY-at-1"], {})


async def test_a_client_without_seed_and_grant_needs_a_sign_in() -> None:
    """Nothing is sent; the message names the Secret."""
    world = World()
    world.client()
    world.credentials()
    await world.boot().run()
    assert world.condition("Stalled")["reason"] == "LoginRequired"
    assert "reports-credentials" in world.condition("Stalled")["message"]


async def test_a_re_created_client_finds_its_grant() -> None:
    """Same namespace, same name, another UID: the grant goes on, the used seed is not looked at."""
    world = World()
    seed = world.set_up()
    await world.boot().run()
    for path in (CLIENT, TOKEN_SECRET):
        world.api.drop(path)
    world.client()
    world.credentials(refresh_token=seed)
    process = world.boot()
    with pytest.raises(Conflict):  # the seed's claim is met; the queue looks again at once
        await process.run()
    await process.run()
    assert (world.published["access_token"], len(world.server.sent)) == ("CANARY-at-1", 1)
    assert world.status["grant"] == {"namespace": OPS, "chain": world.grant.chain, "seq": 1}


async def test_a_lost_token_whose_claim_is_deleted_is_sent_again_in_doubt() -> None:
    """A person asks for one more try: that it was lost once is still what a refusal means."""
    world = World()
    world.set_up()
    process = world.boot()
    world.server.script += ["lost", "ok"]
    await process.run()
    await asyncio.sleep(2)
    await process.run()
    assert world.condition("Stalled")["reason"] == "RotationLost"
    for path in [path for path in world.api.objects if "/seed-" in path]:
        world.api.drop(path)
    world.ask()
    await process.run()
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("RotationLost", 3)


async def test_a_claim_deleted_during_a_doubt_changes_neither_chain_nor_ladder() -> None:
    """The claim is made again for the same chain; tries and doubt go on as they stand."""
    world = World()
    world.set_up()
    process = world.boot()
    world.server.script[:] = ["dropped"] * 3
    for seconds in (1, 3, 0):
        await process.run()
        await asyncio.sleep(seconds)
    before = world.grant
    assert before.pending is not None
    _delete_claims(world)
    await process.run()
    assert (world.grant, len(world.server.sent)) == (before, 3)
    await asyncio.sleep(9)
    world.server.script[:] = ["dropped"]
    await process.run()
    after = world.grant.pending
    assert after is not None
    assert (after.tries, after.doubt, after.first_sent) == (4, True, before.pending.first_sent)
    await asyncio.sleep(20)
    await process.run()
    assert (world.grant.chain, world.grant.seq, world.server.replays, world.held_is_live) == (before.chain, 1, 0, True)


async def test_a_claim_deleted_after_the_refusal_of_its_seed_sends_nothing() -> None:
    """The server's final word stands in the grant, too."""
    world = World()
    world.set_up()
    process = world.boot()
    world.server.revoke()
    await process.run()
    _delete_claims(world)
    await process.run()
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("GrantRejected", 1)


async def test_a_claim_deleted_while_another_process_sends_is_left_to_that_one() -> None:
    """Its request is on the wire: a second sender would cost the whole family."""
    world = World()
    world.set_up()
    world.server.seconds = 20.0
    first = asyncio.create_task(world.boot("pod-1").run())
    await asyncio.sleep(5)
    _delete_claims(world)
    other = world.boot("pod-2")
    await other.run()
    await first
    await other.run()
    assert (world.server.replays, len(world.server.sent), world.grant.seq) == (0, 1, 1)


async def test_two_that_begin_with_one_seed_at_once_lose_nothing() -> None:
    """One has stored the chain and is about to claim it when the other looks: the chain stays the first one's."""
    world = World()
    world.set_up()
    one, two = world.boot("pod-1"), world.boot("pod-2")
    real, stored = world.api._request, asyncio.Event()

    async def slow(verb: str, path: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - as the real one
        if verb == "POST" and path.endswith("configmaps") and not stored.is_set():
            stored.set()
            await asyncio.sleep(0.5)  # this one claim takes half a second
        return await real(verb, path, *rest, **more)

    world.api._request = slow  # type: ignore[method-assign] # a request that is held
    world.server.seconds = 5.0
    first = asyncio.create_task(one.run())
    await stored.wait()
    for _ in range(3):
        with contextlib.suppress(Conflict):
            await two.run()
        await asyncio.sleep(0.2)
    with contextlib.suppress(Conflict):
        await first
    await asyncio.sleep(100)
    await two.run()
    assert (world.server.replays, len(world.server.sent), world.grant.seq, world.held_is_live) == (0, 1, 1, True)


def _delete_claims(world: World) -> None:
    for path in [path for path in world.api.objects if "/configmaps/seed-" in path]:
        world.api.drop(path)
