"""What a killed process left behind: answers that were received and not committed are committed first."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import protocol
from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.observed import Liveness
from citrix_oauth_operator.kube.cluster import insist
from citrix_oauth_operator.kube.grant_codec import GrantUnreadable
from citrix_oauth_operator.kube.grant_store import ForeignSecret, GrantStore
from citrix_oauth_operator.kube.observe import LivenessOf
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.spill import Spilled, SpillFolder
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_tokens

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Recovery:
    """Adopts spilled answers of dead processes; needs no Lease and no authorization server."""

    spill: SpillFolder
    store: GrantStore
    identity: LivenessOf
    clock: Clock

    async def run(self) -> None:
        """Commit every answer that is still wanted; what cannot be done now stays for the next start."""
        for spilled in self.spill.left_behind():
            if self.identity.liveness(spilled.holder) is not Liveness.DEAD:
                continue
            try:
                # patience, for the queue would send the token that this answer replaced; an end, for others wait
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await insist(partial(self._adopt, spilled))
            except (GrantUnreadable, ForeignSecret, TimeoutError) as error:
                log.error("%s: a spilled answer could not be committed: %s", spilled.ref, error)  # noqa: TRY400
                continue
            self.spill.drop(spilled.attempt)

    async def _adopt(self, spilled: Spilled) -> None:
        """Commit one answer if the grant still waits for it: the same chain, the same `seq`."""
        found = await self.store.load(spilled.ref)
        if found is None or (found.grant.chain, found.grant.seq) != (spilled.chain, spilled.seq):
            return
        granted = read_tokens(RawAnswer(200, {}, spilled.body), spilled.terms.default_lifetime)
        if not isinstance(granted, Granted):
            return
        committed = protocol.commit(found.grant, granted, spilled.terms, spilled.received_at)
        await self.store.commit(spilled.ref, found, committed)
        audit.tell(audit.Event.ANSWER_RECOVERED, spilled.ref, **audit.of_grant(committed), attempt=spilled.attempt)
