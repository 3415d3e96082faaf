"""A sign-in: its code is sent once, whatever happens, and what was stored before stays until it is good."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from citrix_oauth_operator.domain.answers import NotSent
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.errors import ApiError, Conflict, Unreachable
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import Expected
from citrix_oauth_operator.kube.grant_codec import to_data
from citrix_oauth_operator.kube.secret_codec import encode
from citrix_oauth_operator.redemption import Redemption
from citrix_oauth_operator.sign_ins import AT_ONCE, EACH_SECONDS
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import Crash, Fault, lost
from tests.unit.people import ENDPOINTS, KEY, claims, key_set, signed
from tests.unit.token_server import Play, error
from tests.unit.world import CLIENT, GRANT_SECRET, LOGIN_SECRET, REF, Process, World

SCOPES = ["openid", "offline_access"]


def world_with_keys(spill: Path | None = None) -> World:
    """Return a world whose server has an issuer and keys."""
    world = World(spill)
    world.discovery.answer = ENDPOINTS
    return world


async def waiting(spill: Path | None = None, **spec: object) -> tuple[World, Process]:
    """Return a client that nobody has signed in for, as the operator has seen it."""
    world = world_with_keys(spill)
    world.client(**{"scopes": SCOPES, **spec})
    world.credentials()
    process = world.boot()
    await process.run()
    assert world.condition("Stalled")["reason"] == "LoginRequired"
    return world, process


async def living(spill: Path | None = None, **spec: object) -> tuple[World, Process]:
    """Return a client with a grant that works."""
    world = world_with_keys(spill)
    world.set_up(scopes=SCOPES, **spec)
    process = world.boot()
    await process.run()
    assert world.condition("Ready")["status"] == "True"
    return world, process


async def test_the_first_token_comes_by_a_sign_in() -> None:
    """From nothing: redeemed, checked, committed, published, and the Secret is gone."""
    world, process = await waiting()
    secret = world.hand_over()
    await process.run()
    assert world.server.codes == ["CANARY-code-1"]
    assert (world.grant.seq, world.grant.subject, world.held_is_live) == (1, "ada", True)
    assert world.published["access_token"] == world.grant.token.access_token.reveal() if world.grant.token else False
    assert LOGIN_SECRET not in world.api.objects
    assert world.signed_in["reason"] == "SignedIn"
    assert world.signed_in["subject"] == "ada"
    assert world.signed_in["secretUID"] == secret["metadata"]["uid"]
    assert world.condition("Ready")["status"] == "True"
    assert world.status["lastHandledReconcileAt"] == "2026-03-01T12:00:01Z"
    assert not world.condition("Stalled")


@pytest.mark.parametrize("reason", ["GrantRejected", "RotationLost"])
async def test_a_dead_grant_is_replaced_without_being_sent_or_revoked(reason: str) -> None:
    """The old refresh token is dropped; the one who asks for a sign-in asks for no try with it."""
    world, process = await living()
    world.server.script += ["lost", "ok"] if reason == "RotationLost" else [error("invalid_grant")]
    for _ in range(4):
        if world.condition("Stalled"):
            break
        world.clock.jumped += timedelta(minutes=25)
        await process.run()
    assert world.condition("Stalled")["reason"] == reason
    sent = len(world.server.sent)
    world.hand_over()
    await process.run()
    assert len(world.server.sent) == sent
    assert (world.grant.seq, world.grant.subject, world.held_is_live) == (1, "ada", True)
    assert not world.condition("Stalled")


async def test_the_old_token_stays_published_until_the_new_grant_is_committed() -> None:
    """Pods never see a gap."""
    world, process = await living()
    old, seen = world.published["access_token"], []
    world.server.on_request = lambda: seen.append(world.published["access_token"])
    world.hand_over()
    await process.run()
    assert seen == [old]
    assert world.published["access_token"] not in {old, ""}


async def test_a_running_ladder_of_the_old_chain_rests_while_a_code_is_there() -> None:
    """The old refresh token was sent in doubt before; it is not sent again once somebody has signed in."""
    world, process = await living()
    world.clock.jumped += timedelta(minutes=25)
    world.server.script += ["lost"]
    await process.run()
    assert world.grant.pending is not None
    sent = len(world.server.sent)
    world.hand_over()
    await process.run()
    assert (len(world.server.sent), world.server.codes) == (sent, ["CANARY-code-1"])
    assert world.grant.pending is None


def says(world: World, **changed: object) -> None:
    """Let the id_token say something else."""
    world.server.id_token = lambda _: signed(claims(world.clock, **changed))


def forged(world: World) -> None:
    """Let somebody else sign it."""
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    world.server.id_token = lambda _: signed(claims(world.clock), key)


REFUSALS: dict[str, tuple[Callable[[World], object], str]] = {
    "the code is refused": (lambda w: w.server.script.append(error("invalid_grant")), "GrantRejected"),
    "the client's secret is wrong": (lambda w: w.server.script.append(error("invalid_client", 401)), "ClientRejected"),
    "the scope is refused": (lambda w: w.server.script.append(error("invalid_scope")), "ScopeRejected"),
    "the answer is lost": (lambda w: w.server.script.append("lost"), "OutcomeUnknown"),
    "the server fails": (lambda w: w.server.script.append(RawAnswer(502, {}, b"<html>")), "OutcomeUnknown"),
    "no refresh token comes": (lambda w: w.server.script.append("kept"), "NoRefreshToken"),
    "no id_token comes": (lambda w: setattr(w.server, "id_token", lambda _: None), "ResponseInvalid"),
    "the id_token is of another sign-in": (lambda w: says(w, nonce="another"), "ResponseInvalid"),
    "the id_token is of another issuer": (lambda w: says(w, iss="https://evil.example"), "ResponseInvalid"),
    "the id_token is for another client": (lambda w: says(w, aud="another"), "ResponseInvalid"),
    "the id_token is over": (lambda w: says(w, exp=1), "ResponseInvalid"),
    "the id_token is signed by somebody else": (forged, "ResponseInvalid"),
    "the wrong person signed in": (lambda w: says(w, sub="mallory"), "AccountProblem"),
}  # fmt: skip


@pytest.mark.parametrize(("arrange", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_a_sign_in_that_fails_leaves_the_old_grant_as_it_was(
    arrange: Callable[[World], object], reason: str
) -> None:
    """Said with a remedy; the code is never sent again, and the Secret is gone."""
    world, process = await living(login={"expectedSubject": "ada"})
    before, published, sent = world.grant, world.published, len(world.server.sent)
    arrange(world)
    world.hand_over()
    await process.run()
    await process.run()
    assert (world.grant, world.published, len(world.server.sent)) == (before, published, sent)
    assert world.server.codes == ["CANARY-code-1"]
    assert world.signed_in["reason"] == reason
    assert "subject" not in world.signed_in
    assert LOGIN_SECRET not in world.api.objects
    assert world.status["lastHandledReconcileAt"] == "2026-03-01T12:00:01Z"
    assert world.condition("Ready")["status"] == "True"
    assert [note["reason"] for note in world.api.of_kind("events")].count("SignInFailed") == 1


@pytest.mark.parametrize("code", ["unauthorized_client", "unsupported_grant_type"])
async def test_a_client_that_may_not_use_codes_goes_on_refreshing(code: str) -> None:
    """The server says it of this grant type (RFC 6749 section 5.2): nothing that is known of the client's secret."""
    world, process = await living()
    world.server.script.append(error(code))
    world.hand_over()
    await process.run()
    assert world.signed_in["reason"] == "ClientRejected"
    world.clock.jumped += timedelta(minutes=25)
    await process.run()
    assert (world.grant.seq, world.held_is_live) == (2, True)
    assert not world.condition("Stalled")


