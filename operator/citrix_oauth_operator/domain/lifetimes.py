"""Until when a grant lives: announced by the server, declared by an admin, or learned from what was seen.

Citrix documents neither whether a refresh extends the 24 hours of a refresh token nor that it does not. Until it was
seen, the earlier end is the one that people are told; what one chain has taught is carried to the next.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from .due import grant_end
from .kinds import LifetimeModel
from .model import Grant
from .reasons import Reason
from .server import Server

_TELLING = timedelta(minutes=2)  # between two announcements, so that the seconds a request takes do not matter
_ENDED_BY_THE_SERVER = {Reason.GRANT_REJECTED, Reason.GRANT_EXPIRED}


def model_of(grant: Grant, server: Server) -> LifetimeModel:
    """Return how a server's grants end: as declared, else as learned."""
    declared = server.lifetime_model
    return lesson(grant, server.refresh_token_lifetime) if declared is LifetimeModel.UNKNOWN else declared


def lesson(grant: Grant, lifetime: timedelta | None) -> LifetimeModel:
    """Return what is learned from a chain, the ones before it included.

    One whose refresh token was replaced after sign-in + `lifetime` is sliding. One that was refused from then on,
    although its newest refresh token was not that old, is absolute.
    """
    if lifetime is None or grant.refresh_expires_at is not None:
        return grant.learned
    absolute, sliding = grant.started_at + lifetime, grant.received_at + lifetime
    if grant.received_at > absolute:
        return LifetimeModel.SLIDING
    rejection = grant.rejection
    ended = rejection is not None and rejection.problem.reason in _ENDED_BY_THE_SERVER
    if rejection is not None and ended and absolute <= rejection.at < sliding:
        return LifetimeModel.ABSOLUTE
    return grant.learned


def remembered(grant: Grant | None, server: Server) -> Grant | None:
    """Return a chain that is about to be replaced, with its lesson written into it."""
    return replace(grant, learned=lesson(grant, server.refresh_token_lifetime)) if grant else None


def announced(before: Grant, end: datetime | None, sent_at: datetime) -> LifetimeModel:
    """Return what is learned from the ends that two answers announced: one that moves with time slides.

    Args:
        end: of the refresh token, as the answer to the request sent at `sent_at` announced it.
    """
    if end is None or before.refresh_expires_at is None:
        return before.learned
    elapsed, moved = sent_at - before.received_at, end - before.refresh_expires_at
    if elapsed < _TELLING:
        return before.learned
    if moved <= elapsed / 4:
        return LifetimeModel.ABSOLUTE
    return LifetimeModel.SLIDING if moved >= elapsed * 3 / 4 else before.learned


def end_of(grant: Grant, server: Server) -> tuple[datetime, LifetimeModel] | None:
    """Return when a person must sign in again, and how sure that is; None: nothing is known, or the grant is dead.

    Of `Unknown` it is the earliest moment.
    """
    if grant.rejection is not None:
        return None
    model, lifetime = model_of(grant, server), server.refresh_token_lifetime
    if lifetime is None or grant.refresh_expires_at is not None or model is LifetimeModel.SLIDING:
        end = grant_end(grant, lifetime)
        return (end, model) if end else None
    return grant.started_at + lifetime, model


def latest_end(grant: Grant, server: Server) -> datetime | None:
    """Return when a grant is over for sure: a refusal after it needs no other cause."""
    lifetime = server.refresh_token_lifetime
    fixed = lifetime is not None and model_of(grant, server) is LifetimeModel.ABSOLUTE
    if fixed and lifetime is not None and grant.refresh_expires_at is None:
        return grant.started_at + lifetime
    return grant_end(grant, lifetime)
