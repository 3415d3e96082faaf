"""How the stored grant changes: the write protocol's steps as pure functions (docs/lifecycle.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from . import endings
from .answers import Granted
from .kinds import LifetimeModel
from .lifetimes import announced, latest_end
from .model import Binding, Doubt, Grant, Holder, Pending, Rejection, Token
from .observed import Inputs
from .problem import Problem
from .reasons import DEAD_GRANT, HELD_BACK, Reason
from .schedule import INTENT_DEADLINE, refresh_due
from .secrecy import SecretText
from .server import Server


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a refresh token: who, when, under which id, and at whose wish (`requested-at`), if any."""

    id: str
    holder: Holder
    now: datetime
    wish: str = ""


def begin_chain(old: Grant | None, chain: str, seed: SecretText, binding: Binding, now: datetime) -> Grant:
    """Return the grant that starts with a seed; of the old chain only the access token stays for a while."""
    return Grant(
        chain=chain,
        seq=0,
        seed=seed.fingerprint(64),
        refresh_token=seed,
        binding=binding,
        started_at=now,
        received_at=now,
        token=old.token if old else None,
        learned=old.learned if old else LifetimeModel.UNKNOWN,
    )


def begin_sign_in(old: Grant | None, chain: str, code: SecretText, binding: Binding, attempt: Attempt) -> Grant:
    """Return the grant that a sign-in begins, its code in the place of a refresh token: it is held, never stored.

    What is stored stays the old chain, untouched, until an answer with a refresh token is committed over it. The seed
    that the old one began with stays known: it lies in the credentials Secret still, and was spent.
    """
    grant = begin_chain(old, chain, code, binding, attempt.now)
    return intend(replace(grant, seed=old.seed) if old else grant, attempt, doubt=False)


def intend(grant: Grant, attempt: Attempt, *, doubt: bool) -> Grant:
    """Return the grant with the intent to send its refresh token once more (step 5)."""
    before = grant.pending
    cause, since = _why_in_doubt(before, attempt.holder) if doubt else _known(before)
    if grant.spent_at and cause is None:
        doubt, cause, since = True, Doubt.SUCCESSOR_UNUSABLE, grant.spent_at
    pending = Pending(
        attempt=attempt.id,
        seq=grant.seq,
        fingerprint=grant.refresh_token.fingerprint(),
        holder=attempt.holder,
        first_sent=before.first_sent if before else attempt.now,
        started=attempt.now,
        deadline=attempt.now + INTENT_DEADLINE,
        tries=before.tries + 1 if before else 1,
        doubt=doubt or (before is not None and before.doubt),
        cause=cause,
        unknown_since=since,
    )
    return replace(grant, pending=pending, rejection=None, wish=attempt.wish or grant.wish)


def _known(pending: Pending | None) -> tuple[Doubt | None, datetime | None]:
    return (pending.cause, pending.unknown_since) if pending else (None, None)


def _why_in_doubt(before: Pending | None, holder: Holder) -> tuple[Doubt | None, datetime | None]:
    """Return why an intent is repeated in doubt: as recorded, else by whose it was."""
    if before is None or before.cause is not None:
        return _known(before)
    return (Doubt.ANSWER_LOST if before.holder == holder else Doubt.PROCESS_ENDED), before.started


def renew(grant: Grant, attempt: Attempt) -> Grant:
    """Return the grant whose intent was not used in time, for the same try begun anew."""
    if grant.pending is None:
        raise TypeError("an intent was written before")
    pending = replace(
        grant.pending,
        attempt=attempt.id,
        first_sent=attempt.now if grant.pending.tries == 1 else grant.pending.first_sent,
        started=attempt.now,
        deadline=attempt.now + INTENT_DEADLINE,
    )
    return replace(grant, pending=pending)


def commit(grant: Grant, granted: Granted, terms: Terms, now: datetime) -> Grant:
    """Return the grant after an answer with tokens (step 8): the next `seq`, no intent.

    An unusable access token costs nothing but itself: the refresh token is kept, the old access token stays. A bad
    refresh token leaves the old one, which is sent again in doubt: the server has probably replaced it.
    """
    rotated = granted.refresh_token is not None
    sent_at = grant.pending.first_sent if grant.pending else now
    end = _announced_end(grant, granted, sent_at)
    return replace(
        grant,
        seq=grant.seq + 1,
        refresh_token=granted.refresh_token or grant.refresh_token,
        received_at=now if rotated else grant.received_at,
        refresh_expires_at=end,
        learned=announced(grant, end, sent_at),
        token=new_token(granted, terms, sent_at) or grant.token,
        pending=None,
        rejection=None,
        spent_at=sent_at if granted.successor_unusable else None,
    )


