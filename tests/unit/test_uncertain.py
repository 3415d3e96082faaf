"""Answers without tokens: what is repeated, when, and what a person is told in the end."""

import asyncio
import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.kube.grant_codec import to_data
from citrix_oauth_operator.kube.grant_store import RECORD_SECONDS
from citrix_oauth_operator.kube.secret_codec import encode
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import Crash, Fault, lost
from tests.unit.token_server import Play, error
from tests.unit.world import GRANT_SECRET, World

pytestmark = pytest.mark.looptime

DUE = 18 * 60
DROPPED: list[Play] = ["dropped"] * 200


async def _due(*script: Play | Unread) -> World:
    """Return a world whose grant is due, with a server that answers as scripted."""
    world = World()
    world.set_up()
    await world.boot().run()
    await asyncio.sleep(DUE)
    world.server.script += script
    world.server.sent.clear()
    return world


async def _keep_running(world: World, seconds: float) -> None:
    """Run passes of one process when each asks for the next, as the queue does."""
    process, end = world.boot(), world.clock.boottime() + seconds
    while world.clock.boottime() < end:
        outcome = await process.run()
        again = outcome.look_again or world.clock.now() + timedelta(days=1)
        await asyncio.sleep(max(0.001, min((again - world.clock.now()).total_seconds(), seconds)))


async def test_the_ladder_after_unknown_outcomes() -> None:
    """1, 3, 9, 20 s, then each 60 s up to ten times, then every 15 minutes; always the same refresh token."""
    world = await _due(*DROPPED[:18])
    await _keep_running(world, 3600)
    assert [round(gap) for gap in world.server.gaps[:16]] == [1, 3, 9, 20, *[60] * 10, 900, 900]
    assert len({token for _, token in world.server.sent}) == 1


async def test_the_ladder_is_exempt_from_the_interval_between_two_grants() -> None:
    """A dropped request is repeated after a second, and its success ends the trouble."""
    world = await _due("dropped")
    await _keep_running(world, 10)
    assert [round(gap) for gap in world.server.gaps] == [1]
    assert (world.grant.seq, world.server.replays, world.grant.pending) == (2, 0, None)
    assert not world.condition("RefreshFailed")


async def test_an_unknown_outcome_is_recorded_as_doubt() -> None:
    """Only a recorded doubt allows the same refresh token to be sent again."""
    world = await _due("lost")
    await world.boot().run()
    pending = world.grant.pending
    assert pending is not None
    assert (pending.doubt, pending.tries) == (True, 1)
    assert world.condition("RefreshFailed")["reason"] == "OutcomeUnknown"
    assert world.condition("Ready")["status"] == "True"


async def test_a_lost_rotation_is_told_as_such() -> None:
    """`invalid_grant` after a doubt: the answer that held the new refresh token was lost; never tried again."""
    world = await _due("lost")
    await _keep_running(world, 7200)
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("RotationLost", 2)
    assert (world.grant.pending, world.server.replays) == (None, 1)


async def test_a_refused_grant_is_not_tried_again() -> None:
    """`invalid_grant` without a doubt."""
    world = await _due()
    world.server.revoke()
    await _keep_running(world, 7200)
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("GrantRejected", 1)
    assert world.condition("Ready")["status"] == "False"


async def test_ready_stays_true_until_the_tokens_end() -> None:
    """A stalled client's token is used up."""
    world = await _due()
    world.server.revoke()
    process = world.boot()
    await process.run()
    assert world.condition("Ready")["status"] == "True"
    await asyncio.sleep(12 * 60)
    await process.run()
    assert world.condition("Ready")["reason"] == "GrantRejected"


async def test_a_grant_that_somebody_else_refreshed_meanwhile_is_not_rejected() -> None:
    """Re-read once: the refusal says nothing about the successor."""
    world = await _due(error("invalid_grant"))

    def commit_elsewhere() -> None:
        newer = encode(to_data(replace(world.grant, seq=2, pending=None)))
        world.api.put(GRANT_SECRET, {**world.api.objects[GRANT_SECRET], "data": newer})

    world.server.on_request = commit_elsewhere
    await world.boot().run()
    assert (world.grant.rejection, world.grant.seq) == (None, 2)
    assert not world.condition("Stalled")


async def test_what_was_not_sent_leaves_no_intent() -> None:
    """Free to repeat: no doubt, no take-over, and the next success is an ordinary one."""
    world = await _due("not sent")
    process = world.boot()
    await process.run()
    assert world.grant.pending is None
    assert world.condition("RefreshFailed")["reason"] == "ServerUnreachable"
    await asyncio.sleep(2)
    await process.run()
    assert (world.grant.seq, world.server.replays, len(world.server.sent)) == (2, 0, 1)


