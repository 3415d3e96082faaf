"""The reporter: one status patch if anything changed, Events on transitions, and no failure that costs a token."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import PastStatus
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.status import ABANDONED, next_status
from citrix_oauth_operator.domain.transitions import Note
from citrix_oauth_operator.kube.events import Events
from citrix_oauth_operator.logs import AUDIT
from citrix_oauth_operator.report.reporter import Reporter
from tests.unit.examples import CLIENT, GRANT, MINUTE, REF, REJECTED, STATUS, UNREACHABLE, outcome
from tests.unit.fakes import T0, FakeApi, FakeClock, merged


class Status:
    """Keeps the status as the API server would."""

    def __init__(self) -> None:
        self.now: dict[str, Any] = dict(STATUS)
        self.patches = 0
        self.error: ApiError | None = None

    async def patch_status(self, ref: ClientRef, patch: dict[str, Any]) -> None:
        """Apply a merge patch."""
        assert ref == REF
        if self.error:
            raise self.error
        self.patches += 1
        self.now = merged(self.now, patch)

    def seen_by(self, facts: Outcome) -> Outcome:
        """Return an outcome of the next pass."""
        return replace(facts, client=replace(facts.client, status=PastStatus.parse(self.now)))


class Posted:
    """Remembers Events."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    async def post(self, ref: ClientRef, note: Note) -> None:
        """Take one."""
        assert ref == REF
        self.notes.append(note)


async def test_it_writes_on_changes_and_is_silent_otherwise() -> None:
    """A steady state costs nothing."""
    status, events = Status(), Posted()
    reporter = Reporter(status, events, FakeClock())
    turns = [outcome(), outcome(), outcome(problem=UNREACHABLE), outcome(problem=UNREACHABLE), outcome()]
    for facts in turns:
        await reporter.report(status.seen_by(facts))
    assert [note.reason for note in events.notes] == ["TokenValid", "ServerUnreachable", "Recovered"]
    assert status.patches == 3


async def test_what_is_told_late_is_told_as_of_the_pass() -> None:
    """Reports wait for first tokens: the time of a failure is not that of its report."""
    status, clock = Status(), FakeClock()
    clock.advance(MINUTE)
    await Reporter(status, Posted(), clock).report(outcome(problem=UNREACHABLE, attempted=True, at=T0))
    assert status.now["lastFailureTime"] == "2026-03-01T12:00:00Z"


@pytest.mark.looptime
async def test_no_event_is_posted_for_a_status_that_was_not_written() -> None:
    """It would be posted again by the next pass."""
    status, events = Status(), Posted()
    status.error = ApiError(500)
    await Reporter(status, events, FakeClock()).report(outcome(problem=REJECTED))
    assert events.notes == []


