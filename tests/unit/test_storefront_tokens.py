"""CitrixAuth in the whole pipeline: tokens in Secrets, and a refused password that nobody ever posts again."""

import asyncio
import json

import pytest

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.kube.labels import REQUESTED_AT, client_path
from citrix_oauth_operator.kube.secret_codec import decode, encode
from tests.standins.storefront.service import BASIC, STORE
from tests.standins.web import Request
from tests.unit.fakes import Crash, Fault
from tests.unit.storefront.cluster import SPEC, Cluster
from tests.unit.storefront.wire import LOST, UNREACHABLE
from tests.unit.world import CREDENTIALS, GRANT_SECRET, REF, Process

pytestmark = pytest.mark.looptime


async def test_a_service_token_is_published_and_the_primary_is_kept() -> None:
    """The one where pods read it, with the ready header; the other where only the operator does."""
    world = Cluster()
    outcome = await (await world.up()).run()
    assert world.published["authorization"] == f"CitrixAuth {world.published['access_token']}"
    assert world.published["access_token"] in world.sf.services
    kept = decode(world.api.objects[GRANT_SECRET])
    assert kept["primary_token"].startswith("H4sI")
    assert kept["primary_token"] not in json.dumps(world.published)
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert world.status["expirationTime"] == "2026-03-01T13:00:00Z"
    assert outcome.next_refresh is not None
    assert world.marks == []


async def test_a_restart_with_a_valid_token_asks_for_nothing() -> None:
    """The token Secret says it all."""
    world = Cluster()
    await (await world.up()).run()
    world.sf.asked.clear()
    await (await world.up()).run()
    assert world.sf.asked == []


async def test_a_refresh_after_a_restart_posts_no_password() -> None:
    """The primary token is in the grant Secret."""
    world = Cluster()
    await (await world.up()).run()
    first = world.published["access_token"]
    await asyncio.sleep(40 * 60)
    await (await world.up()).run()
    assert world.published["access_token"] != first
    assert len(world.sf.posts) == 1


async def test_a_primary_that_is_over_takes_a_logon() -> None:
    """Twenty hours later."""
    world = Cluster()
    process = await world.up()
    await process.run()
    await asyncio.sleep(21 * 3600)
    await process.run()
    assert len(world.sf.posts) == 2
    assert world.condition("Ready")["status"] == "True"


async def test_a_bad_password_is_told_and_its_repair_is_taken() -> None:
    """Without a restart; the token lives on until its end."""
    world = Cluster()
    process = await world.up()
    await process.run()
    world.sf.users["EXAMPLE\\svc"] = "CANARY-new"
    world.sf.forget_primaries()
    await asyncio.sleep(40 * 60)
    await process.run()
    assert world.stalled == "PasswordRefused"
    assert world.condition("Ready")["status"] == "True"
    assert "is not sent again before it changes" in world.condition("Stalled")["message"]
    for _ in range(5):
        await asyncio.sleep(3600)
        await process.run()
    assert world.condition("Ready")["status"] == "False"
    assert len(world.sf.posts) == 2
    world.password("CANARY-new")
    await process.run()
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert world.stalled == ""
    assert len(world.sf.posts) == 3


@pytest.mark.parametrize("reason", ["badpassword", "badaccount"])
async def test_a_token_that_tells_of_its_account_marks_the_password(reason: str) -> None:
    """Nothing was posted, and nothing will be."""
    world = Cluster()
    process = await world.up()
    await process.run()
    world.sf.quirks.primary_reasons = [reason]
    await asyncio.sleep(40 * 60)
    await process.run()
    await asyncio.sleep(3600)
    await (await world.up()).run()
    assert world.stalled == {"badpassword": "PasswordRefused", "badaccount": "AccountProblem"}[reason]
    assert len(world.sf.posts) == 1
    assert len(world.marks) == 1


async def test_a_persons_wish_is_one_more_try_for_all_who_share_the_password() -> None:
    """Whoever asked for all of them at once locks no account; the same wish is not granted twice."""
    world = Cluster()
    world.sf.users["EXAMPLE\\svc"] = "CANARY-new"
    refs = world.more(20)
    process = await world.up()
    await _all(process, refs)
    assert len(world.sf.posts) == 1
    await asyncio.sleep(600)
    for ref in refs:
        body = world.api.objects[client_path(ref)]
        annotations = {"annotations": {REQUESTED_AT: "2026-03-01T12:09:00Z"}}
        world.api.put(client_path(ref), {**body, "metadata": {**body["metadata"], **annotations}})
    await _all(process, refs)
    await _all(await world.up(), refs)
    assert len(world.sf.posts) == 2
    world.sf.users["EXAMPLE\\svc"] = "CANARY-pw"  # the account was mended, the password was right
    await asyncio.sleep(60)
    world.ask("2026-03-01T12:10:30Z")
    await process.run()
    assert len(world.sf.posts) == 3
    assert world.condition("Ready")["reason"] == "TokenValid"


