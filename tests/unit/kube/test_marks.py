"""Claims, refusals and namespace UIDs: what is remembered, for how long, and by whom."""

from dataclasses import replace
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import Claim, ClientRef, Refusal
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.kube.claims import Claims
from citrix_oauth_operator.kube.namespaces import Namespaces
from citrix_oauth_operator.kube.refusals import Refusals
from tests.unit.examples import REF, SEED
from tests.unit.fakes import T0, FakeApi, FakeClock

OURS = Claim(REF.uid, "c1", adopted=False)
PROBLEM = Problem(Reason.CLIENT_REJECTED, "refused", "check it", oauth_error="invalid_client", http_status=401)


async def test_a_seed_is_claimed_once() -> None:
    """The second one gets a conflict, whoever it is."""
    claims = Claims(FakeApi("ops"), "ops")
    assert await claims.find(SEED) is None
    await claims.take(REF, SEED, OURS, T0)
    with pytest.raises(Conflict):
        await claims.take(REF, SEED, OURS, T0)
    found = await claims.find(SEED)
    assert found is not None
    assert replace(found, version="") == OURS
    await claims.adopted(SEED, found)
    with pytest.raises(Conflict):  # the twin process that read the same claim
        await claims.adopted(SEED, found)
    assert replace(await claims.find(SEED) or OURS, version="") == replace(OURS, adopted=True)


async def test_a_claim_holds_no_secret() -> None:
    """Its name is a hash."""
    api = FakeApi("ops")
    await Claims(api, "ops").take(REF, SEED, OURS, T0)
    assert "CANARY" not in str(api.objects)


async def test_a_claim_that_somebody_emptied_counts_as_used() -> None:
    """Doubt never sends a seed."""
    api = FakeApi("ops")
    claims = Claims(api, "ops")
    await claims.take(REF, SEED, OURS, T0)
    for path, body in api.objects.items():
        if "seed-" in path:
            body.pop("data")
    assert replace(await claims.find(SEED) or OURS, version="") == Claim("", "", adopted=True)


async def test_a_refusal_outlives_the_process() -> None:
    """Marked by one, known to the next, cleared for good."""
    api = FakeApi("ops")
    first, second, third = (Refusals(api, "ops") for _ in range(3))
    await first.mark("f1", PROBLEM, T0)
    await first.mark("f1", PROBLEM, T0 + timedelta(hours=1))
    await second.load()
    assert second.find("f1") == Refusal(PROBLEM, T0 + timedelta(hours=1))
    await second.clear("f1")
    await third.load()
    assert (second.find("f1"), third.find("f1")) == (None, None)


async def test_clearing_what_is_not_marked_asks_nobody() -> None:
    """Every success does it."""
    api = FakeApi("ops")
    await Refusals(api, "ops").clear("f1")
    assert api.requests == []


async def test_a_mark_that_cannot_be_read_is_passed_over() -> None:
    """One bad object does not stop the start."""
    api = FakeApi("ops")
    refusals = Refusals(api, "ops")
    await refusals.mark("f1", PROBLEM, T0)
    label = {"labels": {"citrix-oauth.dev/refusal": "true"}}
    for name, data in (("a", {}), ("b", {"fingerprint": "x", "at": "x", "problem": "x"})):
        api.put(f"/api/v1/namespaces/ops/configmaps/{name}", {"metadata": label, "data": data})
    fresh = Refusals(api, "ops")
    await fresh.load()
    assert fresh.find("f1") == Refusal(PROBLEM, T0)


async def test_a_namespaces_uid_is_read_once_and_anew_for_a_later_client() -> None:
    """A namespace created again has another UID, and its clients were seen later."""
    api, clock = FakeApi("team-a"), FakeClock()
    namespaces = Namespaces(api, clock)
    old = await namespaces.uid(REF)
    assert (await namespaces.uid(REF), len(api.requests)) == (old, 1)
    api.drop("/api/v1/namespaces/team-a")
    api.put("/api/v1/namespaces/team-a", {"metadata": {"uid": "again"}})
    clock.advance(timedelta(seconds=1))
    assert await namespaces.uid(ClientRef("team-a", "reports", "uid-2")) == "again"


async def test_labels_are_always_read_anew() -> None:
    """An admin who takes a label away takes the right away."""
    api = FakeApi("team-a")
    namespaces = Namespaces(api, FakeClock())
    api.objects["/api/v1/namespaces/team-a"]["metadata"]["labels"] = {"a": "1"}
    assert await namespaces.labels("team-a") == {"a": "1"}
    del api.objects["/api/v1/namespaces/team-a"]["metadata"]["labels"]
    assert await namespaces.labels("team-a") == {}
    assert await namespaces.labels("gone") == {}
