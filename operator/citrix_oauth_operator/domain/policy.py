"""DECIDE: an ordered chain of small checks; the first that has an opinion wins, the order is part of the contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from . import endings, problems, protocol, sign_in_problems
from .decisions import AdoptSeed, Decision, EndSignIn, Fail, Redeem, Refresh, RequestToken, Stall, Wait
from .due import after_failure, due_time, grant_end
from .model import Binding, Grant, Liveness
from .observed import Observed
from .problem import Problem
from .reasons import HELD_BACK, ConditionType, Reason
from .schedule import (
    COMMIT_RECHECK,
    HOURLY,
    INTENT_DEADLINE,
    OWNERSHIP_RECHECK,
    PASSWORD_RECHECK,
    TAKE_OVER_MARGIN,
    ladder_delay,
    take_over_reserve,
)
from .server import Endpoints
from .sign_in import CODE_LIVES, SignInResult
from .spec import GrantType

Check = Callable[[Observed, datetime], Decision | None]


def claimed_by_another(seen: Observed, _now: datetime) -> Decision | None:
    """One operator a client: another one's claim in status is never ignored."""
    claimed = seen.client.status.operator_namespace
    if claimed and claimed != seen.operator_namespace:
        return Stall(problems.claimed_by_another(claimed, seen.operator_namespace), HOURLY)
    return None


def inputs_missing(seen: Observed, _now: datetime) -> Decision | None:
    """Something the token is made from is missing or wrong."""
    if not isinstance(seen.inputs, Problem):
        return None
    return Fail(seen.inputs) if seen.inputs.transient else Stall(seen.inputs, HOURLY)


def suspended(seen: Observed, _now: datetime) -> Decision | None:
    """`spec.suspend`: no token requests."""
    return Wait(None) if seen.ready_inputs.spec.suspend else None


def rolled_back(seen: Observed, _now: datetime) -> Decision | None:
    """A grant Secret from a backup holds a spent refresh token."""
    grant, status = seen.grant, seen.client.status
    if grant and grant.chain == status.chain and grant.seq < status.seq:
        return Stall(problems.GRANT_ROLLED_BACK)
    return None


def answer_kept(seen: Observed, now: datetime) -> Decision | None:
    """An answer waits in the spill folder to be committed: nothing is sent that it may have replaced."""
    return Wait(now + COMMIT_RECHECK, standing=True) if seen.answer_kept else None


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
    grant, claim = _grant(seen), seen.chain_claim
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


def binding_changed(seen: Observed, _now: datetime) -> Decision | None:
    """A refresh token is sent only for what it was issued for."""
    wanted, bound = seen.ready_inputs.binding, _grant(seen).binding
    ours = (wanted.namespace_uid, wanted.namespace, wanted.name, wanted.client_id, wanted.server_name)
    theirs = (bound.namespace_uid, bound.namespace, bound.name, bound.client_id, bound.server_name)
    if ours != theirs:
        return Stall(problems.inputs_changed(_differences(wanted, bound)))
    if wanted.server_identity != bound.server_identity:
        return Stall(problems.ENDPOINT_CHANGED)
    if wanted.token_url and wanted.token_url != bound.token_url:
        return Stall(problems.ENDPOINT_CHANGED)
    return None


def _differences(wanted: Binding, bound: Binding) -> list[str]:
    fields = {"spec.clientID": "client_id", "spec.authorizationServerRef": "server_name"}
    changed = [path for path, name in fields.items() if getattr(wanted, name) != getattr(bound, name)]
    return changed or ["the namespace (deleted and created again)"]


def refresh_token_rejected(seen: Observed, now: datetime) -> Decision | None:
    """The server's final word about this refresh token; a person's request allows one more try, as does an hour."""
    rejection = _grant(seen).rejection
    if rejection is None or seen.client.forced:
        return None
    if rejection.problem.reason not in HELD_BACK:
        return Stall(rejection.problem)
    return Stall(rejection.problem, rejection.at + HOURLY - now) if now < rejection.at + HOURLY else None


def credential_refused(seen: Observed, now: datetime) -> Decision | None:
    """A refused client credential is tried again hourly, or when it changes, or when a person asks."""
    refusal = seen.refusal
    if refusal is None or seen.client.forced or now >= refusal.at + HOURLY:
        return None
    return Stall(refusal.problem, refusal.at + HOURLY - now)


def in_flight(seen: Observed, now: datetime) -> Decision | None:
    """An intent is stored: repeat it after the ladder's delay if it is ours, take it over when that is safe."""
    grant = _grant(seen)
    pending = grant.pending
    if pending is None:
        return None
    end = grant_end(grant, seen.ready_inputs.server.refresh_token_lifetime)
    if end is not None and now > end:
        return Stall(endings.ended_in_doubt(pending, end))
    if seen.holder is Liveness.DEAD and pending.tries == 1:
        return Refresh(doubt=True)  # at once: a server's grace period may be running
    if seen.holder is not Liveness.UNKNOWN:
        due = pending.started + ladder_delay(pending.tries)  # of a dead one, too: a crash loop must not hammer
        return Refresh(doubt=True) if now >= due else Wait(due, standing=True)
    return _after_somebody_else(seen, now)