@pytest.mark.parametrize("play", ["lost", "crash after", "crash before", "dropped"])
async def test_a_code_of_unknown_outcome_is_never_sent_again_from_nothing(play: Play) -> None:
    """Also where the process died between the intent and the answer: sign in again, it says."""
    world, process = await waiting()
    world.server.script.append(play)
    world.hand_over()
    if play.startswith("crash"):
        with pytest.raises(Crash):
            await process.run()
        process = world.boot()
    await process.run()
    assert len(world.server.codes) <= 1
    assert world.signed_in["reason"] == "OutcomeUnknown"
    assert "Sign in again" in world.signed_in["message"]
    assert LOGIN_SECRET not in world.api.objects
    assert world.condition("Stalled")["reason"] == "LoginRequired"


async def test_a_code_that_is_offered_again_is_not_sent_again() -> None:
    """A double click, a restored backup: a server may revoke what the first one brought (RFC 6749 section 4.1.2)."""
    world, process = await living()
    world.hand_over()
    await process.run()
    assert world.signed_in["reason"] == "SignedIn"
    world.hand_over(when="2026-03-01T12:00:02Z")
    await process.run()
    assert (world.server.codes, world.held_is_live) == (["CANARY-code-1"], True)
    assert LOGIN_SECRET not in world.api.objects


