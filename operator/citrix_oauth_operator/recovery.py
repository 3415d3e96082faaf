"""What a killed process left behind: answers that were received and not committed are committed, beside other work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import protocol
from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.model import Grant, Liveness
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import StaysHere
from citrix_oauth_operator.domain.server import Server
from citrix_oauth_operator.edges import ChecksIdTokens
from citrix_oauth_operator.kube.grant_store import GrantStore, Stored
from citrix_oauth_operator.kube.liveness import LivenessOf
from citrix_oauth_operator.redemption import proven
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.spill import Spilled, SpillFolder
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_tokens

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
_TRIES = 24  # to have the keys of an answer to a code; the old chain rests meanwhile
PATIENCE_SECONDS = 60.0  # for a process that may be alive; committing its answer beside it would do no harm


@dataclass(slots=True)
class Recovery(StaysHere):
    """Adopts spilled answers; needs no Lease and no authorization server, and never gives up."""

    spill: SpillFolder
    store: GrantStore
    identity: LivenessOf
    clock: Clock
    id_tokens: ChecksIdTokens
    find_server: Callable[[str], Server | Problem]
    _seen: dict[str, float] = field(default_factory=dict)
    _adopting: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Commit every answer that is still wanted, each in a task: one that cannot be written delays no other."""
        async with asyncio.TaskGroup() as adoptions:
            while True:
                self.spill.tidy()
                for spilled in self._orphans():
                    self._adopting.add(spilled.pending.attempt)
                    adoptions.create_task(self._adopt(spilled))
                await asyncio.sleep(LOOK_SECONDS)

    def _orphans(self) -> list[Spilled]:
        """Return whose process is dead, or has not committed them for a minute: they are nobody else's to commit."""
        now = self.clock.boottime()
        waiting = {spilled.pending.attempt: spilled for spilled in self.spill.left_behind()}
        self._seen = {attempt: self._seen.get(attempt, now) for attempt in waiting}
        return [
            spilled
            for attempt, spilled in waiting.items()
            if attempt not in self._adopting
            and (
                self.identity.liveness(spilled.pending.holder) is Liveness.DEAD
                or now - self._seen[attempt] >= PATIENCE_SECONDS
            )
        ]

    async def _adopt(self, spilled: Spilled) -> None:
        """Commit one answer; a bug of ours in it must not end the process, which may hold others."""
        try:
            await self._commit(spilled)
        except Exception as error:  # noqa: BLE001 - whatever it is
            log.error("an answer of %s is not recovered: %s", spilled.ref, type(error).__name__)  # noqa: TRY400
        finally:
            self._adopting.discard(spilled.pending.attempt)

    async def _commit(self, spilled: Spilled) -> None:
        """Commit one answer, however long that takes; nothing is sent for its client meanwhile."""
        if spilled.after is not None:
            await self.store.record(spilled.ref, Stored(spilled.grant), spilled.after, insist=True)
        else:
            await self._commit_tokens(spilled)
        self.spill.drop(spilled.ref, spilled.pending.attempt)

    async def _commit_tokens(self, spilled: Spilled) -> None:
        granted = read_tokens(RawAnswer(200, {}, spilled.body), spilled.terms.default_lifetime)
        if isinstance(granted, Granted) and (committed := await self._committed(spilled, granted)):
            replaces = spilled.expected.replaces if spilled.expected else ""
            await self.store.adopt(spilled.ref, committed, replaces)
            attempt = spilled.pending.attempt
            audit.tell(audit.Event.ANSWER_RECOVERED, spilled.ref, **audit.of_grant(committed), attempt=attempt)

    async def _committed(self, spilled: Spilled, granted: Granted) -> Grant | None:
        """Return the grant that an answer makes; None for a sign-in of somebody else, or of an unknown server."""
        if spilled.expected is None:
            return protocol.commit(spilled.grant, granted, spilled.terms, spilled.received_at)
        for _ in range(_TRIES):
            server = self.find_server(spilled.grant.binding.server_name)
            if isinstance(server, Problem):
                return None
            found = await proven(self.id_tokens, spilled, granted, server.reach)
            if not isinstance(found, Problem):
                return found
            if not found.transient or found.reason is Reason.RESPONSE_INVALID:
                return None
            await asyncio.sleep(LOOK_SECONDS)  # its keys cannot be had now
        return None  # the old chain must go on
