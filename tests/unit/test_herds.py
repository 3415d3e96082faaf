"""No herd reaches an authorization server, and no grant is hammered: counted at the server, on a virtual clock.

The budget is the default one: 8 in flight, 20 a second, bursts of 100 after a quiet time, a minute between two requests
of one grant.
"""

import asyncio

import pytest

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fleet import HOUR, MINUTE, SECOND, Fleet, most_within
from tests.unit.token_server import LIFE, error

pytestmark = [pytest.mark.looptime, pytest.mark.long]

SIZE = 1000  # clients
RATE, BURST = 20, 100


async def _served(fleet: Fleet) -> None:
    """Wait until every client has its first token."""
    fleet.start()
    while fleet.server.issued < len(fleet.refs):  # noqa: ASYNC110 - the server is the one who knows
        await asyncio.sleep(1)


async def test_a_thousand_new_clients_come_one_by_one_and_never_meet_again() -> None:
    """A start has no burst saved up; the jitter of each token keeps what was spread apart."""
    fleet = Fleet(SIZE, "a", "b")
    await _served(fleet)
    await asyncio.sleep(1.3 * LIFE.total_seconds())
    assert len(fleet.asked) >= 3 * SIZE
    assert most_within(SECOND, fleet.asked) <= RATE
    later = [at for at in fleet.asked if at - fleet.asked[0] > LIFE]
    assert most_within(SECOND, later) < RATE, "they would come at the full rate again"
    await fleet.kill()


async def test_a_restart_with_everybody_overdue_is_no_herd() -> None:
    """The second process pays for nothing that the first one saved."""
    fleet = Fleet(SIZE, "a", "b")
    await _served(fleet)
    await fleet.kill()
    await asyncio.sleep(3600)
    before = len(fleet.asked)
    fleet.start()
    await asyncio.sleep(1.5 * SIZE / RATE)
    after = fleet.asked[before:]
    assert len(after) >= SIZE
    assert most_within(SECOND, after) <= RATE
    await fleet.kill()


async def test_a_restart_with_valid_tokens_asks_nothing() -> None:
    """Ten in a row."""
    fleet = Fleet(200, "a", "b")
    await _served(fleet)
    await asyncio.sleep(30)
    before = len(fleet.asked)
    for _ in range(10):
        await fleet.kill()
        fleet.start()
        await asyncio.sleep(10)
    assert len(fleet.asked) == before
    await fleet.kill()


async def test_a_thousand_clients_due_in_one_second_are_a_burst_and_then_the_rate() -> None:
    """After a quiet time the admin's burst is used, never more."""
    fleet = Fleet(SIZE, "a", "b")
    fleet.server.seconds = 0.05
    await _served(fleet)
    assert fleet.queue is not None
    await asyncio.sleep(60)
    before = len(fleet.asked)
    fleet.clock.jumped += HOUR  # all tokens are over at once
    for ref in fleet.refs:
        fleet.queue.wake(ref.uid)
    await asyncio.sleep(1.5 * SIZE / RATE)
    after = fleet.asked[before:]
    assert len(after) >= SIZE
    assert most_within(SECOND, after) <= BURST + RATE
    assert most_within(10 * SECOND, after) <= BURST + 10 * RATE
    await fleet.kill()


async def test_an_outage_burns_a_few_grants_and_ends_without_a_herd() -> None:
    """Ten minutes of lost answers: a handful of requests before the breaker opens, then one probe at a time."""
    fleet = Fleet(SIZE, "a", "b")
    await _served(fleet)
    assert fleet.process is not None
    await asyncio.sleep(14 * 60)
    fleet.server.otherwise, before = "dropped", len(fleet.asked)
    fleet.server.seconds = 2.0
    await asyncio.sleep(600)
    during = fleet.asked[before:]
    assert fleet.process.budgets.states()["citrix-cloud"].breaker_open
    assert len(during) <= 40, "what was in flight when it opened, and the probes"
    assert len({token for _, token in fleet.server.sent[before:]}) <= 40, "grants at risk"
    assert fleet.reasons().count("BreakerOpen") > SIZE // 2
    fleet.server.otherwise, fleet.server.seconds, before = "ok", 0.05, len(fleet.asked)
    await asyncio.sleep(60 + 1.5 * SIZE / RATE)
    assert most_within(SECOND, fleet.asked[before:]) <= RATE
    assert not fleet.process.budgets.states()["citrix-cloud"].breaker_open
    assert (fleet.reasons(), fleet.server.replays) == ([], 0)
    await fleet.kill()


