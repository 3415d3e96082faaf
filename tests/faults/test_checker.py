"""The judge is judged: each broken promise, written into the servers' logs by hand, is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.checker import Verdict, judge
from tests.faults.grant_writes import GrantWrite
from tests.faults.records import Evidence, Hit, Rest, Write
from tests.standins.rotating.server import Record

NAME, LOST = "grant.ns.client", "RotationLost"
SEED, FIRST, SECOND = "5eed0000aaaaaaaa", "f1125700bbbbbbbb", "5ec00d00cccccccc"


def sent(at: float, shown: str, issued: str = "", **more: object) -> Record:
    """Return a request that was answered after a tenth of a second; without `issued` it was refused as a replay."""
    made = Record(
        client="client",
        grant_type="refresh_token",
        arrival=at,
        presented=shown,
        family=SEED,
        outcome="rotated" if issued else "replay",
        committed=at if issued else None,
        issued=issued,
        handed=at + 0.1,
        closed=at + 0.1,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def intent(at: float, seq: int, token: str, attempt: str, replica: str = "a", **more: object) -> Write:
    """Return the write of an intent."""
    state = GrantWrite(NAME, "chain", seq, token, attempt=attempt, intent=token[:8], access=f"access-{seq}")
    return Write(replica, at, int(at * 1000), replace(state, **more))  # type: ignore[arg-type]


def stored(at: float, seq: int, token: str, **more: object) -> Write:
    """Return the write of a commit, or of a refusal."""
    state = GrantWrite(NAME, "chain", seq, token, access=f"access-{seq}")
    return Write("a", at, int(at * 1000), replace(state, **more))  # type: ignore[arg-type]


def rest_of(writes: list[Write], stalled: str = "") -> dict[str, Rest]:
    """Return the client as its last write left it."""
    return {"client": Rest(writes[-1].grant, stalled)}


def verdict(
    requests: list[Record], writes: list[Write], hits: list[Hit] | None = None, live: str = "", stalled: str = ""
) -> Verdict:
    """Judge one grant."""
    return judge(Evidence(requests, writes, hits or [], rest_of(writes, stalled), {SEED: live} if live else {}))


def numbers(found: Verdict) -> set[str]:
    """Return the invariants that were found broken."""
    return {finding.partition("]")[0].strip("[") for finding in found.findings}


def kill(at: float, **more: object) -> Hit:
    """Return a kill that took a moment."""
    return replace(Hit("kill", "a", at, at + 0.01), **more)  # type: ignore[arg-type]


GOOD_WRITES = [intent(1, 0, SEED, "1"), stored(2.5, 1, FIRST), intent(3, 1, FIRST, "2"), stored(4.5, 2, SECOND)]
GOOD_REQUESTS = [sent(2, SEED, FIRST), sent(4, FIRST, SECOND)]
#: The answer to the second request is lost; the third one, in doubt, is refused; the loss is told.
LOST_WRITES = [*GOOD_WRITES[:3], intent(5, 1, FIRST, "3", doubt=True), stored(7, 1, FIRST, rejected="RotationLost")]
LOST_REQUESTS = [*GOOD_REQUESTS, sent(6, FIRST)]


def test_two_refreshes_without_a_fault_break_nothing() -> None:
    """The judge finds nothing where nothing is."""
    found = verdict(GOOD_REQUESTS, GOOD_WRITES, live=SECOND)
    assert (found.findings, found.refreshes, found.lost, found.replays) == ([], 2, 0, 0)


def test_a_loss_that_a_kill_on_the_wire_explains_is_the_window() -> None:
    """The kill came between the server's commit and the last byte read."""
    found = verdict(LOST_REQUESTS, LOST_WRITES, [kill(4.05)], stalled="RotationLost")
    assert (found.findings, found.on_the_wire, found.told, found.replays) == ([], 1, 1, 1)


def test_a_busy_server_may_read_a_request_after_its_sender_has_died() -> None:
    """It was on its way: the intent was stored before the kill, and the bytes came."""
    found = verdict(LOST_REQUESTS, LOST_WRITES, [kill(3.5)], stalled="RotationLost")
    assert (found.findings, found.on_the_wire) == ([], 1)
    assert "3" in numbers(verdict(LOST_REQUESTS, LOST_WRITES, [kill(2.9)], stalled="RotationLost"))


def test_requests_that_a_server_reads_together_after_a_pause_have_their_own_intents_each() -> None:
    """The dead process's, which is granted, and its successor's, in doubt: both were stored before either was read."""
    writes = [*GOOD_WRITES[:3], intent(3.5, 1, FIRST, "3", doubt=True), LOST_WRITES[-1]]
    requests = [GOOD_REQUESTS[0], sent(4, FIRST, SECOND), sent(4.01, FIRST)]
    found = verdict(requests, writes, [kill(3.05)], stalled="RotationLost")
    assert (found.findings, found.on_the_wire, found.replays) == ([], 1, 1)


def test_a_process_that_was_killed_before_it_spilled_may_have_had_the_answer_for_long() -> None:
    """The failpoint says where it died, and of which token; a starved process takes its time between two lines."""
    for point, token, findings in (("F4", FIRST, set()), ("F4", SEED, {"3", "12"}), ("F5", FIRST, {"3", "12"})):
        assert numbers(verdict(LOST_REQUESTS, LOST_WRITES, [kill(4.9, point=point, token=token)], stalled=LOST)) == (
            findings
        )


