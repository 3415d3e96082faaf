"""Checks of a chain that is stored: whether its refresh token may be sent, and when once more."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import endings, problems, protocol
from .decisions import Decision, Refresh, Stall, Wait
from .due import grant_end
from .model import Binding, Grant, Liveness
from .observed import Observed
from .reasons import HELD_BACK
from .schedule import HOURLY, TAKE_OVER_MARGIN, ladder_delay, take_over_reserve


def rolled_back(seen: Observed, _now: datetime) -> Decision | None:
    """A grant Secret from a backup holds a spent refresh token."""
    grant, status = seen.grant, seen.client.status
    if grant and grant.chain == status.chain and grant.seq < status.seq:
        return Stall(problems.GRANT_ROLLED_BACK)
    return None


def binding_changed(seen: Observed, _now: datetime) -> Decision | None:
    """A refresh token is sent only for what it was issued for."""
    wanted, bound = seen.ready_inputs.binding, stored(seen).binding
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
    rejection = stored(seen).rejection
    if rejection is None or seen.client.forced:
        return None
    if rejection.problem.reason not in HELD_BACK:
        return Stall(rejection.problem)
    return Stall(rejection.problem, rejection.at + HOURLY - now) if now < rejection.at + HOURLY else None


def in_flight(seen: Observed, now: datetime) -> Decision | None:
    """An intent is stored: repeat it after the ladder's delay if it is ours, take it over when that is safe."""
    grant = stored(seen)
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
    grant = stored(seen)
    pending, token = grant.pending, grant.token
    if pending is None:
        raise TypeError("checked by in_flight")
    patience = pending.deadline - pending.started + TAKE_OVER_MARGIN - seen.attempt_seen_for
    if token is not None:
        # its answer may lie in its spill folder: leave it to come back for as long as the published token allows
        patience = max(patience, token.expires_at - take_over_reserve(token.lifetime) - now)
    return Refresh(doubt=True) if patience <= timedelta(0) else Wait(now + patience, standing=True)


def refresh_now(seen: Observed, _now: datetime) -> Decision | None:
    """Nothing is in the way; a token that was lost once stays in doubt when a person asks for one more try."""
    return Refresh(doubt=protocol.was_lost(stored(seen)))


def stored(seen: Observed) -> Grant:
    """Return the grant that an earlier check has seen to be there."""
    if seen.grant is None:
        raise TypeError("checked by no_grant")
    return seen.grant
