"""Writes that are repeated while the API server is away, and what is told to people through them."""

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound, Unreachable
from citrix_oauth_operator.domain.transitions import Note
from citrix_oauth_operator.kube.events import Events
from citrix_oauth_operator.kube.servers import Servers
from citrix_oauth_operator.patience import PAUSES, patiently
from tests.unit.examples import REF
from tests.unit.fakes import FakeApi, FakeClock, Fault, LoopClock, lost
from tests.unit.world import REF as CLIENT_REF
from tests.unit.world import World

pytestmark = pytest.mark.looptime

SERVER = "/apis/citrix-oauth.dev/v1alpha1/authorizationservers/login"
SPEC = {"type": "OIDC", "issuer": "https://login.example"}


class Write:
    """A write that fails in these ways before it succeeds."""

    def __init__(self, *failures: ApiError) -> None:
        self._failures = list(failures)
        self.tries = 0

    async def __call__(self) -> str:
        """Try."""
        self.tries += 1
        if self._failures:
            raise self._failures.pop(0)
        return "written"


async def test_a_write_is_repeated_until_the_api_server_is_back() -> None:
    """Away, busy or broken: each time with a longer pause."""
    clock, write = LoopClock(), Write(Unreachable(), ApiError(429), ApiError(503))
    assert await patiently(write) == "written"
    assert write.tries == 4
    assert clock.boottime() == pytest.approx(sum(PAUSES[:3]))


@pytest.mark.parametrize("refusal", [ApiError(403), ApiError(422), Conflict(409), NotFound(404)], ids=str)
async def test_what_is_refused_is_not_repeated(refusal: ApiError) -> None:
    """It would be refused again."""
    write = Write(refusal)
    with pytest.raises(type(refusal)):
        await patiently(write)
    assert write.tries == 1


async def test_patience_ends() -> None:
    """A refresh may be due for the client."""
    write = Write(*[Unreachable() for _ in range(9)])
    with pytest.raises(Unreachable):
        await patiently(write)
    assert write.tries == len(PAUSES) + 1


async def test_a_status_that_did_not_arrive_is_written_again_in_the_same_pass() -> None:
    """The next one comes at the token's refresh: until then nobody would know that it is there."""
    world = World()
    world.set_up()
    process = world.boot()
    outcome = await process.reconciler.run(CLIENT_REF)
    assert outcome is not None
    world.api.faults.append(Fault("PATCH", "/status", before=Unreachable(), times=2))
    await process.reporter.report(outcome)
    assert world.condition("Ready")["status"] == "True"


async def test_an_event_whose_answer_is_lost_is_there_once() -> None:
    """Posted again under its name."""
    api = FakeApi("team-a")
    api.faults.append(lost("POST", "/events"))
    await Events(api, FakeClock()).post(REF, Note("Warning", "GrantRejected", "gone"))
    assert [event["reason"] for event in api.of_kind("events")] == ["GrantRejected"]


async def test_whether_a_server_is_accepted_is_said_again() -> None:
    """Nobody looks at it before somebody changes it."""
    api = FakeApi()
    body = api.put(SERVER, {"metadata": {"name": "login"}, "spec": SPEC})
    api.faults.append(Fault("PATCH", SERVER, before=ApiError(503)))
    await Servers(api, FakeClock()).report(body)
    assert api.objects[SERVER]["status"]["conditions"][0]["status"] == "True"