@pytest.mark.parametrize("attempted", [True, False])
async def test_trouble_is_logged_when_it_begins_and_at_each_try(
    attempted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """One line a pass; one that only looked at a trouble already told of is silent."""
    reporter, clock = Reporter(Status(), Posted(), FakeClock()), FakeClock()
    begun = outcome(problem=REJECTED, attempted=attempted)
    await reporter.report(begun)
    told = PastStatus.parse(next_status(begun, clock.now()))
    await reporter.report(outcome(client=replace(CLIENT, status=told), problem=REJECTED, attempted=attempted))
    told_of = [record for record in caplog.records if record.levelno >= logging.INFO and record.name != AUDIT]
    lines = [record.levelname for record in told_of]
    assert lines == ["WARNING", *(["INFO"] if attempted else [])]


async def test_events_are_about_the_client() -> None:
    """In its namespace, by its UID, and never longer than the API server takes."""
    api = FakeApi("team-a")
    await Events(api, FakeClock()).post(REF, Note("Warning", "GrantRejected", "m" * 5000))
    [event] = api.of_kind("events")
    assert (event["involvedObject"]["uid"], event["reason"], len(event["message"])) == ("uid-1", "GrantRejected", 1024)


async def test_a_client_that_another_operator_keeps_is_told_of_once_and_its_status_left_alone() -> None:
    """Two operators that both write conditions would fight for ever."""
    status, events, clock = Status(), Posted(), FakeClock()
    reporter = Reporter(status, events, clock)
    theirs = problems.claimed_by_another("other", "ops")
    for _ in range(5):
        status.now["nextRefreshTime"] = rfc3339(clock.now() + timedelta(minutes=10))
        await reporter.report(status.seen_by(outcome(problem=theirs)))
        clock.advance(timedelta(hours=1))
    assert status.patches == 0
    assert [(note.kind, note.reason) for note in events.notes] == [("Warning", "ClaimedByAnotherOperator")]
    assert "other" in events.notes[0].message


async def test_a_client_that_another_operator_has_abandoned_says_so_in_status() -> None:
    """It did not do what it had announced: nobody else would tell a person."""
    status, clock = Status(), FakeClock()
    status.now["nextRefreshTime"] = rfc3339(clock.now())
    clock.advance(ABANDONED)
    theirs = outcome(problem=problems.claimed_by_another("other", "ops"))
    await Reporter(status, Posted(), clock).report(status.seen_by(theirs))
    stalled = [one for one in status.now["conditions"] if one["type"] == "Stalled"]
    assert [one["reason"] for one in stalled] == ["ClaimedByAnotherOperator"]


END = T0 + timedelta(hours=24)
LOGIN = {"command": "kubectl citrix-oauth login reports -n team-a", "url": "https://sign-in.example/team-a/reports"}


def _portal_at(hours: int, status: Status, events: Posted) -> Reporter:
    return Reporter(status, events, FakeClock(T0 + timedelta(hours=hours)), "https://sign-in.example/")


async def test_the_end_of_a_grant_is_told_once_in_good_time_and_how_to_sign_in() -> None:
    """From two hours before: an Event, and both ways in status, which go when somebody has signed in."""
    status, events = Status(), Posted()
    facts, said = outcome(grant_end=(END, "Absolute")), []
    for hours in (21, 22, 23):
        await _portal_at(hours, status, events).report(status.seen_by(facts))
        said.append((status.now.get("login"), [note.reason for note in events.notes].count("GrantEnding")))
    assert said == [(None, 0), (LOGIN, 1), (LOGIN, 1)]
    note = next(note for note in events.notes if note.reason == "GrantEnding")
    assert (note.kind, LOGIN["command"] in note.message) == ("Warning", True)
    assert f"{rfc3339(END)} (Absolute)" in note.message
    await _portal_at(23, status, events).report(
        status.seen_by(replace(facts, grant_end=(END + timedelta(hours=24), "Absolute")))
    )
    assert "login" not in status.now


@pytest.mark.parametrize("portal", ["https://sign-in.example", "https://sign-in.example/", ""])
async def test_how_to_sign_in_is_told_while_that_helps(portal: str) -> None:
    """The portal's page only where there is one."""
    status = Status()
    await Reporter(status, Posted(), FakeClock(), portal).report(status.seen_by(outcome(problem=REJECTED)))
    assert status.now["login"] == (LOGIN if portal else {"command": LOGIN["command"]})
    await Reporter(status, Posted(), FakeClock(), portal).report(status.seen_by(outcome(problem=UNREACHABLE)))
    assert "login" not in status.now


@pytest.mark.parametrize(
    ("life", "model", "grant", "notice"),
    [
        pytest.param(timedelta(hours=24), "Absolute", {}, timedelta(hours=2), id="two hours of a day"),
        pytest.param(timedelta(minutes=60), "Absolute", {}, timedelta(minutes=15), id="a quarter of an hour"),
        pytest.param(timedelta(hours=24), "Unknown", {}, timedelta(hours=2), id="of an estimate, too"),
        pytest.param(timedelta(hours=11), "Sliding", {"received_at": T0 + timedelta(hours=10)}, timedelta(minutes=15),
                     id="of one that slides from the last refresh"),
        pytest.param(timedelta(hours=11), "Unknown",
                     {"received_at": T0 + timedelta(hours=10), "refresh_expires_at": T0 + timedelta(hours=11)},
                     timedelta(minutes=15), id="of one that is announced, too"),
    ],
)  # fmt: skip
def test_how_long_before_its_end(life: timedelta, model: str, grant: dict[str, Any], notice: timedelta) -> None:
    """In good time, however short a grant lives, and never all the time."""
    facts = outcome(grant=replace(GRANT, **grant), grant_end=(T0 + life, model))
    assert facts.ending_from == T0 + life - notice
