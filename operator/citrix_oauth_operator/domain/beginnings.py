"""Checks of how a chain begins: by the code of a sign-in, by a seed, or not yet."""

from __future__ import annotations

from datetime import datetime

from . import problems, sign_in_problems
from .decisions import AdoptSeed, Decision, EndSignIn, Redeem, Refresh, Stall, Wait
from .hindrances import backing_off, endpoint_unknown
from .model import Liveness
from .observed import Observed
from .problem import Problem
from .reasons import HELD_BACK, ConditionType
from .schedule import INTENT_DEADLINE, TAKE_OVER_MARGIN
from .server import Endpoints
from .sign_in import CODE_LIVES, SignInResult
from .stored_grants import in_flight, refresh_token_rejected, stored


def sign_in(seen: Observed, now: datetime) -> Decision | None:
    """A code that somebody brought is redeemed before anything else is sent, once; meanwhile the old chain rests."""
    login = seen.login
    if login is None:
        return None
    if isinstance(login.sign_in, Problem):
        return EndSignIn(login, SignInResult(login.uid, now, login.sign_in))
    claim, grant = login.claim, seen.grant
    if claim is None:
        if login.since is not None and now - login.since > CODE_LIVES:  # the old chain must not rest for ever
            hindrance = seen.client.status.reason_of(ConditionType.REFRESH_FAILED)
            return EndSignIn(login, SignInResult(login.uid, now, sign_in_problems.too_old(hindrance)))
        endpoints = seen.ready_inputs.endpoints
        if isinstance(endpoints, Endpoints) and endpoints.token != login.sign_in.token_endpoint:
            return EndSignIn(login, SignInResult(login.uid, now, sign_in_problems.OF_ANOTHER_SERVER))
        return backing_off(seen, now) or endpoint_unknown(seen, now) or Redeem(login)
    if grant is not None and grant.chain == claim.chain:
        return EndSignIn(login, SignInResult(login.uid, now, subject=grant.subject))
    until = claim.at + INTENT_DEADLINE + TAKE_OVER_MARGIN
    if login.holder is Liveness.UNKNOWN and now < until:
        return Wait(until, standing=True)  # it may be on its way in another process
    return EndSignIn(login, SignInResult(login.uid, now, sign_in_problems.unknown(claim.at)))


def new_seed(seen: Observed, now: datetime) -> Decision | None:
    """A seed that no chain began with starts a new chain; a used one is ignored while a chain lives."""
    seed, grant, claim = seen.ready_inputs.seed, seen.grant, seen.claim
    if seed is None:
        return None
    begun = grant is not None and grant.seed == seed.fingerprint(64)
    if grant is not None and begun and grant.seq > 0:
        return None
    if claim is None or (claim.uid == seen.client.ref.uid and not claim.adopted):
        return (
            (_claim_gone(seen, now) if begun and claim is None else None) or endpoint_unknown(seen, now) or AdoptSeed()
        )
    return None if begun or _is_wanted(seen) else Stall(problems.SEED_ALREADY_USED)


def _is_wanted(seen: Observed) -> bool:
    """Whether what is stored may work yet: it lives, or a person asks for one more try, or time may cure it."""
    if seen.grant is None:
        return False
    rejection = seen.grant.rejection
    return rejection is None or rejection.problem.reason in HELD_BACK or seen.client.forced


def _claim_gone(seen: Observed, now: datetime) -> Decision | None:
    """The seed's chain is stored and nobody claims it: just begun, or its claim was deleted and the seed was sent."""
    decision = refresh_token_rejected(seen, now) or in_flight(seen, now)
    return None if isinstance(decision, Refresh) else decision


def chain_unclaimed(seen: Observed, _now: datetime) -> Decision | None:
    """A chain just begun is sent under its own claim only: without it, its seed is somebody else's."""
    grant, claim = stored(seen), seen.chain_claim
    if grant.seq > 0 or (claim is not None and claim.adopted and claim.chain == grant.chain):
        return None
    return Stall(problems.SEED_ALREADY_USED)


def no_grant(seen: Observed, now: datetime) -> Decision | None:
    """Nothing to refresh: a person must give a seed or sign in, once the customer's document lets them."""
    if seen.grant is not None:
        return None
    spec, server = seen.ready_inputs.spec, seen.ready_inputs.server
    if not server.issues_refresh_tokens:
        return Stall(problems.no_refresh_tokens(str(server.type)))
    hindered = endpoint_unknown(seen, now) if spec.customer else None
    return hindered or Stall(problems.login_required(spec.credentials_name))
