"""Marks of passwords: they stay while a client has the password, or may have it, and a month longer."""

import asyncio

import pytest

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.kube.grant_store import GrantStore
from citrix_oauth_operator.kube.labels import GONE_SINCE
from citrix_oauth_operator.kube.passwords_in_use import PasswordsInUse
from citrix_oauth_operator.kube.sweeper import Sweeper
from tests.unit.fakes import Fault
from tests.unit.storefront.cluster import SPEC, Cluster
from tests.unit.world import CLIENT, CREDENTIALS, OPS, REF, Process

pytestmark = pytest.mark.looptime
DAY = 24 * 3600


class Refused(Cluster):
    """A StoreFront that has refused the password of the one client, and the sweeper."""

    def __init__(self) -> None:
        super().__init__()
        self.sf.users["EXAMPLE\\svc"] = "CANARY-new"
        self.clients: list[tuple[ClientRef, str]] = [(REF, "storefront")]

    async def refuse(self) -> tuple[Process, Sweeper]:
        """Post the password once."""
        process = await self.up()
        await process.run()
        assert (len(self.sf.posts), len(self.marks)) == (1, 1)
        observer = process.reconciler.observer

        async def inputs(ref: ClientRef, body: dict[str, dict[str, str]]) -> object:
            return (await observer.inputs(ref, body["spec"]))[0]  # type: ignore[attr-defined] # the real observer

        in_use = PasswordsInUse(self.api, observer.servers, lambda: self.clients, inputs)  # type: ignore[attr-defined,arg-type]
        sweeper = Sweeper(
            self.api, GrantStore(self.api, OPS), self.clock, OPS, lambda: frozenset({REF.uid}), in_use.fingerprints
        )
        return process, sweeper

    @property
    def unused(self) -> bool:
        """Whether the mark is on its way out."""
        return GONE_SINCE in self.marks[0]["metadata"].get("annotations", {})


async def days(sweeper: Sweeper, count: int) -> None:
    """Let days pass, with a look each."""
    for _ in range(count):
        await asyncio.sleep(DAY)
        await sweeper.once()


async def test_a_mark_that_a_client_needs_is_never_swept() -> None:
    """However old it is; its client is stalled all the time, and suspended some of it."""
    world = Refused()
    process, sweeper = await world.refuse()
    await days(sweeper, 40)
    world.client(**{**SPEC, "suspend": True})
    await days(sweeper, 40)
    world.client(**SPEC)
    await process.run()
    assert (len(world.sf.posts), world.stalled, world.unused) == (1, "PasswordRefused", False)


@pytest.mark.parametrize("why", ["another password", "the client is deleted", "another grant type"])
async def test_a_mark_that_nobody_needs_goes_after_a_month(why: str) -> None:
    """Not earlier: an old Secret may be restored."""
    world = Refused()
    process, sweeper = await world.refuse()
    match why:
        case "another password":
            world.password("CANARY-new")
        case "the client is deleted":
            world.api.drop(CLIENT)
        case _:
            world.client(**{**SPEC, "grantType": "RefreshToken", "clientID": "x", "storefront": None})
    await days(sweeper, 30)
    assert world.unused
    await days(sweeper, 1)
    assert world.marks == []
    if why == "another password":
        await process.run()
        assert world.condition("Ready")["reason"] == "TokenValid"


async def test_a_client_that_cannot_be_read_may_have_any_password() -> None:
    """Its credentials are gone today, and back tomorrow: the month begins anew."""
    world = Refused()
    process, sweeper = await world.refuse()
    world.password("CANARY-new")
    await days(sweeper, 20)
    credentials = world.api.objects[CREDENTIALS]
    world.api.drop(CREDENTIALS)
    await days(sweeper, 40)
    assert not world.unused
    world.api.put(CREDENTIALS, credentials)
    await days(sweeper, 30)
    assert len(world.marks) == 1
    world.password("CANARY-pw")
    await process.run()
    assert (len(world.sf.posts), world.stalled) == (1, "PasswordRefused")


async def test_a_password_that_comes_back_in_time_is_not_posted() -> None:
    """Whoever meets the mark takes it out of the sweeper's hands, also in the middle of its look."""
    world = Refused()
    process, sweeper = await world.refuse()
    world.password("CANARY-new")
    await days(sweeper, 30)
    assert world.unused

    async def back() -> frozenset[str]:
        found = await seen()
        world.password("CANARY-pw")
        await process.run()
        return found or frozenset()

    seen, sweeper.passwords = sweeper.passwords, back
    await days(sweeper, 1)
    await process.run()
    assert (len(world.sf.posts), len(world.marks), world.stalled) == (1, 1, "PasswordRefused")
    assert not world.unused


async def test_an_api_server_that_fails_sweeps_nothing() -> None:
    """A client that is not answered for is not gone."""
    world = Refused()
    _, sweeper = await world.refuse()
    world.api.faults.append(Fault("GET", "citrixclients", before=TimeoutError(), times=99))
    with pytest.raises(TimeoutError):
        await sweeper.once()
    assert not world.unused


async def test_clients_of_other_systems_are_not_read() -> None:
    """Ten thousand of them cost nothing; without a mark, nobody does."""
    world = Refused()
    _, sweeper = await world.refuse()
    world.clients.append((ClientRef("team-b", "x", "uid-x"), "citrix-cloud"))
    world.api.requests.clear()
    await sweeper.once()
    assert not [path for _, path in world.api.requests if "/team-b/" in path]
    world.api.drop(next(path for path in world.api.objects if "/password-" in path))
    world.api.requests.clear()
    await sweeper.once()
    assert [verb for verb, _ in world.api.requests] == ["GET"]
