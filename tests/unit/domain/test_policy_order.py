"""The order of the chains is part of the contract: of two checks that have an opinion, the earlier one wins."""

from dataclasses import dataclass, field, replace
from itertools import combinations

import pytest

from citrix_oauth_operator.domain import beginnings, hindrances, policy, stored_grants
from citrix_oauth_operator.domain.decisions import Wait
from citrix_oauth_operator.domain.model import Claim, Liveness, Refusal, TokenSecret
from citrix_oauth_operator.domain.observed import Observed, PastStatus
from citrix_oauth_operator.domain.policy import CLIENT_CREDENTIALS_CHAIN, REFRESH_TOKEN_CHAIN, Check
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import Login
from tests.unit import people
from tests.unit.examples import CLIENT, MINUTE, STATUS, TOKEN, WELL, condition, pending, rejected
from tests.unit.fakes import T0

NOW = T0 + 20 * MINUTE


@dataclass
class Facts:
    """Changes to the client that is well, collected before they are applied."""

    seen: dict[str, object] = field(default_factory=dict)
    grant: dict[str, object] = field(default_factory=dict)
    inputs: dict[str, object] = field(default_factory=dict)
    status: dict[str, object] = field(default_factory=dict)

    def __or__(self, other: "Facts") -> "Facts":
        parts = ("seen", "grant", "inputs", "status")
        return Facts(*({**getattr(self, part), **getattr(other, part)} for part in parts))

    def observed(self) -> Observed:
        """Return the facts as a pass sees them."""
        status = PastStatus.parse({**STATUS, **self.status})
        base = replace(WELL, client=replace(CLIENT, status=status))
        assert base.grant is not None
        grant = replace(base.grant, **self.grant)  # type: ignore[arg-type] # the fields' names are the table's
        inputs = replace(base.ready_inputs, **self.inputs)  # type: ignore[arg-type] # as above
        return replace(base, **{"grant": grant, "inputs": inputs, **self.seen})  # type: ignore[arg-type] # as above


REFUSED = Refusal(Problem(Reason.CLIENT_REJECTED, "no"), T0)
FAILING: dict[str, object] = {
    "conditions": [condition("RefreshFailed", "True", "ServerError")],
    "nextRefreshTime": "2026-03-01T12:40:00Z",
}
LATER = replace(TOKEN, refresh_at=NOW + MINUTE)
SPEC = WELL.ready_inputs.spec

#: For each check, facts that give it an opinion.
TRIGGERS: dict[Check, Facts] = {
    policy.claimed_by_another: Facts(status={"grant": {"namespace": "other", "chain": "chain-1", "seq": 7}}),
    policy.inputs_missing: Facts(seen={"inputs": Problem(Reason.SPEC_INVALID, "wrong")}),
    policy.suspended: Facts(inputs={"spec": replace(SPEC, suspend=True)}),
    stored_grants.rolled_back: Facts(status={"grant": {"namespace": "ops", "chain": "chain-1", "seq": 9}}),
    hindrances.credential_refused: Facts(seen={"refusal": REFUSED}),
    hindrances.answer_kept: Facts(seen={"answer_kept": True}),
    beginnings.sign_in: Facts(seen={"login": Login("uid-login", "1", people.hand_over())}),
    beginnings.new_seed: Facts(inputs={"seed": SecretText("CANARY-new")}, seen={"claim": None}),
    beginnings.no_grant: Facts(seen={"grant": None, "claim": Claim("x", "c9", adopted=True)}, inputs={"seed": None}),
    beginnings.chain_unclaimed: Facts(grant={"seq": 0, "chain": "c9"}, inputs={"seed": None}),
    stored_grants.binding_changed: Facts(inputs={"binding": replace(WELL.ready_inputs.binding, client_id="x")}),
    stored_grants.refresh_token_rejected: Facts(grant={"rejection": rejected()}),
    stored_grants.in_flight: Facts(grant={"pending": pending()}, seen={"holder": Liveness.DEAD}),
    hindrances.backing_off: Facts(status=FAILING),
    hindrances.not_due: Facts(grant={"token": LATER}, seen={"secret": replace(WELL.secret, token=LATER)}),
    hindrances.endpoint_unknown: Facts(inputs={"endpoints": Problem(Reason.DISCOVERY_FAILED, "none")}),
    stored_grants.refresh_now: Facts(),
    policy.nowhere_to_keep_it: Facts(seen={"secret": TokenSecret(exists=True)}),
    policy.request_now: Facts(),
}

ORDER = [
    "claimed_by_another",
    "inputs_missing",
    "suspended",
    "credential_refused",
    "answer_kept",
    "sign_in",
    "new_seed",
    "rolled_back",
    "no_grant",
    "chain_unclaimed",
    "binding_changed",
    "refresh_token_rejected",
    "in_flight",
    "backing_off",
    "not_due",
    "endpoint_unknown",
    "refresh_now",
]


def _name(check: Check) -> str:
    return getattr(check, "__name__", "?")


def test_the_order_is_the_documented_one() -> None:
    """A change here is a change of the contract; both lists change together."""
    assert [_name(check) for check in REFRESH_TOKEN_CHAIN] == ORDER
    own = {policy.nowhere_to_keep_it}
    shared = [_name(check) for check in CLIENT_CREDENTIALS_CHAIN[:-1] if check not in own]
    assert shared == [name for name in map(_name, REFRESH_TOKEN_CHAIN) if name in shared]
    assert CLIENT_CREDENTIALS_CHAIN[-1] is policy.request_now


@pytest.mark.parametrize("check", [*REFRESH_TOKEN_CHAIN, *CLIENT_CREDENTIALS_CHAIN], ids=_name)
def test_each_check_has_an_opinion_about_its_facts(check: Check) -> None:
    """The facts below are what the pairs are made of."""
    facts = TRIGGERS[check].observed()
    assert check(facts, NOW) is not None


#: Where the earlier check's facts exclude the later one's.
EXCLUSIVE = {("new_seed", "no_grant"), ("no_grant", "binding_changed"), ("rolled_back", "no_grant")}
EXCLUSIVE |= {("no_grant", "chain_unclaimed"), ("new_seed", "chain_unclaimed"), ("rolled_back", "chain_unclaimed")}


def _pairs(chain: tuple[Check, ...]) -> list[object]:
    pairs = [pair for pair in combinations(chain, 2) if (_name(pair[0]), _name(pair[1])) not in EXCLUSIVE]
    return [pytest.param(*pair, id=f"{_name(pair[0])} before {_name(pair[1])}") for pair in pairs]


@pytest.mark.parametrize(("earlier", "later"), _pairs(REFRESH_TOKEN_CHAIN))
def test_the_earlier_check_wins(earlier: Check, later: Check) -> None:
    """With the facts of both, the decision is the earlier one's."""
    facts = (TRIGGERS[later] | TRIGGERS[earlier]).observed()
    if later is beginnings.no_grant or earlier is beginnings.no_grant:
        facts = replace(facts, grant=None)
    assert policy.decide(facts, NOW) == earlier(facts, NOW)
    assert policy.decide(facts, NOW) is not None


def test_a_wait_is_the_same_however_often_it_is_asked_for() -> None:
    """Deciding draws no jitter: a refresh cannot be postponed for ever."""
    answers = {policy.decide(WELL, T0 + minute * MINUTE) for minute in range(18)}
    assert answers == {Wait(TOKEN.refresh_at)}