def test_a_loss_after_the_client_had_read_everything_is_outside_the_window() -> None:
    """The kill came long after the client had closed its side: the answer was in its hands."""
    found = verdict(LOST_REQUESTS, LOST_WRITES, [kill(4.9)], stalled="RotationLost")
    assert found.outside == 1
    assert numbers(found) == {"3", "12"}


def test_a_process_that_dies_with_a_refusal_in_hand_leaves_one_more_to_the_next() -> None:
    """Nobody could know of the first one: it was not recorded when the process died, long after it was read."""
    writes = [*LOST_WRITES[:4], intent(7.5, 1, FIRST, "4", doubt=True), stored(9, 1, FIRST, rejected="RotationLost")]
    requests = [*LOST_REQUESTS, sent(8, FIRST, outcome="revoked")]
    assert verdict(requests, writes, [kill(4.05), kill(7)], stalled="RotationLost").findings == []
    assert numbers(verdict(requests, writes, [kill(4.05)], stalled="RotationLost")) == {"3", "10"}


def test_a_loss_with_the_pod_is_counted_apart() -> None:
    """Nothing survives a pod; the answer had been read and was not committed."""
    found = verdict(LOST_REQUESTS, LOST_WRITES, [kill(4.9, pod_lost=True)], stalled="RotationLost")
    assert (found.findings, found.with_the_pod, found.outside) == ([], 1, 0)


def test_a_kill_of_another_replica_explains_nothing() -> None:
    """The fault must have hit the process that sent the request."""
    assert "3" in numbers(verdict(LOST_REQUESTS, LOST_WRITES, [kill(4.05, replica="b")], stalled="RotationLost"))


def test_an_answer_that_the_server_dropped_explains_a_loss() -> None:
    """The injected fault is in the server's own log."""
    requests = [GOOD_REQUESTS[0], sent(4, FIRST, SECOND, fault="drop after", handed=None), LOST_REQUESTS[2]]
    found = verdict(requests, LOST_WRITES, stalled="RotationLost")
    assert (found.findings, found.on_the_wire) == ([], 1)


@pytest.mark.parametrize(
    ("number", "requests", "writes", "stalled", "live"),
    [
        pytest.param("1", [GOOD_REQUESTS[0], sent(2.05, FIRST, SECOND)], GOOD_WRITES, "", SECOND, id="two at once"),
        pytest.param(
            "2", GOOD_REQUESTS, [GOOD_WRITES[0], *GOOD_WRITES[1:2], GOOD_WRITES[3]], "", SECOND, id="no intent"
        ),
        pytest.param(
            "2",
            GOOD_REQUESTS,
            [*GOOD_WRITES[:2], intent(4.2, 1, FIRST, "2"), GOOD_WRITES[3]],
            "",
            SECOND,
            id="late intent",
        ),
        pytest.param(
            "3",
            LOST_REQUESTS,
            [*LOST_WRITES[:3], intent(5, 1, FIRST, "3"), LOST_WRITES[4]],
            "RotationLost",
            "",
            id="a replay without recorded doubt",
        ),
        pytest.param(
            "4", GOOD_REQUESTS, [*GOOD_WRITES[:3], stored(4.5, 1, SECOND)], "", SECOND, id="seq not increased"
        ),
        pytest.param("4", GOOD_REQUESTS, [*GOOD_WRITES, stored(5, 1, FIRST)], "", SECOND, id="an old token came back"),
        pytest.param(
            "7",
            GOOD_REQUESTS,
            [*GOOD_WRITES[:3], Write("a", 4.2, 4200, published="access-2"), GOOD_WRITES[3]],
            "",
            SECOND,
            id="published before it was committed",
        ),
        pytest.param(
            "10",
            [*LOST_REQUESTS, sent(8, FIRST)],
            [*LOST_WRITES, intent(7.5, 1, FIRST, "4", doubt=True)],
            "RotationLost",
            "",
            id="a second refusal",
        ),
        pytest.param(
            "11",
            LOST_REQUESTS,
            [*LOST_WRITES[:4], stored(7, 1, FIRST, rejected="GrantRejected")],
            "GrantRejected",
            "",
            id="a loss told as the server's fault",
        ),
        pytest.param("11", LOST_REQUESTS, LOST_WRITES, "", "", id="a loss not told in status"),
        pytest.param("12", GOOD_REQUESTS[:1], GOOD_WRITES[:1], "", FIRST, id="dead in silence"),
    ],
)
def test_a_broken_promise_is_found(
    number: str, requests: list[Record], writes: list[Write], stalled: str, live: str
) -> None:
    """Each case breaks one invariant."""
    assert number in numbers(verdict(requests, writes, [kill(4.05)], live=live, stalled=stalled))


def test_an_answer_left_in_a_spill_folder_is_found() -> None:
    """At rest everything is committed."""
    evidence = Evidence(GOOD_REQUESTS, GOOD_WRITES, [], rest_of(GOOD_WRITES), {SEED: SECOND}, stray=["1.answer"])
    assert numbers(judge(evidence)) == {"5"}