def _announced_end(grant: Grant, granted: Granted, sent_at: datetime) -> datetime | None:
    """Return the refresh token's end: as announced now; as announced before, if it is still the same token."""
    if granted.refresh_lifetime is not None:
        return sent_at + granted.refresh_lifetime
    return grant.refresh_expires_at if granted.refresh_token is None else None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new token's times depend on besides the answer.

    Attributes:
        default_lifetime: where the answer says nothing of it.
        share: 0..1, random, drawn once.
    """

    at_percent: int
    min_interval: timedelta
    default_lifetime: timedelta
    inputs: str
    authorization: str
    share: float
    customer_id: str = ""


def terms(inputs: Inputs, share: float) -> Terms:
    """Return the terms of a token made from `inputs`."""
    server = inputs.server
    return Terms(
        at_percent=inputs.spec.at_percent,
        min_interval=server.requests.min_interval,
        default_lifetime=server.access_token_lifetime,
        inputs=inputs.fingerprint,
        authorization=inputs.authorization,
        share=share,
        customer_id=inputs.customer_id,
    )


def new_token(granted: Granted, terms: Terms, sent_at: datetime) -> Token | None:
    """Return the access token with its times, counted from when it was asked for, or None when it is unusable."""
    if granted.access_token is None:
        return None
    return Token(
        access_token=granted.access_token,
        issued_at=sent_at,
        expires_at=sent_at + granted.lifetime,
        refresh_at=refresh_due(sent_at, granted.lifetime, terms.at_percent, terms.share, terms.min_interval),
        inputs=terms.inputs,
        scopes=granted.scopes or (),
        authorization=terms.authorization,
        customer_id=terms.customer_id,
    )


def refuse(grant: Grant, verdict: Problem, now: datetime) -> Grant:
    """Return the grant after a definite no: a dead grant remembers why; any other no leaves an older doubt standing."""
    if verdict.reason in HELD_BACK:
        return replace(not_sent(grant), rejection=Rejection(verdict, now))
    if verdict.reason not in DEAD_GRANT:
        return not_sent(grant)
    return replace(grant, pending=None, rejection=Rejection(verdict, now))


def verdict_on(grant: Grant, problem: Problem, server: Server, now: datetime) -> Problem:
    """Return what a refusal means: `invalid_grant` after a doubt is a lost rotation, after the end an expiry.

    Where a replaced token goes on working, no doubt is what ended the grant.
    """
    if problem.reason not in DEAD_GRANT:
        return problem
    end = latest_end(grant, server)
    if grant.pending is not None and grant.pending.doubt and not server.reusable:
        named = endings.rotation_lost(grant.pending, now)
    elif end is not None and now > end:
        named = endings.grant_expired(end, now)
    elif problem.reason is Reason.GRANT_REJECTED:
        return replace(problem, message=endings.grant_rejected(grant, now))
    else:
        return problem
    return replace(
        named,
        oauth_error=problem.oauth_error,
        http_status=problem.http_status,
        server_code=problem.server_code,
        transaction_id=problem.transaction_id,
        claims=problem.claims,
    )


def was_lost(grant: Grant) -> bool:
    """Whether the refresh token was refused after a doubt: sent once more, it is in doubt still."""
    return grant.rejection is not None and grant.rejection.problem.reason is Reason.ROTATION_LOST


def not_sent(grant: Grant) -> Grant:
    """Return the grant after a request of which nothing reached the wire; an older doubt stays."""
    pending = grant.pending
    if pending is None or pending.doubt:
        return grant
    return replace(grant, pending=None)


_DOUBTS = {Reason.OUTCOME_UNKNOWN: Doubt.ANSWER_LOST, Reason.SERVER_ERROR: Doubt.SERVER_ERROR}


def in_doubt(grant: Grant, reason: Reason = Reason.OUTCOME_UNKNOWN) -> Grant:
    """Return the grant after a request whose outcome is unknown; the first such sending is the one remembered."""
    pending = grant.pending
    if pending is None:
        return grant
    cause, since = pending.cause or _DOUBTS.get(reason, Doubt.UNREADABLE), pending.unknown_since or pending.started
    return replace(grant, pending=replace(pending, doubt=True, cause=cause, unknown_since=since))
