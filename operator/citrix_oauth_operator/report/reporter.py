"""Write what a pass came to (step 10): the status patch if anything changed, Events on transitions, one log line."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.conditions import sentence
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.status import kept_elsewhere, merge_patch, next_status, signed_in
from citrix_oauth_operator.domain.transitions import Note, transitions
from citrix_oauth_operator.patience import patiently

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
    """Tells people; nothing it fails at costs a token. The next pass says it again, but may come much later."""

    def __init__(self, clients: PatchesStatus, events: PostsEvents, clock: Clock, portal: str = "") -> None:
        self._clients, self._events, self._clock, self._portal = clients, events, clock, portal
        self._elsewhere: set[str] = set()  # UIDs of clients of which it was said that another operator keeps them

    async def report(self, outcome: Outcome) -> None:
        """Write status and Events; silent when nothing changed."""
        ref, old = outcome.client.ref, outcome.client.status.raw
        if kept_elsewhere(outcome, self._clock.now()):
            patch, notes = {}, self._said_once(outcome)
        else:
            self._elsewhere.discard(ref.uid)
            new = next_status(outcome, outcome.at or self._clock.now(), self._portal)
            patch = merge_patch(old, new)
            notes = [*_of_sign_in(outcome), *transitions(outcome.client.status.conditions, new["conditions"])]
            notes += [*_of_the_end(outcome, old, new), *_of_credentials(old, new), *_of_passwords(outcome)]
        _log(outcome, notes)
        try:
            if patch:
                await patiently(partial(self._clients.patch_status, ref, patch))
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


def _of_the_end(outcome: Outcome, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Note]:
    """Say once, in good time, that a grant ends that works: how to sign in is in status from then on."""
    if outcome.grant_end is None or outcome.worst is not None or "login" not in new or "login" in old:
        return []
    end, model = outcome.grant_end
    text = f"The grant ends at {rfc3339(end)} ({model}); sign in before that: {new['login']['command']}"
    return [Note("Warning", str(Reason.GRANT_ENDING), text)]


def _of_credentials(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Note]:
    """Say once for each end that a credential ends, however well everything is."""
    warning = new.get("credentialsWarning")
    again = warning is None or warning == old.get("credentialsWarning")
    return [] if again else [Note("Warning", str(Reason.CREDENTIALS_ENDING), str(warning))]


def _of_passwords(outcome: Outcome) -> list[Note]:
    """Say at each logon what StoreFront says of the password's end."""
    texts = (
        f"StoreFront says that {one.name} ends{f' at {rfc3339(one.at)}' if one.at else ' soon'}; put the next password"
        " into the credentials Secret in time."
        for one in outcome.password_endings
    )
    return [Note("Warning", str(Reason.PASSWORD_ENDING), text) for text in texts]


def _of_sign_in(outcome: Outcome) -> list[Note]:
    if outcome.sign_in is None:
        return []
    if outcome.sign_in.problem is None:
        return [Note("Normal", str(Reason.SIGNED_IN), signed_in(outcome))]
    return [Note("Warning", str(Reason.SIGN_IN_FAILED), signed_in(outcome))]


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