async def test_what_was_not_sent_does_not_clear_an_older_doubt() -> None:
    """The first sending's outcome is as unknown as before."""
    world = await _due("lost", "not sent")
    process = world.boot()
    await process.run()
    await asyncio.sleep(1)
    await process.run()
    pending = world.grant.pending
    assert pending is not None
    assert pending.doubt


@pytest.mark.parametrize(
    ("answer", "reason", "pending"),
    [
        pytest.param(error("invalid_client", 401), "ClientRejected", False, id="client refused: refresh token unspent"),
        pytest.param(error("invalid_scope"), "ScopeRejected", False, id="scope refused: refresh token unspent"),
        pytest.param(error("slow_down", 429), "ServerThrottled", False, id="throttled: refresh token unspent"),
        pytest.param(error("server_error", 500), "ServerError", True, id="500: outcome unknown"),
        pytest.param(error("invalid_target"), "ResponseInvalid", True, id="an unknown code: outcome unknown"),
        pytest.param(RawAnswer(502, {}, b"<html>"), "ServerError", True, id="a proxy's 502: outcome unknown"),
        pytest.param(RawAnswer(200, {}, b"<html>"), "ResponseInvalid", True, id="a page: outcome unknown"),
        pytest.param(RawAnswer(200, {}, b'{"access_tok'), "ResponseInvalid", True, id="cut off: outcome unknown"),
    ],
)
async def test_what_an_answer_leaves_of_the_refresh_token(answer: Unread, reason: str, pending: bool) -> None:
    """Definite answers clear the intent, the others keep it with a doubt; all are told by name."""
    world = await _due(answer)
    await world.boot().run()
    kept = world.grant.pending
    assert (kept is not None) is pending
    assert kept is None or kept.doubt
    conditions = world.condition("RefreshFailed") or world.condition("Stalled")
    assert conditions["reason"] == reason
    assert world.held_is_live


async def test_throttling_is_obeyed_for_all_clients_of_the_server() -> None:
    """`Retry-After`: nothing before, everything as usual after it."""
    world = await _due(error("slow_down", 429, retry_after="120"))
    await _keep_running(world, 600)
    assert [round(gap) for gap in world.server.gaps] == [120]
    assert world.grant.seq == 2


async def test_a_doubt_that_could_not_be_written_counts_as_doubt() -> None:
    """The intent is left as it was; what repeats it does so in doubt, and after the ladder's delay."""
    world = await _due("lost")
    unwritable = [Fault("PUT", "secrets/grant.", before=ApiError(500)) for _ in RECORD_SECONDS]
    world.server.on_request = lambda: world.api.faults.extend(unwritable)
    process = world.boot()
    await process.run()
    left = world.grant.pending
    assert left is not None
    assert not left.doubt
    world.server.on_request = lambda: intents.append(world.grant.pending)
    intents: list[object] = []
    await asyncio.sleep(2)
    await process.run()
    assert [getattr(intent, "doubt", None) for intent in intents] == [True]
    assert world.condition("Stalled")["reason"] == "RotationLost"


async def test_the_end_of_a_grant_is_written_however_long_that_takes() -> None:
    """The token is not sent again while nobody knows of its refusal: a strict server refuses once."""
    world = await _due(error("invalid_grant"))
    unwritable = [Fault("PUT", "secrets/grant.", before=ApiError(500)) for _ in range(10 * len(RECORD_SECONDS))]
    asked = len(world.server.sent)
    world.server.on_request = lambda: world.api.faults.extend(unwritable)
    await _keep_running(world, 600)
    assert len(world.server.sent) == asked + 1
    assert world.grant.rejection is not None
    assert world.condition("Stalled")["reason"] == "GrantRejected"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("PUT", "secrets/grant.", before=Conflict()), id="a conflict that is none"),
        pytest.param(lost("PUT", "secrets/grant."), id="a write that is applied and not answered"),
    ],
)
@pytest.mark.parametrize("play", [error("invalid_grant"), "lost"], ids=["a refusal", "an unknown outcome"])
async def test_what_a_request_came_to_is_written_although_a_write_of_it_failed(fault: Fault, play: Play) -> None:
    """Reading settles it: the attempt that is stored is still ours, so nobody else wrote."""
    world = await _due(play)
    world.server.on_request = lambda: world.api.faults.append(copy.copy(fault))
    await world.boot().run()
    pending = world.grant.pending
    assert (world.grant.rejection is not None, bool(pending and pending.doubt)) == (play != "lost", play == "lost")


async def test_an_unusable_access_token_costs_nothing_but_itself() -> None:
    """The refresh token that came along is kept, the old access token stays until its end."""
    world = await _due()
    world.server.extra = {"token_type": "MAC"}
    await world.boot().run()
    assert (world.grant.seq, world.held_is_live) == (2, True)
    assert world.published["access_token"] == "CANARY-at-1"
    assert world.condition("RefreshFailed")["reason"] == "ResponseInvalid"