async def test_a_good_password_is_posted_by_one_client_after_the_other() -> None:
    """Each one comes to a primary token of its own."""
    world = Cluster()
    most = 0
    under_way = 0

    def begins(request: Request) -> NotSent | Uncertain | None:
        nonlocal most, under_way
        under_way += request.path == BASIC
        most = max(most, under_way)
        return None

    def ends(request: Request) -> NotSent | Uncertain | None:
        nonlocal under_way
        under_way -= request.path == BASIC
        return None

    world.wire.before, world.wire.after = begins, ends
    refs = world.more(20)
    process = await world.up()
    for _ in range(3):  # who saw another one's mark waits a moment
        await _all(process, refs)
        await asyncio.sleep(3)
    assert len(world.sf.posts) == 20
    assert most == 1
    assert world.marks == []


async def _all(process: Process, refs: list[ClientRef]) -> None:
    """Let all clients have a pass at once; what died of a crash is over."""
    died = await asyncio.gather(*(process.look(ref) for ref in refs), return_exceptions=True)
    assert all(one is None or not isinstance(one, BaseException) or isinstance(one, ApiError | Crash) for one in died)


class CrashLoop(Cluster):
    """Twenty clients with one wrong password, and a process that dies again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.sf.users["EXAMPLE\\svc"] = "CANARY-new"
        self.refs = self.more(20)

    async def live(self, rounds: int = 6) -> None:
        """Start, run until the crash, and start again; hours pass in between."""
        for _ in range(rounds):
            process = await self.up()
            await _all(process, self.refs)
            await asyncio.sleep(3 * 3600)


@pytest.mark.parametrize("moment", ["before the answer", "after the answer", "at the mark", "at the refusal's write"])
@pytest.mark.parametrize("protocol", ["HttpBasic", "ExplicitForms"])
async def test_a_crash_loop_of_twenty_clients_posts_a_refused_password_once(moment: str, protocol: str) -> None:
    """Wherever the process dies: in the request, after it, at the writes around it."""
    world = CrashLoop()
    world.more(20, {"storePath": STORE, "protocols": [protocol]})

    def die(request: Request) -> NotSent | Uncertain | None:
        if request.path == BASIC or b"password" in request.body:
            raise Crash
        return None

    match moment:
        case "before the answer":
            world.wire.after = die
        case "after the answer":
            world.wire.after = die
            world.api.faults.append(Fault("PUT", "configmaps/password-", before=Crash(), times=99))
        case "at the mark":
            world.api.faults.append(Fault("POST", "configmaps", after=Crash(), times=1))
        case _:
            world.api.faults.append(Fault("PUT", "configmaps/password-", before=Crash(), times=99))
    await world.live()
    assert len(world.sf.posts) <= 1
    assert len(world.marks) == 1
    world.wire.after = lambda _: None
    world.api.faults.clear()
    await world.live(2)
    assert len(world.sf.posts) <= 1, "the crashes are over, and the password is the same"
    for ref in world.refs:
        conditions = world.api.objects[client_path(ref)]["status"]["conditions"]
        assert [one["reason"] for one in conditions if one["type"] == "Stalled"] == ["PasswordRefused"]


@pytest.mark.parametrize("writes", [Fault("PUT", "configmaps/password-", before=ApiError(500), times=99)])
async def test_a_refusal_that_cannot_be_written_down_is_remembered_as_a_doubt(writes: Fault) -> None:
    """The mark from before the post is enough."""
    world = CrashLoop()
    world.api.faults.append(writes)
    await world.live()
    assert len(world.sf.posts) == 1


async def test_without_a_mark_nothing_is_posted() -> None:
    """An API server that takes no writes protects the account, too."""
    world = Cluster()
    world.api.faults.append(Fault("POST", "configmaps", before=ApiError(500), times=99))
    await (await world.up()).run()
    assert world.sf.posts == []
    assert world.condition("RefreshFailed")["reason"] == "CommitFailed"


async def test_a_lost_answer_is_not_followed_by_another_try() -> None:
    """The words say that it is not known, and how to go on."""
    world = Cluster()
    world.wire.after = lambda request: LOST if request.path == BASIC else None
    process = await world.up()
    await process.run()
    world.wire.after = lambda _: None
    await asyncio.sleep(24 * 3600)
    await process.run()
    assert len(world.sf.posts) == 1
    assert world.stalled == "PasswordRefused"
    assert "no answer was heard" in world.condition("Stalled")["message"]
    world.ask("2026-03-02T11:59:00Z")
    await process.run()
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert world.marks == []


async def test_a_server_that_cannot_be_reached_marks_nothing() -> None:
    """What was not sent was not refused."""
    world = Cluster()
    world.wire.before = lambda request: UNREACHABLE if request.path == BASIC else None
    process = await world.up()
    await process.run()
    assert world.condition("RefreshFailed")["reason"] == "ServerUnreachable"
    assert world.marks == []
    world.wire.before = lambda _: None
    await asyncio.sleep(600)
    await process.run()
    assert world.condition("Ready")["reason"] == "TokenValid"


async def test_a_mark_that_could_not_be_taken_away_holds_nobody_up() -> None:
    """The primary token that came afterwards says that the password was taken."""
    world = Cluster()
    world.api.faults.append(Fault("DELETE", "password-", before=ApiError(500), times=4))
    process = await world.up()
    await process.run()
    assert len(world.marks) == 1
    await asyncio.sleep(21 * 3600)
    await (await world.up()).run()
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert len(world.sf.posts) == 2
    assert world.marks == []


async def test_another_process_that_posts_the_password_is_waited_for() -> None:
    """Its mark is respected until its answer must have come; then it is a doubt."""
    world = Cluster()
    world.wire.after = lambda request: _die() if request.path == BASIC else None
    other = world.boot(pod="pod-2")
    await other.reconciler.observer.servers.load()  # type: ignore[attr-defined] # the real observer
    with pytest.raises(Crash):
        await other.run()
    world.wire.after = lambda _: None
    process = await world.up()
    await process.run()
    assert world.stalled == ""
    await asyncio.sleep(61)
    await process.run()
    assert world.stalled == "PasswordRefused"
    assert len(world.sf.posts) == 1


def _die() -> None:
    raise Crash


class Certified(Cluster):
    """A StoreFront that takes certificates, and a client that has one."""

    def __init__(self, *protocols: str) -> None:
        super().__init__()
        self.sf.quirks.offered = ("HttpBasic", "Certificate")
        self.client(**{**SPEC, "storefront": {"storePath": STORE, "protocols": list(protocols or ("Certificate",))}})
        self.certificate("svc.example.com")


async def test_a_certificate_brings_a_token_and_no_mark() -> None:
    """Nothing is posted; status says when it ends."""
    world = Certified()
    await (await world.up()).run()
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert world.status["credentialsExpirationTime"] == "2031-01-02T03:04:05Z"
    assert (world.sf.posts, world.marks) == ([], [])
    await asyncio.sleep(40 * 60)
    await (await world.up()).run()
    assert world.sf.shown == ["svc.example.com"]


async def test_a_renewed_certificate_is_shown_at_the_next_refresh() -> None:
    """It names the same account, so the published token stays good; one of somebody else takes its place at once."""
    world = Certified()
    process = await world.up()
    await process.run()
    first = world.published["access_token"]
    world.certificate("svc.example.com", 1)
    await process.run()
    assert world.published["access_token"] == first
    assert world.condition("Ready")["status"] == "True"
    await asyncio.sleep(40 * 60)
    await process.run()
    assert world.sf.shown == ["svc.example.com"] * 2
    world.sf.certified = {"other.example.com"}
    world.certificate("other.example.com")
    await asyncio.sleep(2)  # the server's minInterval
    await process.run()
    assert world.sf.shown[2:] == ["other.example.com"]


async def test_a_refused_certificate_is_shown_hourly_and_another_one_at_once() -> None:
    """However often the process dies, and for all clients that share it."""
    world = Certified()
    world.certificate("nobody.example.com")
    refs = world.more(20, {"storePath": STORE, "protocols": ["Certificate"]})
    process = await world.up()
    await process.run()
    assert world.stalled == "ClientRejected"
    assert "tls.crt" in world.condition("Stalled")["message"]
    assert len(world.sf.shown) == 1
    for _ in range(5):
        await asyncio.sleep(600)
        process = await world.up()
        await process.reconciler.observer.refusals.load()  # type: ignore[attr-defined] # the real observer
        await _all(process, refs)
        await process.run()
    assert len(world.sf.shown) == 1
    await asyncio.sleep(601)
    await process.run()
    assert len(world.sf.shown) == 2
    world.certificate("svc.example.com")
    await process.run()
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert world.sf.posts == []


async def test_an_account_of_a_certificate_is_tried_again_hourly() -> None:
    """Somebody unlocks it, and nobody needs to touch Kubernetes."""
    world = Certified()
    process = await world.up()
    await process.run()
    world.sf.quirks.primary_reasons = ["badaccount"]
    await asyncio.sleep(40 * 60)
    await process.run()
    assert world.stalled == "ClientRejected"
    assert "is invalid" in world.condition("Stalled")["message"]
    assert world.marks == []
    assert GRANT_SECRET not in world.api.objects
    await asyncio.sleep(3601)
    await process.run()
    assert world.condition("Ready")["reason"] == "TokenValid"


async def test_a_marked_password_is_in_no_certificates_way() -> None:
    """Both are named; what StoreFront offers decides, and the password stays marked."""
    world = Certified("Certificate", "HttpBasic")
    world.sf.quirks.offered = ("HttpBasic",)
    world.certificate("svc.example.com", username="EXAMPLE\\svc", password="CANARY-wrong")
    process = await world.up()
    await process.run()
    await process.run()
    assert world.stalled == "PasswordRefused"
    assert len(world.sf.posts) == 1
    world.sf.quirks.offered = ("HttpBasic", "Certificate")
    await process.run()
    assert world.condition("Ready")["reason"] == "TokenValid"
    assert (len(world.sf.posts), len(world.marks)) == (1, 1)


async def test_the_end_of_a_password_is_an_event() -> None:
    """As StoreFront announces it."""
    world = Cluster()
    world.sf.quirks.password_ends = "2026-03-10T00:00:00Z"
    await (await world.up()).run()
    told = [one for one in world.api.of_kind("events") if one["reason"] == "PasswordEnding"]
    assert [one["type"] for one in told] == ["Warning"]
    assert "Domain password ends at 2026-03-10T00:00:00Z" in told[0]["message"]


async def test_a_deleted_clients_primary_token_is_destroyed() -> None:
    """With deletionPolicy: Revoke; its grant Secret goes, too."""
    world = Cluster()
    process = await world.up()
    await process.run()
    primary = decode(world.api.objects[GRANT_SECRET])["primary_token"]
    found = await process.reconciler.observer.observe(REF)
    assert found is not None
    assert await process.reconciler.storefront.destroy(REF, found.ready_inputs) == ""
    assert world.sf.destroyed == [primary]
    assert GRANT_SECRET not in world.api.objects
    assert await process.reconciler.storefront.destroy(REF, found.ready_inputs) == "NoGrant"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"username": "u"}, "CredentialsInvalid"),
        ({"username": "u", "password": ""}, "CredentialsInvalid"),
        ({"username": "u", "password": "line\n"}, "CredentialsInvalid"),
        ({"username": "u" * 257, "password": "p"}, "CredentialsInvalid"),
    ],
)
async def test_unusable_credentials_are_named(keys: dict[str, str], reason: str) -> None:
    """Before anything is sent."""
    world = Cluster()
    world.hold(**keys)
    await (await world.up()).run()
    assert world.stalled == reason
    assert world.sf.asked == []


async def test_a_grant_type_and_a_server_that_do_not_go_together_are_named() -> None:
    """StoreFront speaks no OAuth, and OAuth servers no CitrixAuth."""
    world = Cluster()
    world.client(**{**SPEC, "authorizationServerRef": {"name": "citrix-cloud"}})
    await (await world.up()).run()
    assert world.stalled == "SpecInvalid"
    world.client(clientID="x")
    world.api.put(CREDENTIALS, {"metadata": {}, "data": encode({"client_secret": "s"})})
    world.client(clientID="x", grantType="RefreshToken", authorizationServerRef={"name": "storefront"})
    await (await world.up()).run()
    assert world.stalled == "SpecInvalid"


async def test_a_conflict_over_a_mark_posts_nothing() -> None:
    """Two processes that lead: one creates the mark, the other looks again."""
    world = Cluster()
    world.api.faults.append(Fault("POST", "configmaps", before=Conflict(409)))
    with pytest.raises(Conflict):
        await (await world.up()).run()
    assert world.sf.posts == []
