"""The breaker: when it opens, whom it lets through, when it closes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.answers import Answer, Granted, NotSent, Refused, Uncertain
from citrix_oauth_operator.domain.breaker import (
    PROBE_PATIENCE_SECONDS,
    Breaker,
    answered,
    ask,
    blames_server,
    failed,
    undecided,
)
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.grants.exchange import read
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.examples import SERVER
from tests.unit.fakes import T0
from tests.unit.token_server import error

OPEN = Breaker(probe_at=5.0)
WAITING = {"needy": 100.0, "rich": 900.0}


def _after(events: str, seconds_apart: float = 1.0) -> Breaker:
    """Return the breaker after a failure of the client of each letter; a dot is an answer."""
    breaker = Breaker()
    for number, event in enumerate(events):
        breaker = answered(breaker) if event == "." else failed(breaker, event, number * seconds_apart)
    return breaker


@pytest.mark.parametrize(
    ("events", "opens"),
    [
        pytest.param("abca", False, id="four failures do not open it"),
        pytest.param("abcab", True, id="five failures of three clients open it"),
        pytest.param("ababababab", False, id="ten failures of two clients do not: it may be theirs"),
        pytest.param("aaaaaaaabc", True, id="a client that fails for long counts once among the three"),
        pytest.param("abcd.e", False, id="an answer makes up for a failure"),
        pytest.param("ab.cd.ef.gh.ij.kl.", True, id="two failures an answer open it in the end"),
        pytest.param("a.b.c.d.e.f.g.h.i.j.", False, id="every second one failing does not"),
        pytest.param("ab........cdea", False, id="success is not saved up, nor are failures that it made up for"),
    ],
)
def test_when_it_opens(events: str, opens: bool) -> None:
    """It opens when failures outnumber answers by five."""
    breaker = Breaker()
    seen_open = False
    for number, event in enumerate(events):
        breaker = answered(breaker) if event == "." else failed(breaker, event, float(number))
        seen_open |= breaker.is_open
    assert seen_open is opens


def test_old_failures_say_nothing_about_now() -> None:
    """Five in five minutes, not five in a day."""
    assert _after("abcab", 70.0).is_open
    assert not _after("abcab", 80.0).is_open


def test_nobody_is_admitted_before_the_first_probe_is_due() -> None:
    """Five seconds after it opened."""
    assert not ask(OPEN, "needy", WAITING, 4.9).admits("needy")
    assert ask(OPEN, "needy", WAITING, 5.0).admits("needy")


def test_the_probe_is_the_one_with_the_least_token_life() -> None:
    """One at a time: whoever asks next waits until this one is answered."""
    assert not ask(OPEN, "rich", WAITING, 6.0).admits("rich")
    probing = ask(OPEN, "needy", WAITING, 6.0)
    assert probing.admits("needy")
    later = ask(probing, "rich", {"rich": 1.0}, 7.0)
    assert (later.admits("rich"), later.admits("needy")) == (False, True)


def test_a_probe_that_dies_gives_way() -> None:
    """A pass may end without a request: its client was deleted, or suspended."""
    probing = ask(OPEN, "needy", WAITING, 6.0)
    end = 6.0 + PROBE_PATIENCE_SECONDS
    assert not ask(probing, "rich", {"rich": 900.0}, end - 1).admits("rich")
    taken_over = ask(probing, "rich", {"rich": 900.0}, end)
    assert (taken_over.admits("rich"), taken_over.admits("needy")) == (True, False)


def test_probes_are_5_to_60_seconds_apart() -> None:
    """Doubling with each that fails; the last distance holds for ever."""
    breaker, waits = _after("abcab"), []
    for _ in range(7):
        due = breaker.probe_at
        assert due is not None
        breaker = failed(ask(breaker, "needy", WAITING, due), "needy", due)
        waits.append((breaker.probe_at or 0.0) - due)
    assert waits == [10, 20, 40, 60, 60, 60, 60]


def test_late_failures_of_others_do_not_count_as_probes() -> None:
    """They were on the wire when it opened."""
    probing = ask(OPEN, "needy", WAITING, 6.0)
    assert failed(probing, "rich", 7.0) == probing
    assert failed(OPEN, "rich", 2.0) == OPEN


def test_the_first_answer_closes_it_whoever_got_it() -> None:
    """And what was counted before is forgotten."""
    assert answered(OPEN) == Breaker()
    assert answered(ask(OPEN, "needy", WAITING, 6.0)) == Breaker()


def test_a_probe_that_tells_nothing_is_repeated_as_soon() -> None:
    """An unknown error code, or the wish for fewer requests."""
    probing = replace(ask(OPEN, "needy", WAITING, 6.0), probes=2)
    again = undecided(probing, "needy", 7.0)
    assert (again.is_open, again.prober, again.probe_at, again.probes) == (True, None, 27.0, 2)
    assert undecided(probing, "rich", 7.0) == probing


def _read(raw: RawAnswer) -> Answer:
    return read(raw, SERVER, T0)


GOOD = Granted(SecretText("CANARY-at"), timedelta(minutes=30))
UNREACHABLE = Problem(Reason.SERVER_UNREACHABLE, "x")


@pytest.mark.parametrize(
    ("answer", "blame"),
    [
        pytest.param(GOOD, False, id="tokens: it works"),
        pytest.param(_read(error("invalid_grant")), False, id="invalid_grant: it works"),
        pytest.param(_read(error("invalid_client", 401)), False, id="invalid_client: it works"),
        pytest.param(_read(error("invalid_scope")), False, id="invalid_scope: it works"),
        pytest.param(_read(error("invalid_target")), None, id="invalid_target: about one client"),
        pytest.param(_read(error("surprise", 403)), None, id="an unknown code: about one client"),
        pytest.param(_read(error("slow_down", 429)), None, id="slow_down: it works, and is busy"),
        pytest.param(_read(RawAnswer(429, {}, b"")), None, id="429: it works, and is busy"),
        pytest.param(_read(error("server_error")), True, id="400 server_error: its own words"),
        pytest.param(_read(error("temporarily_unavailable", 503)), True, id="503 with an OAuth error"),
        pytest.param(_read(RawAnswer(502, {}, b"<html>")), True, id="a gateway's page"),
        pytest.param(_read(RawAnswer(200, {}, b"<html>")), True, id="a page in its place"),
        pytest.param(_read(RawAnswer(404, {}, b"<html>")), True, id="a page with 404"),
        pytest.param(_read(RawAnswer(307, {}, b"")), True, id="a redirect"),
        pytest.param(Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "x")), True, id="no answer"),
        pytest.param(NotSent(UNREACHABLE), True, id="unreachable"),
        pytest.param(NotSent(Problem(Reason.CREDENTIALS_INVALID, "x")), None, id="a client without its secret"),
        pytest.param(NotSent(Problem(Reason.ADDRESS_NOT_ALLOWED, "x")), None, id="an address nobody allowed"),
        pytest.param(NotSent(problems.breaker_open()), None, id="nothing was sent because it is open"),
        pytest.param(Refused(Problem(Reason.SERVER_ERROR, "x", http_status=400)), True, id="an error of its own"),
    ],
)
def test_what_tells_against_the_server(answer: Answer, blame: bool | None) -> None:
    """Not what it says about one client."""
    assert blames_server(answer) is blame
