"""Sweeping: a grant outlives its client by a day, its claims by a month; a client that is back keeps both."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import Holder
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import CodeClaim
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.codes import Codes
from citrix_oauth_operator.kube.grant_store import GrantStore
from citrix_oauth_operator.kube.labels import GONE_SINCE
from citrix_oauth_operator.kube.sweeper import Sweeper
from tests.unit.fakes import Fault
from tests.unit.world import CLIENT, GRANT_SECRET, OPS, REF, TENANT, World

pytestmark = pytest.mark.looptime
HOUR = 3600


async def _served() -> tuple[World, Sweeper, JSON]:
    """Return a world whose client has a grant, and whose queue knows nobody any more."""
    world = World()
    world.set_up()
    await world.boot().run()
    sweeper = Sweeper(world.api, GrantStore(world.api, OPS), world.clock, OPS, frozenset, _nobody)
    return world, sweeper, world.api.objects[CLIENT]


async def _nobody() -> frozenset[str]:
    return frozenset()


def _claims(world: World) -> list[JSON]:
    return [body for path, body in world.api.objects.items() if "/configmaps/seed-" in path]


async def test_what_a_deleted_client_leaves_goes_in_time() -> None:
    """The grant after a day, the claim after thirty; both looks are live ones."""
    world, sweeper, _ = await _served()
    world.api.drop(CLIENT)
    await sweeper.once()
    await asyncio.sleep(23 * HOUR)
    await sweeper.once()
    assert (GRANT_SECRET in world.api.objects, len(_claims(world))) == (True, 1)
    await asyncio.sleep(HOUR)
    await sweeper.once()
    assert (GRANT_SECRET in world.api.objects, len(_claims(world))) == (False, 1)
    await asyncio.sleep(30 * 24 * HOUR)
    await sweeper.once()
    assert _claims(world) == []


async def test_a_client_that_came_back_under_another_uid_keeps_its_grant() -> None:
    """The mark is taken away; the day begins anew when it goes again."""
    world, sweeper, body = await _served()
    world.api.drop(CLIENT)
    await sweeper.once()
    assert GONE_SINCE in _claims(world)[0]["metadata"]["annotations"]
    await asyncio.sleep(25 * HOUR)
    world.api.put(CLIENT, {**body, "metadata": {**body["metadata"], "uid": "uid-again"}})
    await sweeper.once()
    assert (GRANT_SECRET in world.api.objects, GONE_SINCE in _claims(world)[0]["metadata"]["annotations"]) == (
        True,
        False,
    )
    outcome = await world.boot().run(replace(REF, uid="uid-again"))
    assert (outcome.problem, world.server.replays) == (None, 0)


async def test_a_client_in_a_namespace_created_anew_could_never_use_the_grant() -> None:
    """Another identity of the same name counts as gone."""
    world, sweeper, _ = await _served()
    world.api.put(f"/api/v1/namespaces/{TENANT}", {"metadata": {"name": TENANT, "uid": "uid-anew"}})
    await sweeper.once()
    await asyncio.sleep(24 * HOUR)
    await sweeper.once()
    assert GRANT_SECRET not in world.api.objects


async def test_who_is_in_the_queue_is_not_looked_at() -> None:
    """Ten thousand clients that are well cost one list."""
    world, sweeper, _ = await _served()
    sweeper.alive = lambda: frozenset({REF.uid})
    world.api.requests.clear()
    await sweeper.once()
    assert len(world.api.requests) == 1


async def test_an_api_server_that_fails_ends_no_sweeper() -> None:
    """The next round is an hour later."""
    world, sweeper, _ = await _served()
    world.api.drop(CLIENT)
    world.api.faults.append(Fault("GET", "configmaps", before=ApiError(500)))
    running = asyncio.create_task(sweeper.run())
    await asyncio.sleep(2.5 * HOUR)
    running.cancel()
    assert GONE_SINCE in _claims(world)[0]["metadata"]["annotations"]


async def test_one_look_never_deletes_whatever_the_client_left() -> None:
    """Somebody who wrote the claim in between is asked again in an hour."""
    world, sweeper, _ = await _served()
    world.api.drop(CLIENT)
    claim = next(path for path in world.api.objects if "/configmaps/seed-" in path)
    world.api.faults.append(
        Fault("GET", "citrixclients", then=lambda: world.api.put(claim, {**world.api.objects[claim]}))
    )
    await sweeper.once()
    assert GONE_SINCE not in world.api.objects[claim]["metadata"]["annotations"]


async def _sent(world: World, name: object, age: timedelta) -> None:
    """Let a code have been claimed some time ago."""
    codes, code, at = Codes(world.api, OPS), SecretText(f"CANARY-code-{name}"), world.clock.now() - age
    await codes.take(REF, code, CodeClaim(REF.uid, "c", "a", Holder("pod:1", "i"), at))
    body = world.api.objects[codes._path(code)]
    world.api.put(codes._path(code), {**body, "metadata": {**body["metadata"], "creationTimestamp": rfc3339(at)}})


async def test_of_many_claims_of_codes_only_the_young_ones_stay() -> None:
    """Whoever writes login Secrets with codes of their own invention leaves a heap for an hour, not for a day."""
    world, sweeper, _ = await _served()
    for minute in range(40):
        await _sent(world, minute, timedelta(minutes=30 + minute))
    await replace(sweeper, alive=lambda: frozenset({REF.uid})).once()
    assert len([claim for claim in world.api.of_kind("configmaps") if claim["metadata"]["name"][:5] == "code-"]) == 30
    await asyncio.sleep(2 * HOUR)
    await replace(sweeper, alive=lambda: frozenset({REF.uid})).once()
    assert len([claim for claim in world.api.of_kind("configmaps") if claim["metadata"]["name"][:5] == "code-"]) == 16


async def test_of_the_claims_of_codes_a_living_client_keeps_the_newest() -> None:
    """A person who signs in each day leaves no heap; the newest leads to the grant when the client goes."""
    world, sweeper, _ = await _served()
    codes = Codes(world.api, OPS)
    for day in (3, 2, 1, 0):
        await _sent(world, day, timedelta(days=day, minutes=1))
    alive = replace(sweeper, alive=lambda: frozenset({REF.uid}))
    await alive.once()
    left = [day for day in (3, 2, 1, 0) if codes._path(SecretText(f"CANARY-code-{day}")) in world.api.objects]
    assert (left, len(_claims(world))) == ([0], 1)
    await asyncio.sleep(48 * HOUR)
    await alive.once()
    assert codes._path(SecretText("CANARY-code-0")) in world.api.objects
