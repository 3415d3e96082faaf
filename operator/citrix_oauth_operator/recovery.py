"""What a killed process left behind: answers that were received and not committed are committed, beside other work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import protocol
from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.observed import Liveness
from citrix_oauth_operator.kube.grant_store import GrantStore
from citrix_oauth_operator.kube.observe import LivenessOf
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.spill import Spilled, SpillFolder
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_tokens

LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 60.0  # for a process that may be alive; committing its answer beside it would do no harm


@dataclass(slots=True)
class Recovery:
    """Adopts spilled answers; needs no Lease and no authorization server, and never gives up."""

    spill: SpillFolder
    store: GrantStore
    identity: LivenessOf
    clock: Clock
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
        """Commit one answer, however long that takes; nothing is sent for its client meanwhile."""
        attempt = spilled.pending.attempt
        granted = read_tokens(RawAnswer(200, {}, spilled.body), spilled.terms.default_lifetime)
        if isinstance(granted, Granted):
            committed = protocol.commit(spilled.grant, granted, spilled.terms, spilled.received_at)
            await self.store.adopt(spilled.ref, committed)
            audit.tell(audit.Event.ANSWER_RECOVERED, spilled.ref, **audit.of_grant(committed), attempt=attempt)
        self.spill.drop(spilled.ref, attempt)
        self._adopting.discard(attempt)