async def test_a_server_that_keeps_the_refresh_token() -> None:
    """No new one in the answer: the old one stays (RFC 6749 section 6)."""
    world = await _due("kept")
    before = world.grant.refresh_token
    await world.boot().run()
    assert (world.grant.seq, world.grant.refresh_token == before, world.held_is_live) == (2, True, True)


async def test_expiry_counts_from_the_first_request_with_the_refresh_token() -> None:
    """A server with a grace period repeats an old answer with a fresh-looking `expires_in`."""
    world = await _due("dropped", "dropped")
    first = world.clock.now()
    await _keep_running(world, 10)
    token = world.grant.token
    assert token is not None
    assert token.issued_at - first < timedelta(seconds=0.5)


async def test_the_grants_end_ends_the_repeats() -> None:
    """After the refresh token's own life nothing is sent any more."""
    world = await _due(*DROPPED)
    await _keep_running(world, 25 * 3600)
    last = world.server.sent[-1][0]
    assert last - world.grant.received_at <= timedelta(hours=24)
    assert world.condition("Stalled")["reason"] == "RotationLost"


async def test_a_refusal_that_could_not_be_written_is_not_sent_again() -> None:
    """A definite no, while the API server is down for a moment, is a no all the same."""
    world = await _due()
    world.server.revoke()
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=ApiError(500)))
    await _keep_running(world, 1500)
    assert (world.condition("Stalled")["reason"], len(world.server.sent)) == ("GrantRejected", 1)


@pytest.mark.parametrize("successor", ["CANARY-rt\n", "CANARY" * 2000, 7], ids=["a line break", "12 KiB", "a number"])
async def test_a_successor_that_cannot_be_kept_leaves_a_recorded_doubt(successor: object) -> None:
    """The access token is published; the old refresh token is sent again in doubt, and its end is told as a loss."""
    world = await _due()
    process = world.boot()
    doubts: list[bool] = []
    world.server.extra = {"refresh_token": successor}
    await process.run()
    world.server.extra = {}
    assert (world.grant.seq, world.published["access_token"]) == (2, "CANARY-at-2")
    assert (world.grant.pending, world.grant.spent_at) == (None, world.server.sent[-1][0])
    world.server.on_replay = lambda: doubts.append(bool(world.grant.pending and world.grant.pending.doubt))
    await asyncio.sleep(1100)
    await world.boot().run()
    assert (doubts, world.condition("Stalled")["reason"]) == ([True], "RotationLost")
    assert "could not be kept" in world.condition("Stalled")["message"]


async def test_a_server_that_repeats_after_such_a_successor_ends_the_doubt() -> None:
    """A graceful one answers the same refresh token with one that can be kept."""
    world = await _due()
    process = world.boot()
    world.server.script.append(RawAnswer(200, {}, b'{"access_token": "CANARY-a", "refresh_token": 7}'))
    await process.run()
    await asyncio.sleep(1100)
    await process.run()
    assert (world.grant.seq, world.grant.spent_at, world.server.replays, world.held_is_live) == (3, None, 0, True)


@pytest.mark.parametrize("status", [200, 201, 203])
async def test_tokens_of_any_success_are_kept(status: int, tmp_path: Path) -> None:
    """A proxy's habit costs no grant: the answer is spilled, read and committed."""
    world = World(tmp_path)
    world.set_up()
    body = b'{"access_token": "CANARY-a", "refresh_token": "CANARY-next"}'
    world.server.script.append(RawAnswer(status, {}, body))
    process = world.boot()
    world.server.on_request = lambda: world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    with pytest.raises(Crash):
        await process.run()
    world.server.on_request = lambda: None
    successor = world.boot()
    await successor.recover()
    await successor.run()
    assert (world.grant.refresh_token.reveal(), world.published["access_token"]) == ("CANARY-next", "CANARY-a")


async def test_an_answer_in_an_encoding_nobody_asked_for_is_a_doubt() -> None:
    """It is never decompressed: whatever was in it, the same refresh token is sent again, in doubt."""
    world = await _due()
    process = world.boot()
    world.server.script.append(RawAnswer(200, {"content-encoding": "gzip"}, b"\x1f\x8b"))
    await process.run()
    assert (world.grant.seq, world.grant.pending and world.grant.pending.doubt) == (1, True)
    assert world.condition("RefreshFailed")["reason"] == "ResponseInvalid"


async def test_an_intent_that_is_known_to_have_sent_nothing_is_no_doubt() -> None:
    """The API server failed between intent and request: what is repeated was never sent."""
    world = World()
    world.set_up()
    process = world.boot()
    world.api.faults.append(Fault("POST", "configmaps", before=ApiError(500)))
    await process.run()
    assert (world.server.sent, world.grant.pending is not None) == ([], True)
    doubts: list[bool] = []
    world.server.on_request = lambda: doubts.append(bool(world.grant.pending and world.grant.pending.doubt))
    await asyncio.sleep(5)
    await process.run()
    assert (doubts, world.grant.seq) == ([False], 1)