async def test_a_server_that_cannot_be_reached_is_found_again_within_two_minutes() -> None:
    """Nothing is sent meanwhile; the probe costs no grant."""
    fleet = Fleet(100, "a")
    fleet.server.otherwise = "not sent"
    fleet.start()
    await asyncio.sleep(300)
    assert (fleet.asked, fleet.reasons().count("BreakerOpen") > 90) == ([], True)
    fleet.server.otherwise = "ok"
    await asyncio.sleep(120 + 100 / RATE)  # the last probe, and the back-off of those that probed
    assert fleet.server.issued == 100
    await asyncio.sleep(30)
    assert fleet.reasons() == []
    await fleet.kill()


async def test_retry_after_is_kept_by_all_and_ends_without_a_herd() -> None:
    """One client was told; who was on the way may still come."""
    fleet = Fleet(SIZE, "a", "b")
    fleet.server.script.append(error("slow_down", 429, retry_after="120"))
    fleet.start()
    await asyncio.sleep(119)
    assert len(fleet.asked) <= 28
    await asyncio.sleep(1.5 * SIZE / RATE)
    assert fleet.server.issued == SIZE
    assert most_within(SECOND, fleet.asked) <= RATE
    await fleet.kill()


FLAWED = RawAnswer(200, {}, b'{"token_type": "mac", "access_token": "CANARY-at", "refresh_token": ""}')


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"extra": {"expires_in": 0}}, id="tokens that are over at once"),
        pytest.param({"extra": {"expires_in": -1}}, id="tokens that were over before"),
        pytest.param({"extra": {"token_type": "mac"}}, id="access tokens that cannot be used"),
        pytest.param({"otherwise": error("server_error")}, id="an error that spends nothing"),
        pytest.param({"otherwise": error("slow_down", 429)}, id="throttling without a time"),
        pytest.param({"otherwise": error("slow_down", 429, retry_after="1")}, id="throttling for a second"),
        pytest.param({"otherwise": error("teapot")}, id="an error that nobody knows"),
        pytest.param({"otherwise": RawAnswer(500, {}, b"")}, id="500"),
        pytest.param({"otherwise": RawAnswer(307, {}, b"")}, id="a redirect"),
        pytest.param({"otherwise": "dropped"}, id="no answer"),
        pytest.param({"otherwise": FLAWED}, id="no token at all"),
    ],
)
@pytest.mark.parametrize("storm", [False, True], ids=["left alone", "in a storm of edits"])
async def test_no_grant_is_hammered(change: dict[str, object], storm: bool) -> None:
    """At most 6 requests in any minute and 25 in any hour, whatever the server answers."""
    fleet = Fleet(2, "a")
    for name, value in change.items():
        setattr(fleet.server, name, value)
    fleet.start()
    for number in range(300 if storm else 10):
        await asyncio.sleep(13 if storm else 1100)
        if storm:
            for ref in fleet.refs:
                fleet.edit(ref, number)
    assert fleet.most_of_a_grant(MINUTE) <= 6
    assert fleet.most_of_a_grant(HOUR) <= 25
    assert len(fleet.asked) > 10, "it is tried all the same"
    await fleet.kill()


@pytest.mark.parametrize("seconds", [3, 20], ids=["every 3 s", "every 20 s"])
async def test_a_crash_loop_hammers_nobody(seconds: int) -> None:
    """Killed while its request is on the wire, again and again; each start finds its own intent."""
    fleet = Fleet(3, "a")
    await _served(fleet)
    await asyncio.sleep(18 * 60)
    fleet.server.seconds = 1000.0  # it never answers in time
    before = len(fleet.asked)
    for _ in range(3600 // seconds):
        await fleet.kill()
        fleet.start()
        await asyncio.sleep(seconds)
    assert len(fleet.asked) > before
    assert fleet.most_of_a_grant(MINUTE) <= 6
    assert fleet.most_of_a_grant(HOUR) <= 25
    await fleet.kill()


async def test_namespaces_share_a_server_fairly() -> None:
    """One client beside 500 of a neighbour is served among the first, although it comes last."""
    fleet = Fleet(500, "big")
    fleet.start()
    await asyncio.sleep(5)
    small = ClientRef("small", "c0", "uid-small")
    fleet.refs.append(small)
    fleet.api.put("/api/v1/namespaces/small", {"metadata": {"name": "small"}})
    fleet._create(small)
    fleet.see(small)
    await asyncio.sleep(3)
    assert fleet.api.objects.get("/api/v1/namespaces/small/secrets/c0-token"), "within its neighbour's half minute"
    await fleet.kill()