@pytest.mark.parametrize("verb", ["PUT", "POST"])
@pytest.mark.parametrize("fault", ["conflict", "silent", "lost"])
async def test_an_answer_is_committed_however_long_the_api_server_takes(verb: str, fault: str) -> None:
    """Over the old chain, or where there is none."""
    world, process = await (living() if verb == "PUT" else waiting())
    raised = {"conflict": Conflict(409), "silent": Unreachable()}
    part = "secrets/grant." if verb == "PUT" else "ops/secrets"
    world.api.faults.append(lost(verb, part) if fault == "lost" else Fault(verb, part, before=raised[fault], times=3))
    world.hand_over()
    await process.run()
    assert (world.grant.subject, world.held_is_live, world.signed_in["reason"]) == ("ada", True, "SignedIn")


async def test_an_answer_in_the_spill_folder_is_checked_and_committed_by_the_next_process(tmp_path: Path) -> None:
    """Killed between the answer and its commit: nothing is lost, and nothing is sent meanwhile."""
    world, process = await living(tmp_path)
    world.api.faults.append(Fault("PUT", "secrets/grant.", before=Crash()))
    world.hand_over()
    with pytest.raises(Crash):
        await process.run()
    process = world.boot()
    world.clock.jumped += timedelta(minutes=20)  # the old chain is due
    sent = len(world.server.sent)
    await process.run()
    assert len(world.server.sent) == sent
    await process.recover()
    await process.run()
    assert (world.server.codes, files(tmp_path)) == (["CANARY-code-1"], [])
    assert (world.grant.subject, world.held_is_live, world.signed_in["reason"]) == ("ada", True, "SignedIn")


async def test_a_spilled_answer_that_proves_nothing_is_dropped_by_the_next_process(tmp_path: Path) -> None:
    """The check holds there, too."""
    world, process = await living(tmp_path)
    before = world.grant
    says(world, nonce="another")
    redemption = process.reconciler.sign_ins.redemption
    assert isinstance(redemption, Redemption)
    redemption.id_tokens = Dying()
    world.hand_over()
    with pytest.raises(Crash):
        await process.run()
    process = world.boot()
    await process.recover()
    await process.run()
    assert (world.grant, files(tmp_path)) == (before, [])
    assert world.signed_in["reason"] == "OutcomeUnknown"


def files(folder: Path) -> list[Path]:
    """Return what is spilled."""
    return list(folder.iterdir())


class Dying:
    """Kills the process when an answer is to be checked."""

    async def prepare(self, expected: Expected, reach: Reach) -> None:
        """Have all that is needed."""

    async def check(self, token: SecretText | None, expected: Expected, reach: Reach, at: datetime) -> str:
        """Die."""
        del token, expected, reach, at
        raise Crash


async def test_only_one_of_two_processes_sends_a_code() -> None:
    """The claim decides; the other one waits for the answer, and then says that it is unknown."""
    world, first = await waiting()
    second = world.boot("pod-2")
    world.hand_over()
    world.server.script.append("crash after")
    with pytest.raises(Crash):
        await first.run()
    outcome: Outcome = await second.run()
    assert "lastSignIn" not in world.status
    assert outcome.look_again is not None
    world.clock.jumped += timedelta(seconds=61)
    await second.run()
    assert world.server.codes == ["CANARY-code-1"]
    assert world.signed_in["reason"] == "OutcomeUnknown"


NOT_SENT = NotSent(Problem(Reason.SERVER_UNREACHABLE, "the server cannot be reached"))


async def test_a_code_that_was_not_sent_is_sent_later() -> None:
    """Its claim is taken back."""
    world, process = await waiting()
    world.server.script += ["not sent"]
    world.hand_over()
    await process.run()
    assert world.condition("RefreshFailed")["reason"] == "ServerUnreachable"
    assert LOGIN_SECRET in world.api.objects
    world.clock.jumped += timedelta(seconds=5)
    await process.run()
    assert (world.server.codes, world.signed_in["reason"]) == (["CANARY-code-1"], "SignedIn")


async def test_nothing_is_sent_before_the_keys_are_there() -> None:
    """A code is spent only for an answer that can be checked."""
    world, process = await waiting()
    world.keys.answer = NOT_SENT
    world.hand_over()
    await process.run()
    assert world.server.codes == []
    assert world.condition("RefreshFailed")["reason"] == "ServerUnreachable"
    world.keys.answer = key_set(KEY)
    world.clock.jumped += timedelta(seconds=5)
    await process.run()
    assert world.signed_in["reason"] == "SignedIn"


