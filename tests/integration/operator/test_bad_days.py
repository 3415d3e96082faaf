"""Bad answers of a token endpoint: each has its reason and remedy, none loses a refresh token, none loops.

All clients of the module run at the same time; each test looks at its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, CASES, NEW, NEXT, SEED, Case
from tests.integration.operator.cluster import Object
from tests.integration.operator.eventually import never
from tests.integration.operator.reading import condition, life, moment
from tests.integration.operator.world import World
from tests.standins.token_endpoint import TokenEndpoint

ROUNDING = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One client and the endpoint that gives it a bad day."""

    name: str
    seed: str
    endpoint: TokenEndpoint

    @property
    def sent(self) -> list[str]:
        """The refresh tokens that were sent, in order."""
        return [request.form["refresh_token"] for request in self.endpoint.requests]

    def real(self, token: str) -> str:
        """Return the token that a case calls the seed."""
        return self.seed if token == SEED else token


@pytest.fixture(scope="module")
def days(world: World) -> dict[str, Day]:
    """One client for each case, all started together."""
    world.planted |= {ACCESS, NEW, NEXT}
    return {case.id: _begin(world, f"day-{number}", case) for number, case in enumerate(CASES)}


def _begin(world: World, name: str, case: Case) -> Day:
    # some of the tokens that are taken without a word are over in a minute: nobody here is to ask for the next one
    requests = {"minInterval": "1s" if case.reason else "1h"}
    server, endpoint = world.scripted(name, case.reply, default=case.then, requests=requests)
    return Day(name, world.seeded(name, server), endpoint)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_a_bad_answer(world: World, days: dict[str, Day], case: Case) -> None:
    """The answer is told with reason and remedy; the token that is still good is kept; what passes is survived."""
    day = days[case.id]
    if case.reason:
        kind = "Stalled" if case.stalls else "RefreshFailed"
        _check_failure(world.trouble(day.name, kind, case.reason), case)
    if case.recovers:
        assert abs(life(world.been_ready(day.name)) - case.life) <= ROUNDING
        assert world.token(day.name)["access_token"] == ACCESS
    grant = world.grant(day.name)
    assert grant["refresh_token"] == day.real(case.keeps)
    assert day.sent == [day.real(token) for token in case.resends]
    assert any((past["pending"] or {}).get("doubt") for past in world.past_grants(day.name)) is case.doubt


def _check_failure(client: Object, case: Case) -> None:
    error = client["status"]["lastError"]
    assert error.get("oauthError", "") == case.oauth_error
    assert error.get("transactionId", "") == case.transaction_id
    assert client["status"]["failedAttempts"] == 1
    if not case.stalls:
        due = moment(client, "nextRefreshTime")
        assert due - moment(client, "lastFailureTime") >= case.apart - ROUNDING
        if case.apart:
            assert due - moment(client, "lastFailureTime") <= 1.1 * timedelta(minutes=15) + ROUNDING, (
                "a tenth at most is jitter"
            )


def test_nobody_asks_again_once_all_is_settled(world: World, days: dict[str, Day]) -> None:
    """No client that is stalled or well sends anything more."""
    settled = [days[case.id] for case in CASES if case.recovers or case.stalls]
    for case in CASES:
        if case.recovers:
            world.been_ready(days[case.id].name)
        elif case.stalls:
            world.stalled(days[case.id].name, case.reason)
    before = [len(day.sent) for day in settled]
    never(lambda: [len(day.sent) for day in settled] != before, "a request that nobody needs", 3)


def test_a_redirect_is_not_followed(world: World, days: dict[str, Day]) -> None:
    """Its target is on the same endpoint, which would have noticed."""
    day = days["a redirect spends nothing and passes"]
    world.been_ready(day.name)
    assert {request.target for request in day.endpoint.requests} == {"/core/connect/token"}


def test_a_token_that_lives_stays_ready_while_refreshes_fail(world: World, days: dict[str, Day]) -> None:
    """A flaw beside a usable access token costs the pods nothing."""
    day = days["a line break in the refresh token: the old one is kept, the flaw is told"]
    told = world.trouble(day.name, "RefreshFailed", "ResponseInvalid")
    assert condition(told, "Ready")["status"] == "True"


def test_no_secret_and_no_word_of_a_server_shows_anywhere(world: World, days: dict[str, Day]) -> None:
    """Error descriptions and pages are the server's words: they may hold anything."""
    assert days
    told = world.operator.log + world.history.everything()
    assert "words-of-the-server" not in told
    canary.check(world)
