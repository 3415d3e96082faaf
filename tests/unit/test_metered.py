"""What is counted, in the whole pipeline: each number moves at the event it is named after, and at no other."""

import asyncio
import logging
from collections import Counter
from datetime import timedelta
from typing import NoReturn

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.logs import AUDIT
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import Fault, lost
from tests.unit.token_server import Play, error
from tests.unit.world import World

pytestmark = pytest.mark.looptime

DUE = 18 * 60


class Counted:
    """Metrics that a test can read."""

    def __init__(self) -> None:
        self.grants: Counter[tuple[str, str, str]] = Counter()
        self.writes: Counter[tuple[str, str]] = Counter()
        self.seconds: list[float] = []
        self.held: list[int] = []
        self.lateness: list[float] = []
        self.replays = 0

    def granted(self, server: str, grant: str, outcome: str) -> None:
        """Count a token request."""
        self.grants[server, grant, outcome] += 1

    def took(self, seconds: float) -> None:
        """Note a duration."""
        self.seconds.append(seconds)

    def wrote(self, kind: str, outcome: str) -> None:
        """Count a write."""
        self.writes[kind, outcome] += 1

    def holding(self, answers: int) -> None:
        """Note what is held."""
        self.held.append(answers)

    def replayed(self) -> None:
        """Count a replay."""
        self.replays += 1

    def began(self, lateness: float) -> None:
        """Note how late a refresh began."""
        self.lateness.append(lateness)


class Broken(Counted):
    """Metrics that fail whenever they are told something."""

    def granted(self, server: str, grant: str, outcome: str) -> NoReturn:
        """Fail."""
        raise RuntimeError(server, grant, outcome)

    def took(self, seconds: float) -> NoReturn:
        """Fail."""
        raise RuntimeError(seconds)

    def wrote(self, kind: str, outcome: str) -> NoReturn:
        """Fail."""
        raise RuntimeError(kind, outcome)

    def holding(self, answers: int) -> NoReturn:
        """Fail."""
        raise RuntimeError(answers)


def _world(*script: Play | RawAnswer, **spec: object) -> tuple[World, Counted]:
    world, counted = World(), Counted()
    world.metrics = world.api.metrics = counted
    world.set_up(**spec)
    world.server.script += script
    return world, counted


async def test_a_refresh_in_time() -> None:
    """One grant, two writes of the grant Secret, one of the token Secret, nothing held at the end."""
    world, counted = _world()
    world.server.seconds = 0.5
    process = world.boot()
    await process.run()
    assert counted.lateness == []
    await asyncio.sleep(DUE + 7)
    await process.run()
    assert counted.grants == {("citrix-cloud", "refresh_token", "granted"): 2}
    assert counted.seconds == [0.5, 0.5]
    assert counted.writes == {("grant", "written"): 4, ("token", "written"): 2}
    assert counted.held == [1, 0, 1, 0]
    assert counted.lateness == [pytest.approx(7, abs=1)]
    assert counted.replays == 0


@pytest.mark.parametrize(
    ("play", "outcome"),
    [
        pytest.param("lost", "uncertain", id="a lost answer"),
        pytest.param("not sent", "not_sent", id="nothing was sent"),
        pytest.param(error("invalid_grant"), "refused", id="a refusal"),
        pytest.param(RawAnswer(200, {}, b'{"access_token": "\\u0001", "refresh_token": "CANARY-rt-9"}'), "unusable",
                     id="a refresh token without a usable access token"),
    ],
)  # fmt: skip
async def test_each_answer_has_its_outcome(play: Play | RawAnswer, outcome: str) -> None:
    """Told apart by what it says about the refresh token; what was not sent took no time."""
    world, counted = _world(play)
    await world.boot().run()
    assert counted.grants == {("citrix-cloud", "refresh_token", outcome): 1}
    assert len(counted.seconds) == (outcome != "not_sent")
    assert counted.held[-1:] in ([], [0])


async def test_client_credentials_are_counted_as_such() -> None:
    """Under the name of the grant type on the wire."""
    world, counted = _world(grantType="ClientCredentials")
    await world.boot().run()
    assert counted.grants == {("citrix-cloud", "client_credentials", "granted"): 1}
    assert counted.writes == {("token", "written"): 1}