async def test_a_code_that_cannot_be_sent_while_it_lives_does_not_cost_the_living_grant() -> None:
    """Keys that never come: the old chain rests for as long as a code lives, and then goes on."""
    world, process = await living()
    world.keys.answer = NOT_SENT
    secret = world.hand_over()
    secret["metadata"]["creationTimestamp"] = rfc3339(world.clock.now())
    world.api.put(LOGIN_SECRET, secret)
    sent = len(world.server.sent)
    for _ in range(12):
        await process.run()
        world.clock.jumped += timedelta(minutes=2)
    assert LOGIN_SECRET not in world.api.objects
    assert world.signed_in["reason"] == "GrantRejected"
    assert "10 minutes (ServerUnreachable)" in world.signed_in["message"]
    assert (world.server.codes, len(world.server.sent)) == ([], sent + 1)
    assert world.condition("Ready")["status"] == "True"


async def test_a_login_secret_that_is_being_deleted_is_nobodys_sign_in() -> None:
    """Somebody's finalizer may keep it there: it neither rests the grant nor ends the same sign-in at each pass."""
    world, process = await living()
    secret = world.hand_over()
    secret["metadata"] |= {"deletionTimestamp": "2026-03-01T12:00:02Z", "finalizers": ["example.com/theirs"]}
    world.api.put(LOGIN_SECRET, secret)
    await process.run()
    assert (world.server.codes, world.signed_in) == ([], {})


async def test_a_claim_that_cannot_be_written_sends_nothing() -> None:
    """If the API server cannot be written, no code is spent."""
    world, process = await waiting()
    world.api.faults.append(Fault("POST", "configmaps", before=ApiError(500)))
    world.hand_over()
    await process.run()
    assert world.server.codes == []
    assert world.condition("RefreshFailed")["reason"] == "CommitFailed"


async def test_a_lost_answer_to_the_claim_is_settled_by_reading() -> None:
    """It is ours: the code is sent."""
    world, process = await waiting()
    world.api.faults.append(lost("POST", "configmaps"))
    world.hand_over()
    await process.run()
    assert (world.server.codes, world.signed_in["reason"]) == (["CANARY-code-1"], "SignedIn")


async def test_a_login_secret_that_is_not_well_formed_is_told_by_its_key() -> None:
    """And deleted, without a request."""
    world, process = await waiting()
    secret = world.hand_over()
    del secret["data"]["code_verifier"]
    world.api.put(LOGIN_SECRET, secret)
    await process.run()
    assert world.server.codes == []
    assert world.signed_in["reason"] == "CredentialsInvalid"
    assert "code_verifier" in world.signed_in["message"]
    assert "43 to 128" in world.signed_in["message"]
    assert LOGIN_SECRET not in world.api.objects


@pytest.mark.parametrize("alive", [True, False], ids=["beside a living grant", "from nothing"])
async def test_a_code_of_another_server_is_not_sent_to_the_one_that_the_client_has_now(alive: bool) -> None:
    """The reference, or the server's addresses, changed between the browser and the redemption."""
    world, process = await (living() if alive else waiting())
    world.discovery.answer = replace(ENDPOINTS, token="https://another.example/token")
    world.hand_over()
    await process.run()
    assert (world.server.codes, LOGIN_SECRET in world.api.objects) == ([], False)
    assert world.signed_in["reason"] == "EndpointChanged"
    assert "Sign in again" in world.signed_in["message"]


async def test_a_secret_of_that_name_that_is_nobodys_sign_in_is_left_alone() -> None:
    """It lacks our label, or is of a former client of this name."""
    world, process = await waiting()
    secret = world.hand_over()
    secret["metadata"]["labels"]["citrix-oauth.dev/client-uid"] = "uid-of-another"
    world.api.put(LOGIN_SECRET, secret)
    await process.run()
    assert LOGIN_SECRET in world.api.objects
    assert (world.server.codes, world.signed_in) == ([], {})


async def test_a_login_secret_that_cannot_be_deleted_is_used_once() -> None:
    """Tried three times; later passes find that its code was sent, and try again."""
    world, process = await waiting()
    world.api.faults.append(Fault("DELETE", "reports-login", before=ApiError(500), times=3))
    world.hand_over()
    await process.run()
    assert LOGIN_SECRET in world.api.objects
    assert world.signed_in["reason"] == "SignedIn"
    world.ask("2026-03-01T12:00:05Z")
    await process.run()
    assert world.server.codes == ["CANARY-code-1"]
    assert LOGIN_SECRET not in world.api.objects


async def test_another_sign_in_that_was_committed_meanwhile_is_kept() -> None:
    """Two people at once: the first commit stays, and the second is told."""
    world, process = await living()
    first = world.grant

    def overtaken() -> None:
        body = world.api.objects[GRANT_SECRET]
        world.api.put(GRANT_SECRET, {**body, "data": encode(to_data(replace(first, chain="theirs")))})

    world.server.on_request = overtaken
    world.hand_over()
    await process.run()
    assert world.grant.chain == "theirs"
    assert world.signed_in["reason"] == "OutcomeUnknown"


