"""The quick slice of the campaign: every kind of fault on a real API server, judged from the servers' logs."""

from __future__ import annotations

from tests.faults.bed import Bed
from tests.faults.checker import Verdict, judge
from tests.faults.conftest import Beds
from tests.faults.failpoints import POINTS
from tests.faults.rules import Rule
from tests.faults.storm import Storm, rage


def test_a_kill_at_each_failpoint_costs_at_most_the_answers_it_hit(beds: Beds) -> None:
    """F3 and F4 lie between the server's commit and the spill; what was in flight there may be lost, nothing else."""
    with beds(count=6, life=4) as bed:
        bed.serve()
        for point in POINTS:
            bed.replica.failpoints.arm(point)
            bed.replica.await_death()
            bed.replica.start()
            bed.grant_more(2)
        verdict = kept(bed)
        assert verdict.kills == len(POINTS)
        assert verdict.with_the_pod == 0


def test_a_storm_on_a_strict_server_costs_only_what_it_hit(beds: Beds) -> None:
    """Kills, stops, a clock that jumps, a bad day of the API server and of the authorization server, all at once."""
    with beds(count=8, life=4) as bed:
        bed.serve()
        rage(bed, Storm(kills=4, stops=0.2, clock=100.0))
        kept(bed)


def test_a_storm_on_a_server_with_a_grace_period_and_two_leaders_sends_nothing_twice_unexplained(beds: Beds) -> None:
    """The compare-and-swap alone keeps two operators that both serve everybody from double spending."""
    with beds(count=8, life=4, grace=60.0, replicas=("a", "b"), leases=2) as bed:
        bed.serve()
        rage(bed, Storm(kills=4, stops=0.2))
        kept(bed)


def test_an_api_server_that_refuses_the_credentials_for_a_while_ends_no_process(beds: Beds) -> None:
    """A ServiceAccount that is created again, an API server that lost its keys: the same token is good later."""
    with beds(count=2, life=4) as bed:
        bed.serve()
        assert bed.replica.terminate() == 0
        bed.proxy.set_rules(Rule("status", 401, verb="GET", path=r".*/citrixclients$", left=2))
        bed.replica.start()
        bed.grant_more(2)
        kept(bed)


def kept(bed: Bed) -> Verdict:
    """Settle, and return the verdict on a run in which the promise was kept."""
    bed.settle()
    verdict = judge(bed.evidence())
    assert not verdict.findings, "\n".join([*verdict.findings, bed.replica.operator.log[-6000:]])
    assert verdict.outside == 0
    assert verdict.told == verdict.lost
    return verdict
