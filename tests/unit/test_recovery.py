"""Answers that outlive their process: committed by the next one, and nothing sent for their clients before."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from citrix_oauth_operator.domain.answers import Answer
from citrix_oauth_operator.domain.errors import ApiError, Unreachable
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.kube.grant_codec import to_data
from citrix_oauth_operator.kube.secret_codec import encode
from citrix_oauth_operator.spill import _name as spill_name
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import Crash, Fault
from tests.unit.world import CLIENT, GRANT_SECRET, REF, World

pytestmark = pytest.mark.looptime
DUE = 1100


def files(folder: Path) -> list[Path]:
    """Return what lies in the spill folder."""
    return list(folder.iterdir())


async def killed(folder: Path) -> World:
    """Let a process die in its second refresh, between the answer and the commit."""
    world = World(folder)
    world.set_up()
    process = world.boot()
    await process.run()
    await asyncio.sleep(DUE)
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await process.run()
    world.server.on_request = lambda: None
    assert len(files(folder)) == 1
    return world


def _modes(folder: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in folder.iterdir()]


async def test_a_spilled_answer_is_committed_by_the_same_pods_next_process(tmp_path: Path) -> None:
    """Killed between answer and commit: the file has the new refresh token, no request is needed."""
    world = World(tmp_path)
    world.set_up()
    await world.boot().run()
    await asyncio.sleep(DUE)
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await world.boot().run()
    assert _modes(tmp_path) == [0o600]
    successor = world.boot()
    await successor.recover()
    assert (world.grant.seq, world.grant.pending, world.held_is_live) == (2, None, True)
    assert _modes(tmp_path) == []
    await successor.run()
    assert (world.published["access_token"], len(world.server.sent)) == ("CANARY-at-2", 2)


async def test_a_wish_that_a_recovered_answer_fulfils_is_not_fulfilled_twice(tmp_path: Path) -> None:
    """Killed after a person had asked: the answer came for the wish, and status says so without another request."""
    world = World(tmp_path)
    world.set_up()
    await world.boot().run()
    await asyncio.sleep(300)
    world.ask()
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await world.boot().run()
    world.server.on_request = lambda: None
    successor = world.boot()
    await successor.recover()
    await successor.run()
    await asyncio.sleep(61)  # the interval between two requests of a grant
    await successor.run()
    assert (world.grant.seq, len(world.server.sent)) == (2, 2)
    assert world.status["lastHandledReconcileAt"] == "2026-03-01T12:30:00Z"
    world.ask("2026-03-01T12:40:00Z")
    await successor.run()
    assert len(world.server.sent) == 3


async def test_a_spilled_answer_of_a_process_that_may_live_is_left_to_it_for_a_minute(tmp_path: Path) -> None:
    """It is about to commit it; or it never will, and then somebody must."""
    world = World(tmp_path)
    world.set_up()
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await world.boot("pod-1").run()
    await world.boot("pod-2").recover(59)
    assert (world.grant.seq, len(_modes(tmp_path))) == (0, 1)
    await world.boot("pod-2").recover(70)
    assert (world.grant.seq, len(_modes(tmp_path)), world.held_is_live) == (1, 0, True)


async def test_a_spilled_answer_of_an_older_seq_is_dropped(tmp_path: Path) -> None:
    """Somebody committed a newer one: a grant never goes back."""
    world = World(tmp_path)
    world.set_up()
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await world.boot().run()
    newer = replace(world.grant, seq=5, pending=None, refresh_token=SecretText(world.server.sign_in()))
    world.api.put(GRANT_SECRET, {**world.api.objects[GRANT_SECRET], "data": encode(to_data(newer))})
    await world.boot().recover()
    assert (world.grant, _modes(tmp_path)) == (newer, [])


async def _killed_with_a_refusal(folder: Path) -> World:
    world = World(folder)
    world.set_up()
    await world.boot().run()
    await asyncio.sleep(DUE)
    world.server.revoke()
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await world.boot().run()
    return world


async def test_a_refusal_in_hand_outlives_its_process(tmp_path: Path) -> None:
    """A strict server is asked once: the next process stores what the killed one had read."""
    world = await _killed_with_a_refusal(tmp_path)
    asked, successor = len(world.server.sent), world.boot()
    waiting = await successor.run()
    assert (len(world.server.sent), waiting.look_again is None) == (asked, False)
    await successor.recover()
    await successor.run()
    assert (len(world.server.sent), files(tmp_path)) == (asked, [])
    assert world.condition("Stalled")["reason"] == "GrantRejected"


async def test_a_refusal_in_hand_is_dropped_when_the_grant_went_on(tmp_path: Path) -> None:
    """Its token was replaced meanwhile: the refusal says nothing about the successor."""
    world = await _killed_with_a_refusal(tmp_path)
    newer = replace(world.grant, pending=None, seq=world.grant.seq + 1)
    world.api.put(GRANT_SECRET, {**world.api.objects[GRANT_SECRET], "data": encode(to_data(newer))})
    await world.boot().recover()
    assert (world.grant, files(tmp_path)) == (newer, [])


@pytest.mark.parametrize("replacement", [pytest.param("", id="gone"), pytest.param("file", id="a file in its place")])
async def test_a_broken_spill_folder_costs_no_token(tmp_path: Path, replacement: str) -> None:
    """It is the second net; the first holds."""
    folder = tmp_path / "spill"
    world = World(folder)
    world.set_up()
    if replacement:
        _touch(folder)
    await world.boot().run()
    assert (world.grant.seq, world.held_is_live) == (1, True)


def _touch(path: Path) -> None:
    path.touch()


async def test_nothing_is_sent_while_an_answer_waits_to_be_committed(tmp_path: Path) -> None:
    """Ten minutes without an API server for its grant: this client alone waits, and goes on in the end."""
    world = await killed(tmp_path)
    world.api.faults[:] = [Fault("PUT", "secrets/grant.", before=Unreachable(), times=10**9)]
    process = world.boot()
    recovery = asyncio.create_task(process.recovery.run())
    for _ in range(60):
        outcome = await process.run()
        assert outcome.look_again is not None
        await asyncio.sleep(10)
    assert (len(world.server.sent), world.grant.seq) == (2, 1)
    world.api.faults.clear()
    await asyncio.sleep(10)
    await process.run()
    recovery.cancel()
    assert (world.server.replays, world.grant.seq, world.held_is_live) == (0, 2, True)
    assert not world.condition("Stalled")


async def test_one_answer_that_cannot_be_committed_delays_no_other(tmp_path: Path) -> None:
    """A Secret that an admission policy refuses is tried for ever, in its own task."""
    world = await killed(tmp_path)
    (stuck,) = files(tmp_path)
    state = json.loads(stuck.read_text())
    state["ref"]["name"] = "another"
    (tmp_path / "0000.another.answer").write_text(json.dumps(state))
    world.api.faults[:] = [Fault("GET", "grant.team-a.another", before=ApiError(403), times=10**9)]
    await world.boot().recover(5)
    assert (world.grant.seq, world.held_is_live) == (2, True)
    assert [path.name for path in files(tmp_path)] == ["0000.another.answer"]


@pytest.mark.parametrize("edit", ["deleted", "edited"])
async def test_an_answer_is_committed_whatever_became_of_the_grant_secret(tmp_path: Path, edit: str) -> None:
    """The file holds all that the grant Secret held."""
    world = await killed(tmp_path)
    if edit == "deleted":
        world.api.drop(GRANT_SECRET)
    else:
        world.api.put(GRANT_SECRET, {**world.api.objects[GRANT_SECRET], "data": {}})
    process = world.boot()
    await process.run()
    assert len(world.server.sent) == 2
    await process.recover()
    assert (world.grant.seq, world.held_is_live, files(tmp_path)) == (2, True, [])


async def test_an_answer_of_a_client_that_is_gone_is_dropped(tmp_path: Path) -> None:
    """Grant and client are gone: nothing is left behind."""
    world = await killed(tmp_path)
    world.api.drop(GRANT_SECRET)
    world.api.drop(CLIENT)
    await world.boot().recover()
    assert (GRANT_SECRET in world.api.objects, files(tmp_path)) == (False, [])


async def test_an_answer_survives_an_api_server_that_is_not_up_yet(tmp_path: Path) -> None:
    """The first read fails, and the next."""
    world = await killed(tmp_path)
    world.api.faults[:] = [Fault("GET", "secrets/grant.", before=Unreachable(), times=4)]
    await world.boot().recover(20)
    assert (world.grant.seq, world.held_is_live, files(tmp_path)) == (2, True, [])


async def test_an_answer_whose_file_was_not_named_yet_is_found(tmp_path: Path) -> None:
    """Killed between writing and renaming."""
    world = await killed(tmp_path)
    (answer,) = files(tmp_path)
    answer.rename(answer.with_suffix(".part"))
    await world.boot().recover()
    assert (world.grant.seq, files(tmp_path)) == (2, [])


async def test_a_half_written_file_does_not_stay_for_ever(tmp_path: Path) -> None:
    """Killed while writing: it is given one more look, for its writer may be at work."""
    world = await killed(tmp_path)
    (answer,) = files(tmp_path)
    half = answer.rename(answer.with_suffix(".part"))
    half.write_text(half.read_text()[:100])
    process = world.boot()
    await process.recover(4)
    assert half.exists()
    await process.recover(4)
    assert not half.exists()


async def test_a_file_of_nonsense_stops_nobody(tmp_path: Path) -> None:
    """A person may look at it; the others are committed."""
    world = await killed(tmp_path)
    (tmp_path / "0000.nonsense.answer").write_text('{"ref": 3}')
    process = world.boot()
    await process.recover()
    await process.run()
    assert (world.grant.seq, world.condition("Ready")["status"]) == (2, "True")


async def test_a_full_spill_folder_delays_nothing(tmp_path: Path) -> None:
    """No space left on the device: the token goes from memory to the API server, as ever."""
    world = World(tmp_path)
    world.set_up()
    process = world.boot()
    process.protocol._new_id = lambda: "same"
    world.server.on_request = lambda: _full(tmp_path, world)
    await process.run()
    assert (world.grant.seq, world.held_is_live, world.condition("Ready")["status"]) == (1, True, "True")
    assert files(tmp_path) == []


def _full(folder: Path, world: World) -> None:
    """Lead the file that is about to be written to the device that is always full."""
    name = _answer_name(world)
    (folder / name).with_suffix(".part").symlink_to("/dev/full")


def _answer_name(world: World) -> str:
    assert world.grant.pending is not None
    return spill_name(REF, world.grant.pending.attempt)


async def test_an_answer_without_tokens_leaves_nothing_behind(tmp_path: Path) -> None:
    """It was kept before anybody had read it."""
    world = World(tmp_path)
    world.set_up()
    world.server.script.append(RawAnswer(200, {}, b"<html>"))
    process = world.boot()
    await process.run()
    assert files(tmp_path) == []


async def test_a_process_that_dies_at_reading_an_answer_has_kept_it(tmp_path: Path) -> None:
    """The raw answer is spilled before anybody reads it: what reading does is not needed to keep the token."""
    world = World(tmp_path)
    world.set_up()
    process = world.boot()
    process.protocol.requests = Unreadable(world)
    with pytest.raises(Crash):
        await process.run()
    await world.boot().recover()
    assert (world.grant.seq, world.held_is_live, files(tmp_path)) == (1, True, [])


class Unreadable:
    """A token endpoint whose answers kill whoever reads them."""

    def __init__(self, world: World) -> None:
        self._server = world.server

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Send for real."""
        return await self._server.refresh(inputs, token)

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Send for real."""
        return await self._server.redeem(inputs, sign_in)

    def read(self, _inputs: Inputs, _unread: Unread, grant: str = "refresh_token") -> Answer:
        """Die."""
        del grant
        raise Crash


async def test_a_fault_of_ours_in_one_adoption_ends_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """The answer stays where it is, and is tried again."""
    world = await killed(tmp_path)
    world.api.faults.append(Fault("GET", "secrets/grant.", before=ZeroDivisionError()))
    recovery = asyncio.create_task(world.boot().recovery.run())
    await asyncio.sleep(1)
    assert len(files(tmp_path)) == 1
    await asyncio.sleep(10)
    assert not recovery.done()
    recovery.cancel()
    assert (world.grant.seq, files(tmp_path)) == (2, [])
