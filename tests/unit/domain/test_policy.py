"""The decision: what is sent, and what is in the way; the first check that has an opinion wins."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from citrix_oauth_operator.domain import endings, problems
from citrix_oauth_operator.domain.decisions import AdoptSeed, Decision, Fail, Refresh, RequestToken, Stall, Wait
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.model import Claim, Liveness, Refusal, TokenSecret
from citrix_oauth_operator.domain.observed import Observed
from citrix_oauth_operator.domain.policy import decide
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.schedule import HOURLY
from citrix_oauth_operator.domain.secrecy import SecretText
from tests.unit.examples import (
    BINDING,
    INPUTS,
    MINUTE,
    SERVER,
    UNREACHABLE,
    client,
    condition,
    grant,
    inputs,
    pending,
    rejected,
    seen,
)
from tests.unit.fakes import T0

NEW = SecretText("CANARY-new-seed")
NEW_SEED = replace(INPUTS, seed=NEW)
ACME = {"customerDomain": "acme.cloud.com", "applicationID": "6c4a2f0e-1111-4222-8333-444455556666"}
OF_ACME = inputs({"citrix": ACME}, seed=None)
NO_SEED = replace(INPUTS, seed=None)
SUSPENDED = inputs({"suspend": True})
BROKEN_SPEC = Problem(Reason.SPEC_INVALID, "wrong")
DISCOVERY_DOWN = Problem(Reason.DISCOVERY_FAILED, "no document")
REFUSED = Problem(Reason.CLIENT_REJECTED, "refused")
REFUSAL = Refusal(REFUSED, T0)
ANOTHERS: dict[str, object] = {"grant": {"namespace": "other", "chain": "chain-1", "seq": 7}}
FAILING: Mapping[str, object] = {
    "conditions": [condition("RefreshFailed", "True", "ServerError")],
    "nextRefreshTime": rfc3339(T0 + 20 * MINUTE),
}
CREDENTIALS_CLIENT = inputs({"grantType": "ClientCredentials"})
NETSCALER = replace(SERVER, type=ServerType.NETSCALER, issues_refresh_tokens=False)
HELD_BACK = grant(rejection=rejected(Reason.CONDITIONAL_ACCESS))
OLD_BINDING = replace(BINDING, client_id="other")


def _wait(minutes: float, *, standing: bool = False) -> Wait:
    return Wait(T0 + minutes * MINUTE, standing)


def _lost(end: datetime) -> Stall:
    return Stall(endings.ended_in_doubt(pending(), end))


def _case(sentence: str, facts: Observed, after: float, expected: Decision) -> object:
    return pytest.param(facts, after, expected, id=sentence)


OURS, DEAD, UNKNOWN = Liveness.OURSELVES, Liveness.DEAD, Liveness.UNKNOWN


BEGUN = grant(chain="c2", token=None, seq=0)
STARTED = Claim("uid-1", "c2", adopted=False)
SOMEBODYS = Claim("uid-2", "c2", adopted=False)
BEGUN_IN_FLIGHT = grant(chain="c2", seq=0, pending=pending())
ITS_CLAIM = Claim("uid-1", "c2", adopted=True)
ANOTHER_CLAIM = Claim("uid-1", "c3", adopted=True)


@pytest.mark.parametrize(
    ("facts", "after", "expected"),
    [
        _case("before its time the token is left alone", seen(), 17.9, _wait(18)),
        _case("at its time the token is refreshed", seen(), 18, Refresh()),
        _case("another operator's client stalls", seen(client=client(ANOTHERS)), 18,
              Stall(problems.claimed_by_another("other", "ops"), HOURLY)),
        _case("a wrong spec stalls", seen(inputs=BROKEN_SPEC), 18, Stall(BROKEN_SPEC, HOURLY)),
        _case("an input that passes by itself fails for now", seen(inputs=UNREACHABLE), 18, Fail(UNREACHABLE)),
        _case("suspended: nothing is sent, however due", seen(inputs=SUSPENDED), 18, Wait(None)),
        _case("suspended: not even a new seed", seen(inputs=replace(SUSPENDED, seed=NEW)), 18, Wait(None)),
        _case("a restored backup is not sent", seen(grant=grant(seq=6)), 18, Stall(problems.GRANT_ROLLED_BACK)),
        _case("a lower seq of another chain is no backup", seen(grant=grant(seq=1, chain="c2")), 18, Refresh()),
        _case("a new seed is adopted, due or not", seen(inputs=NEW_SEED), 0, AdoptSeed()),
        _case("our own claim is resumed", seen(inputs=NEW_SEED, claim=STARTED), 0, AdoptSeed()),
        _case("our adopted claim is a used seed", seen(inputs=NEW_SEED, claim=ITS_CLAIM), 0, _wait(18)),
        _case("somebody's claim is a used seed", seen(inputs=NEW_SEED, claim=SOMEBODYS), 0, _wait(18)),
        _case("a used seed without a grant stalls", seen(inputs=NEW_SEED, claim=Claim("x", "c2", True), grant=None), 0,
              Stall(problems.SEED_ALREADY_USED)),
        _case("a used seed beside a dead grant stalls",
              seen(inputs=NEW_SEED, claim=Claim("x", "c2", True), grant=grant(rejection=rejected())), 0,
              Stall(problems.SEED_ALREADY_USED)),
        _case("a used seed leaves a grant that is held back its hourly try",
              seen(inputs=NEW_SEED, claim=SOMEBODYS, grant=HELD_BACK), 61, Refresh()),
        _case("a used seed leaves a dead grant the try that a person asks for",
              seen(inputs=NEW_SEED, claim=SOMEBODYS, grant=grant(rejection=rejected()),
                   client=client(requested_at="now")), 18, Refresh()),
        _case("a new seed cures a dead grant", seen(inputs=NEW_SEED, grant=grant(rejection=rejected())), 0,
              AdoptSeed()),
        _case("a new seed cures a changed binding", seen(inputs=NEW_SEED, grant=grant(binding=OLD_BINDING)), 0,
              AdoptSeed()),
        _case("a new seed waits for discovery", seen(inputs=replace(NEW_SEED, endpoints=DISCOVERY_DOWN)), 0,
              Fail(DISCOVERY_DOWN)),
        _case("an adoption that stopped half-way goes on",
              seen(grant=grant(chain="c2", seq=0, pending=pending()), claim=STARTED), 0, AdoptSeed()),
        _case("an adopted seed in flight is not adopted again",
              seen(grant=BEGUN_IN_FLIGHT, claim=ITS_CLAIM, chain_claim=ITS_CLAIM, holder=DEAD), 0, Refresh(doubt=True)),
        _case("a chain just begun is not sent under another chain's claim",
              seen(grant=BEGUN_IN_FLIGHT, claim=ANOTHER_CLAIM, chain_claim=ANOTHER_CLAIM, holder=DEAD), 0,
              Stall(problems.SEED_ALREADY_USED)),
        _case("a chain just begun is not sent without its claim, its seed gone or not",
              seen(grant=BEGUN_IN_FLIGHT, inputs=NO_SEED, holder=DEAD), 0, Stall(problems.SEED_ALREADY_USED)),
        _case("without seed and grant a sign-in is needed", seen(inputs=NO_SEED, grant=None), 0,
              Stall(problems.login_required("creds"))),
        _case("metadata that cannot be had does not hide that", seen(inputs=replace(NO_SEED, endpoints=DISCOVERY_DOWN),
              grant=None), 0, Stall(problems.login_required("creds"))),
        _case("nobody can sign in before the customer's document is there",
              seen(inputs=replace(OF_ACME, endpoints=DISCOVERY_DOWN), grant=None), 0, Fail(DISCOVERY_DOWN)),
        _case("nor while it is refused for good",
              seen(inputs=replace(OF_ACME, endpoints=BROKEN_SPEC), grant=None), 0, Stall(BROKEN_SPEC, HOURLY)),
        _case("then a sign-in is needed", seen(inputs=OF_ACME, grant=None), 0, Stall(problems.login_required("creds"))),
        _case("a dead grant stays dead", seen(grant=grant(rejection=rejected())), 18, Stall(rejected().problem)),
        _case("a person's request allows one more try",
              seen(grant=grant(rejection=rejected()), client=client(requested_at="now")), 18, Refresh()),
        _case("after a lost rotation that try stays in doubt",
              seen(grant=grant(rejection=rejected(Reason.ROTATION_LOST)), client=client(requested_at="now")), 18,
              Refresh(doubt=True)),
        _case("a request that was handled allows nothing",
              seen(grant=grant(rejection=rejected()),
                   client=client({"lastHandledReconcileAt": "now"}, requested_at="now")), 18,
              Stall(rejected().problem)),
        _case("what a policy holds back is tried again after an hour", seen(grant=HELD_BACK), 60, Refresh()),
        _case("and not before", seen(grant=HELD_BACK), 18, Stall(rejected(Reason.CONDITIONAL_ACCESS).problem,
                                                                 42 * MINUTE)),
        _case("but when a person asks", seen(grant=HELD_BACK, client=client(requested_at="now")), 18, Refresh()),
        _case("a server that issues no refresh tokens is waited for in vain",
              seen(grant=None, inputs=replace(NO_SEED, server=NETSCALER)), 18,
              Stall(problems.no_refresh_tokens("NetScaler"))),
        _case("but one that was given is tried", seen(grant=None, inputs=replace(NEW_SEED, server=NETSCALER)), 18,
              AdoptSeed()),
        _case("a refused credential is not sent", seen(refusal=REFUSAL), 18, Stall(REFUSED, 42 * MINUTE)),
        _case("a refused credential holds a new seed back", seen(refusal=REFUSAL, inputs=NEW_SEED), 18,
              Stall(REFUSED, 42 * MINUTE)),
        _case("a refused credential is tried again after an hour", seen(refusal=REFUSAL), 60, Refresh()),
        _case("a person's request tries a refused credential",
              seen(refusal=REFUSAL, client=client(requested_at="now")), 18, Refresh()),
        _case("due without a token endpoint fails for now",
              seen(inputs=replace(INPUTS, endpoints=DISCOVERY_DOWN)), 18, Fail(DISCOVERY_DOWN)),
        _case("discovery does not matter before the time",
              seen(inputs=replace(INPUTS, endpoints=DISCOVERY_DOWN)), 17, _wait(18)),
        _case("an endpoint that must not be called stalls",
              seen(inputs=replace(INPUTS, endpoints=replace(BROKEN_SPEC, reason=Reason.ADDRESS_NOT_ALLOWED))), 18,
              Stall(replace(BROKEN_SPEC, reason=Reason.ADDRESS_NOT_ALLOWED), HOURLY)),
        _case("a failure is waited out as status says", seen(client=client(dict(FAILING))), 19,
              _wait(20, standing=True)),
        _case("a changed spec ends the wait", seen(client=client(dict(FAILING), generation=2)), 19, Refresh()),
        _case("a person's request ends the wait", seen(client=client(dict(FAILING), requested_at="now")), 19,
              Refresh()),
        _case("a failure's time has come", seen(client=client(dict(FAILING))), 20, Refresh()),
        _case("a person's request is answered before the time", seen(client=client(requested_at="now")), 5, Refresh()),
        _case("but not within the interval of a grant", seen(client=client(requested_at="now")), 0.5, _wait(1)),
        _case("nor within the interval after a failure",
              seen(client=client({"lastFailureTime": rfc3339(T0 + 5 * MINUTE)}, requested_at="now")), 5.5, _wait(6)),
        _case("a token of other inputs is replaced", seen(inputs=replace(INPUTS, fingerprint="i2")), 5, Refresh()),
        _case("but not within the interval", seen(inputs=replace(INPUTS, fingerprint="i2")), 0.5, _wait(1)),
        _case("a chain that never had a token is used at once",
              seen(grant=BEGUN, claim=ITS_CLAIM, chain_claim=ITS_CLAIM), 0,
              Refresh()),
        _case("a chain with an unusable token keeps the interval", seen(grant=grant(token=None)), 0.5, _wait(1)),
        _case("a client's own credentials: before its time", seen(inputs=CREDENTIALS_CLIENT, grant=None), 17,
              _wait(18)),
        _case("a client's own credentials: at its time", seen(inputs=CREDENTIALS_CLIENT, grant=None), 18,
              RequestToken()),
        _case("a client's own credentials: without a token, now",
              seen(inputs=CREDENTIALS_CLIENT, grant=None, secret=TokenSecret()), 0, RequestToken()),
        _case("a client's own credentials: deleted again and again keeps the interval",
              seen(inputs=CREDENTIALS_CLIENT, grant=None, secret=TokenSecret(),
                   client=client({"lastRefreshTime": rfc3339(T0)})), 0.5, _wait(1)),
    ],
)  # fmt: skip
def test_decide(facts: Observed, after: float, expected: Decision) -> None:
    """The table of decisions."""
    assert decide(facts, T0 + after * MINUTE) == expected


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        pytest.param("namespace_uid", Reason.INPUTS_CHANGED, id="a namespace created again"),
        pytest.param("namespace", Reason.INPUTS_CHANGED, id="another namespace"),
        pytest.param("name", Reason.INPUTS_CHANGED, id="another name"),
        pytest.param("client_id", Reason.INPUTS_CHANGED, id="another client id"),
        pytest.param("server_name", Reason.INPUTS_CHANGED, id="another server"),
        pytest.param("server_identity", Reason.ENDPOINT_CHANGED, id="another issuer behind the same name"),
        pytest.param("token_url", Reason.ENDPOINT_CHANGED, id="another token endpoint"),
    ],
)
def test_a_grant_is_sent_only_for_what_it_was_issued_for(field: str, reason: Reason) -> None:
    """Each part of the binding counts, due or not, whoever asks."""
    other = replace(BINDING, **{field: "other"})
    decision = decide(seen(grant=grant(binding=other), client=client(requested_at="now")), T0 + 18 * MINUTE)
    assert isinstance(decision, Stall)
    assert decision.problem.reason is reason


def test_an_unknown_token_endpoint_is_no_changed_one() -> None:
    """Discovery that is down must not stall a grant."""
    unknown = replace(INPUTS, endpoints=DISCOVERY_DOWN, binding=replace(BINDING, token_url=""))
    assert decide(seen(inputs=unknown), T0 + 18 * MINUTE) == Fail(DISCOVERY_DOWN)


IN_FLIGHT = grant(pending=pending())
SECOND = 1 / 60


@pytest.mark.parametrize(
    ("facts", "after", "expected"),
    [
        _case("ours: wait for the ladder", seen(grant=IN_FLIGHT, holder=OURS), 18, _wait(18 + SECOND, standing=True)),
        _case("ours: repeat in doubt", seen(grant=IN_FLIGHT, holder=OURS), 18 + SECOND, Refresh(doubt=True)),
        _case("ours: the fourth try waits 20 s", seen(grant=grant(pending=pending(tries=4)), holder=OURS), 18.2,
              Wait(T0 + 18 * MINUTE + timedelta(seconds=20), standing=True)),
        _case("a dead holder's is taken over", seen(grant=IN_FLIGHT, holder=DEAD), 18, Refresh(doubt=True)),
        _case("an unknown holder's is left until 3 minutes before the end", seen(grant=IN_FLIGHT, holder=UNKNOWN), 19,
              _wait(27, standing=True)),
        _case("however long it was seen",
              seen(grant=IN_FLIGHT, holder=UNKNOWN, attempt_seen_for=timedelta(hours=1)), 19,
              _wait(27, standing=True)),
        _case("then it is taken over, if it was seen for a minute",
              seen(grant=IN_FLIGHT, holder=UNKNOWN, attempt_seen_for=MINUTE), 27, Refresh(doubt=True)),
        _case("and not before", seen(grant=IN_FLIGHT, holder=UNKNOWN, attempt_seen_for=MINUTE / 2), 27,
              _wait(27.5, standing=True)),
        _case("without a token a minute is enough",
              seen(grant=grant(pending=pending(), token=None), holder=UNKNOWN, attempt_seen_for=MINUTE), 19,
              Refresh(doubt=True)),
        _case("a failure in status does not postpone a take-over",
              seen(grant=IN_FLIGHT, holder=DEAD, client=client(dict(FAILING))), 19, Refresh(doubt=True)),
        _case("a seed that is already in flight is not adopted anew",
              seen(grant=IN_FLIGHT, holder=UNKNOWN, inputs=replace(INPUTS)), 19, _wait(27, standing=True)),
        _case("suspended: not even a take-over", seen(grant=IN_FLIGHT, holder=DEAD, inputs=SUSPENDED), 19, Wait(None)),
        _case("after the grant's declared end nothing is repeated", seen(grant=IN_FLIGHT, holder=OURS),
              24 * 60 + 1, _lost(T0 + timedelta(hours=24))),
        _case("after the grant's announced end nothing is repeated",
              seen(grant=replace(IN_FLIGHT, refresh_expires_at=T0 + 19 * MINUTE), holder=OURS), 20,
              _lost(T0 + 19 * MINUTE)),
    ],
)  # fmt: skip
def test_in_flight(facts: Observed, after: float, expected: Decision) -> None:
    """A stored intent: whose it is, and when its refresh token may be sent again."""
    assert decide(facts, T0 + after * MINUTE) == expected


def test_a_short_token_leaves_a_quarter_of_its_life() -> None:
    """Three minutes would be most of it."""
    held = IN_FLIGHT.token
    assert held is not None
    short = replace(held, expires_at=T0 + 4 * MINUTE)
    facts = seen(grant=replace(IN_FLIGHT, token=short), holder=UNKNOWN, attempt_seen_for=MINUTE)
    assert decide(facts, T0 + 2.9 * MINUTE) == _wait(3, standing=True)
    assert decide(facts, T0 + 3 * MINUTE) == Refresh(doubt=True)


def test_a_new_seed_cures_a_rolled_back_grant() -> None:
    """The remedy of GrantRolledBack is a new seed."""
    assert decide(seen(grant=grant(seq=6), inputs=NEW_SEED), T0) == AdoptSeed()