def _after_somebody_else(seen: Observed, now: datetime) -> Decision:
    grant = _grant(seen)
    pending, token = grant.pending, grant.token
    if pending is None:
        raise TypeError("checked by in_flight")
    patience = pending.deadline - pending.started + TAKE_OVER_MARGIN - seen.attempt_seen_for
    if token is not None:
        # its answer may lie in its spill folder: leave it to come back for as long as the published token allows
        patience = max(patience, token.expires_at - take_over_reserve(token.lifetime) - now)
    return Refresh(doubt=True) if patience <= timedelta(0) else Wait(now + patience, standing=True)


def backing_off(seen: Observed, now: datetime) -> Decision | None:
    """After a failure wait as status says, unless the spec changed or a person asked."""
    client, status = seen.client, seen.client.status
    if status.reason_of(ConditionType.REFRESH_FAILED) == Reason.BREAKER_OPEN:
        return None  # the breaker knows when
    unchanged = client.generation == status.observed_generation and not client.forced
    if unchanged and status.has(ConditionType.REFRESH_FAILED) and status.next_refresh and now < status.next_refresh:
        return Wait(status.next_refresh, standing=True)
    return None


def not_due(seen: Observed, now: datetime) -> Decision | None:
    """The token lives and its stored due time has not come."""
    due, failed = due_time(seen), after_failure(seen)
    failing = failed is not None and now < failed and seen.client.status.has(ConditionType.REFRESH_FAILED)
    return Wait(due, standing=failing) if now < due else None


def endpoint_unknown(seen: Observed, _now: datetime) -> Decision | None:
    """Due, but discovery has no token endpoint to offer."""
    endpoints = seen.ready_inputs.endpoints
    if not isinstance(endpoints, Problem):
        return None
    return Fail(endpoints) if endpoints.transient else Stall(endpoints, HOURLY)


def refresh_now(seen: Observed, _now: datetime) -> Decision | None:
    """Nothing is in the way; a token that was lost once stays in doubt when a person asks for one more try."""
    return Refresh(doubt=protocol.was_lost(_grant(seen)))


def nowhere_to_keep_it(seen: Observed, _now: datetime) -> Decision | None:
    """A token that nothing rotates is kept in the token Secret alone: while that is not ours, none is asked for."""
    foreign = seen.secret.exists and not seen.secret.ours
    return Stall(problems.secret_not_owned(seen.secret_name), OWNERSHIP_RECHECK) if foreign else None


def password_marked(seen: Observed, now: datetime) -> Decision | None:
    """A password that was refused, or whose answer nobody heard, is not posted; a primary token needs none.

    Nor does a certificate: StoreFront's offer decides between them, and whoever posts the password meets its mark then.
    """
    mark = seen.mark
    if mark is None or seen.primary is not None or seen.ready_inputs.spec.needs_certificate:
        return None
    if seen.client.forced and mark.yields_to(seen.client.requested_at, now):
        return None
    if mark.awaits_answer(seen.marked_by, now):
        return Wait(now + PASSWORD_RECHECK, standing=True)
    return Stall(mark.problem or problems.password_in_doubt(mark.sent_at))


def request_now(_seen: Observed, _now: datetime) -> Decision | None:
    """Nothing is in the way."""
    return RequestToken()


REFRESH_TOKEN_CHAIN: tuple[Check, ...] = (
    claimed_by_another,
    inputs_missing,
    suspended,
    credential_refused,
    answer_kept,
    sign_in,
    new_seed,
    rolled_back,
    no_grant,
    chain_unclaimed,
    binding_changed,
    refresh_token_rejected,
    in_flight,
    backing_off,
    not_due,
    endpoint_unknown,
    refresh_now,
)

CLIENT_CREDENTIALS_CHAIN: tuple[Check, ...] = (
    claimed_by_another,
    inputs_missing,
    suspended,
    credential_refused,
    nowhere_to_keep_it,
    backing_off,
    not_due,
    endpoint_unknown,
    request_now,
)


CITRIX_AUTH_CHAIN: tuple[Check, ...] = (
    claimed_by_another,
    inputs_missing,
    suspended,
    credential_refused,
    nowhere_to_keep_it,
    backing_off,
    not_due,
    password_marked,
    request_now,
)


def decide(seen: Observed, now: datetime) -> Decision:
    """Return the first answer of the grant type's chain.

    Raises:
        LookupError: a chain without a last word; a test shows that this cannot happen.
    """
    return next(answer for check in chain_of(seen) if (answer := check(seen, now)))


def chain_of(seen: Observed) -> tuple[Check, ...]:
    """Return the checks that apply to the client's grant type."""
    if isinstance(seen.inputs, Problem) or seen.inputs.spec.grant_type is GrantType.REFRESH_TOKEN:
        return REFRESH_TOKEN_CHAIN
    chains = {GrantType.CITRIX_AUTH: CITRIX_AUTH_CHAIN}
    return chains.get(seen.inputs.spec.grant_type, CLIENT_CREDENTIALS_CHAIN)


def _grant(seen: Observed) -> Grant:
    if seen.grant is None:
        raise TypeError("checked by no_grant")
    return seen.grant