async def test_a_sign_in_cures_what_the_grant_was_bound_to() -> None:
    """Another client id: the old grant is not sent for it, the new one is issued for it."""
    world, process = await living()
    world.client(clientID="other==", scopes=SCOPES)
    await process.run()
    assert world.condition("Stalled")["reason"] == "InputsChanged"
    says(world, aud="other==")
    world.hand_over()
    await process.run()
    assert not world.condition("Stalled")
    assert world.grant.binding.client_id == "other=="


async def test_the_seed_before_a_sign_in_stays_used_even_when_its_claim_is_deleted() -> None:
    """It lies in the credentials Secret for ever: sent once more, it would end its family or look like a theft."""
    world, process = await living()
    world.hand_over()
    await process.run()
    for path in [path for path in world.api.objects if "/seed-" in path]:
        world.api.drop(path)
    signed_in, sent = world.grant, len(world.server.sent)
    world.clock.jumped += timedelta(minutes=25)
    await process.run()
    assert (world.grant.chain, world.grant.seq, len(world.server.sent)) == (signed_in.chain, 2, sent + 1)
    assert world.server.replays == 0


async def test_a_dead_sign_in_says_why_and_not_that_an_older_seed_was_used() -> None:
    """And a person's request allows one more try."""
    world, process = await living()
    world.hand_over()
    await process.run()
    world.server.script.append(error("invalid_grant"))
    for _ in range(2):
        world.clock.jumped += timedelta(minutes=25)
        await process.run()
    assert world.condition("Stalled")["reason"] == "GrantRejected"
    world.ask("2026-03-01T12:00:06Z")
    await process.run()
    assert (world.grant.seq, world.condition("Stalled")) == (2, {})


@pytest.mark.looptime
async def test_codes_of_anybodys_invention_are_sent_one_a_minute() -> None:
    """Each leaves a claim: after the fifth the next one waits, and the grant goes on when its turn comes."""
    world, process = await living()
    world.server.otherwise = error("invalid_grant")
    for number in range(AT_ONCE):
        world.hand_over(f"CANARY-junk-{number}", when=f"2026-03-01T12:00:{number:02}Z")
        await process.run()
        assert LOGIN_SECRET not in world.api.objects
    world.hand_over("CANARY-junk", when="2026-03-01T12:00:59Z")
    outcome = await process.run()
    assert len(world.server.codes) == AT_ONCE
    assert outcome.look_again is not None
    assert outcome.look_again - world.clock.now() <= timedelta(seconds=EACH_SECONDS)
    await asyncio.sleep(EACH_SECONDS)
    await process.run()
    assert len(world.server.codes) == AT_ONCE + 1
    world.server.otherwise = "ok"
    await asyncio.sleep(18 * 60)
    await process.run()
    assert (world.grant.seq, world.condition("Stalled")) == (2, {})


@pytest.mark.looptime
async def test_a_client_created_again_waits_for_the_code_of_its_predecessor() -> None:
    """They share one grant: the old refresh token is not sent beside the code, and the new client finds the grant."""
    world, process = await living()
    world.clock.jumped += timedelta(minutes=25)  # the old chain is due
    world.server.seconds = 5.0
    again, sent = replace(REF, uid="uid-again"), len(world.server.sent)
    world.hand_over()
    redemption = asyncio.create_task(process.look(REF))
    await asyncio.sleep(1)
    body = world.api.objects[CLIENT]
    world.api.drop(CLIENT)
    world.api.put(CLIENT, {"spec": body["spec"], "metadata": {**body["metadata"], "uid": again.uid}, "status": {}})
    for _ in range(2):  # the first look claims the client
        with pytest.raises(Conflict):
            await process.look(again)
    await asyncio.gather(redemption, return_exceptions=True)
    await process.look(again)
    assert (world.server.codes, len(world.server.sent)) == (["CANARY-code-1"], sent)
    assert (world.grant.subject, world.held_is_live) == ("ada", True)
    assert world.status["grant"]["chain"] == world.grant.chain


async def test_a_client_that_was_deleted_meanwhile_gets_nothing() -> None:
    """And the pass ends quietly."""
    world, process = await waiting()
    world.server.on_request = lambda: world.api.drop(CLIENT)
    world.api.faults.append(Fault("POST", "ops/secrets", before=Conflict(409)))
    world.hand_over()
    assert await process.look(REF) is None
