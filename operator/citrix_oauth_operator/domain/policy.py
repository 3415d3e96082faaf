"""DECIDE: an ordered chain of small checks; the first that has an opinion wins, the order is part of the contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from . import problems
from .beginnings import chain_unclaimed, new_seed, no_grant, sign_in
from .decisions import Decision, Fail, RequestToken, Stall, Wait
from .hindrances import answer_kept, backing_off, credential_refused, endpoint_unknown, not_due
from .observed import Observed
from .problem import Problem
from .schedule import HOURLY, OWNERSHIP_RECHECK, PASSWORD_RECHECK
from .spec import GrantType
from .stored_grants import binding_changed, in_flight, refresh_now, refresh_token_rejected, rolled_back

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