async def test_a_replay_counts_when_it_was_sent_in_doubt() -> None:
    """Not the first sending, not a repeat of what never left."""
    world, counted = _world("lost", "not sent", "ok")
    process = world.boot()
    for expected in (0, 0, 1):
        await process.run()
        assert counted.replays == expected
        await asyncio.sleep(5)


async def test_repeats_and_wishes_are_not_late() -> None:
    """Nothing was due: the first try of a token's successor was in time, its repeats come when the ladder says."""
    world, counted = _world()
    process = world.boot()
    await process.run()
    world.server.script.append("not sent")
    await asyncio.sleep(DUE)
    await process.run()
    assert counted.lateness == [pytest.approx(0, abs=1)]
    await asyncio.sleep(60)
    await process.run()
    await asyncio.sleep(120)
    world.ask()
    await process.run()
    assert len(counted.lateness) == 1
    assert world.grant.seq == 3


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(Fault("PUT", "team-a/secrets", before=ApiError(503)), "failed", id="an error"),
        pytest.param(lost("PUT", "team-a/secrets"), "unknown", id="a lost answer: it may be written"),
    ],
)
async def test_writes_that_fail_are_counted(fault: Fault, outcome: str) -> None:
    """By what is known of them."""
    world, counted = _world()
    process = world.boot()
    await process.run()
    await asyncio.sleep(DUE)
    world.api.faults.append(fault)
    await process.run()
    assert counted.writes["token", outcome] == 1


async def test_what_is_held_is_told_while_the_commit_waits() -> None:
    """An answer in hand that the API server does not take is the alert to have."""
    world, counted = _world()
    process = world.boot()
    await process.run()
    await asyncio.sleep(DUE)
    world.server.on_request = lambda: world.api.faults.append(
        Fault("PUT", "secrets/grant.", before=ApiError(500), times=3)
    )
    running = asyncio.create_task(process.run())
    await asyncio.sleep(0.3)
    assert counted.held[-1] == 1
    await running
    assert counted.held[-1] == 0


async def test_a_count_that_fails_costs_no_token() -> None:
    """Between an answer and its commit nothing else matters."""
    world = World()
    world.metrics = world.api.metrics = Broken()
    world.set_up()
    await world.boot().run()
    assert (world.grant.seq, world.held_is_live, world.grant.pending) == (1, True, None)
    assert world.published


def _events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().split()[1] for record in caplog.records if record.name == AUDIT]


async def test_the_audit_log_tells_a_lost_rotation_from_its_beginning(caplog: pytest.LogCaptureFixture) -> None:
    """The seed, the doubtful sending with its cause, and the end; each once."""
    world, _ = _world("ok", "lost")
    process = world.boot()
    await process.run()
    for seconds in (DUE, 5, 600):
        await asyncio.sleep(seconds)
        await process.run()
    assert _events(caplog) == ["SeedAdopted", "SentInDoubt", "RotationLost"]
    told = next(record for record in caplog.records if record.getMessage().startswith("audit SentInDoubt"))
    pending = {"client": "team-a/reports", "seq": 1, "tries": 2, "cause": "AnswerLost"}
    assert pending.items() <= told.__dict__["fields"].items()
    assert len(told.__dict__["fields"]["token"]) == 8
    assert told.levelno == logging.WARNING


async def test_the_audit_log_tells_a_take_over(caplog: pytest.LogCaptureFixture) -> None:
    """By whom the token was sent before, and that it is sent in doubt."""
    world, _ = _world("ok", "lost")
    first = world.boot()
    await first.run()
    await asyncio.sleep(DUE)
    await first.run()
    await world.boot().run()  # the same pod, another process
    assert _events(caplog) == ["SeedAdopted", "IntentTakenOver", "SentInDoubt", "RotationLost"]


async def test_the_audit_log_tells_a_refused_credential(caplog: pytest.LogCaptureFixture) -> None:
    """It is marked for all clients that share it."""
    world, _ = _world(error("invalid_client", 401))
    await world.boot().run()
    assert _events(caplog) == ["SeedAdopted", "CredentialMarked", "ClientRejected"]


async def test_a_healthy_life_leaves_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Refreshes are no security events."""
    world, _ = _world()
    process = world.boot()
    for _ in range(5):
        await process.run()
        await asyncio.sleep(timedelta(minutes=20).total_seconds())
    assert world.grant.seq == 5
    assert _events(caplog) == ["SeedAdopted"]
