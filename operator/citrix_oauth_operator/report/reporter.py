"""Write what a pass came to (step 10): the status patch if anything changed, Events on transitions, one log line."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.status import kept_elsewhere, merge_patch, next_status, sentence
from citrix_oauth_operator.domain.transitions import Note, transitions

from . import audit

log = logging.getLogger(__name__)


class PatchesStatus(Protocol):
    """Writes status."""

    async def patch_status(self, ref: ClientRef, patch: dict[str, Any]) -> None:
        """Apply a merge patch to the status."""
        ...


class PostsEvents(Protocol):
    """Posts Events."""

    async def post(self, ref: ClientRef, note: Note) -> None:
        """Post one Event about a client."""
        ...


class Reporter:
    """Tells people; nothing it fails at costs a token, the next pass says it again."""

    def __init__(self, clients: PatchesStatus, events: PostsEvents, clock: Clock) -> None:
        self._clients, self._events, self._clock = clients, events, clock
        self._elsewhere: set[str] = set()  # UIDs of clients of which it was said that another operator keeps them

    async def report(self, outcome: Outcome) -> None:
        """Write status and Events; silent when nothing changed."""
        ref, old = outcome.client.ref, outcome.client.status.raw
        if kept_elsewhere(outcome, self._clock.now()):
            patch, notes = {}, self._said_once(outcome)
        else:
            self._elsewhere.discard(ref.uid)
            new = next_status(outcome, outcome.at or self._clock.now())
            patch = merge_patch(old, new)
            notes = transitions(outcome.client.status.conditions, new["conditions"])
        _log(outcome, notes)
        try:
            if patch:
                await self._clients.patch_status(ref, patch)
            if patch or ref.uid in self._elsewhere:
                for note in notes:
                    await self._events.post(ref, note)
        except ApiError as error:
            log.warning("status of %s could not be written: %s", ref, error)

    def _said_once(self, outcome: Outcome) -> list[Note]:
        """Say in an Event what status cannot say, for that belongs to somebody else; not again while this runs."""
        uid, problem = outcome.client.ref.uid, outcome.problem
        if problem is None or uid in self._elsewhere:
            return []
        self._elsewhere.add(uid)
        return [Note("Warning", str(problem.reason), sentence(problem))]


def _codes(problem: Problem | None) -> dict[str, audit.Fact]:
    """Return what the server's own people ask for; sanitised before."""
    if problem is None:
        return {}
    return {
        "oauthError": problem.oauth_error,
        "httpStatus": problem.http_status,
        "serverCode": problem.server_code,
        "transactionId": problem.transaction_id,
    }


def _log(outcome: Outcome, notes: Sequence[Note]) -> None:
    """Say what began, then what each try came to; a pass that only looked is silent."""
    ref, grant = outcome.client.ref, outcome.grant
    for note in notes:
        if note.kind == "Warning":
            log.warning("%s: %s: %s", ref, note.reason, note.message)
            if note.reason in audit.TOLD_ONCE:
                audit.tell(Reason(note.reason), ref, **audit.of_grant(grant), **_codes(outcome.worst))
    if not outcome.attempted:
        return
    if problem := outcome.worst:
        if not notes:
            log.info("%s: still %s", ref, problem.reason)
    else:
        due = rfc3339(outcome.next_refresh) if outcome.next_refresh else "-"
        log.info("%s: refreshed, seq %s, next %s", ref, grant.seq if grant else "-", due)
