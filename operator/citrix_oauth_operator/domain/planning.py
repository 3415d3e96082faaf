"""What comes after a pass: fold facts and findings into one Outcome, with the next times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from . import problems
from .decisions import Decision, Stall, Wait
from .due import due_time
from .lifetimes import end_of
from .model import TokenSecret
from .observed import Inputs, Observed
from .outcome import Marks, Outcome
from .problem import Problem
from .reasons import ANSWERED, RETRIED_HOURLY, Reason
from .schedule import BREAKER_RECHECK, HOURLY, OWNERSHIP_RECHECK, UNREACHABLE_CEILING, backoff, ladder_delay, spread
from .spec import GrantType


@dataclass(frozen=True, slots=True)
class Act:
    """What one pass decided and did; `share` is random, drawn once."""

    decision: Decision
    problem: Problem | None
    publish_problem: Problem | None
    attempted: bool
    share: float


def plan(seen: Observed, secret: TokenSecret, act: Act, now: datetime) -> Outcome:
    """Return the outcome of a pass whose facts afterwards are `seen` and `secret`."""
    standing = isinstance(act.decision, Wait) and act.decision.standing
    next_refresh = _next_refresh(seen, secret, act, now)
    outcome = Outcome(
        client=seen.client,
        operator_namespace=seen.operator_namespace,
        secret_name=seen.secret_name,
        token=secret.token,
        current=_current(seen, secret),
        grant=seen.grant,
        problem=_told(seen, act.problem),
        publish_problem=act.publish_problem,
        standing=standing,
        attempted=act.attempted,
        suspended=isinstance(seen.inputs, Inputs) and seen.inputs.spec.suspend,
        next_refresh=next_refresh,
        look_again=_look_again(seen, secret, act, next_refresh, now),
        grant_end=_grant_end(seen),
        credentials_end=seen.inputs.credentials_end if isinstance(seen.inputs, Inputs) else None,
        sign_in=seen.ended,
        at=now,
        marks=Marks(
            secret_name=seen.secret_name,
            secret_version=secret.resource_version,
            credentials_name=seen.credentials_name,
            credentials_version=seen.credentials_version,
            troubled=standing or act.problem is not None or act.publish_problem is not None,
        ),
    )
    ending = outcome.ending_from
    if ending is None or ending <= now:
        return outcome
    return replace(outcome, look_again=min(ending, outcome.look_again or ending))


def _told(seen: Observed, problem: Problem | None) -> Problem | None:
    built_in = isinstance(seen.inputs, Inputs) and seen.inputs.server.built_in
    return problems.about_built_in(problem, seen.ready_inputs.server.name) if problem and built_in else problem


def _current(seen: Observed, secret: TokenSecret) -> bool:
    if secret.token is None:
        return False
    return not isinstance(seen.inputs, Inputs) or secret.token.inputs == seen.inputs.fingerprint


def _next_refresh(seen: Observed, secret: TokenSecret, act: Act, now: datetime) -> datetime | None:
    problem = act.problem
    if problem is not None:
        return _retry(seen, act, problem, now) if problem.transient else None
    if isinstance(act.decision, Wait):
        return act.decision.until
    if isinstance(act.decision, Stall) or not isinstance(seen.inputs, Inputs):
        return None
    if seen.inputs.spec.grant_type is not GrantType.REFRESH_TOKEN:
        return secret.token.refresh_at if secret.token else now + backoff(1, act.share)
    return seen.token.refresh_at if seen.token else due_time(seen)


def _retry(seen: Observed, act: Act, problem: Problem, now: datetime) -> datetime:
    if problem.reason is Reason.BREAKER_OPEN:
        return now + BREAKER_RECHECK * (1 - 0.25 * act.share)
    pending = seen.grant.pending if seen.grant else None
    if pending is not None and pending.doubt:
        wait = pending.started + ladder_delay(pending.tries) - now
    else:
        wait = backoff(seen.client.status.failed_attempts + 1, act.share)
        if problem.reason is Reason.SERVER_UNREACHABLE:  # free to repeat; many such open the breaker
            wait = min(wait, UNREACHABLE_CEILING)
        if problem.reason in ANSWERED and isinstance(seen.inputs, Inputs):
            wait = max(wait, seen.inputs.server.requests.min_interval)
        if problem.reason is Reason.RESPONSE_INVALID and isinstance(seen.inputs, Inputs):
            wait = max(wait, due_time(seen) - now)
    if problem.retry_after is not None:
        wait = max(wait, spread(problem.retry_after, act.share))
    return now + wait


def _look_again(
    seen: Observed, secret: TokenSecret, act: Act, next_refresh: datetime | None, now: datetime
) -> datetime | None:
    """Return the earliest of: the next request, the moment Ready ends, the next look at what may be cured unseen."""
    times = [next_refresh] if next_refresh else []
    if secret.token and secret.token.expires_at > now:
        times.append(secret.token.expires_at)
    if act.publish_problem:
        attempts = seen.client.status.failed_attempts + 1
        owned = act.publish_problem.reason is Reason.SECRET_NOT_OWNED
        times.append(now + (OWNERSHIP_RECHECK if owned else backoff(attempts, act.share)))
    if isinstance(act.decision, Stall) and act.decision.recheck:
        times.append(now + act.decision.recheck)
    elif act.problem and act.problem.reason in RETRIED_HOURLY:
        times.append(now + HOURLY)
    return min(times) if times else None


def _grant_end(seen: Observed) -> tuple[datetime, str] | None:
    """Return when a person must sign in again, and how sure that is."""
    if seen.grant is None or not isinstance(seen.inputs, Inputs):
        return None
    found = end_of(seen.grant, seen.inputs.server)
    return (found[0], str(found[1])) if found else None
