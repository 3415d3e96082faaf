"""The heart: steps 5 to 8 of docs/lifecycle.md, for grants whose refresh token rotates.

The promise: a refresh token whose response was fully received is never lost while its pod lives; none is sent twice
unless the outcome of the first sending is unknown, and that is recorded.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import protocol
from citrix_oauth_operator.domain.answers import Granted, NotSent, Refused, Uncertain
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.lifetimes import remembered
from citrix_oauth_operator.domain.model import Claim, ClientRef, Grant, Holder
from citrix_oauth_operator.domain.observed import Inputs, Observed
from citrix_oauth_operator.domain.protocol import Attempt, Terms
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.edges import Metrics, NoMetrics, SeedClaims, Settled, Slots, Spills, TokenRequests
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.kube.grant_store import GrantStore, Stored
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.spill import Spilled
from citrix_oauth_operator.twins import OnTheWire
from citrix_oauth_operator.wire.raw import RawAnswer

STALE_SECONDS = 5.0  # an intent older than this is written again before the request


@dataclass(frozen=True, slots=True)
class Intent:
    """A stored intent, and the boot time [s] just before it was written."""

    stored: Stored
    written: float


@dataclass(slots=True)
class WriteProtocol:
    """Spends refresh tokens; every step before the request can be repeated, every step after it only re-done."""

    store: GrantStore
    claims: SeedClaims
    requests: TokenRequests
    slots: Slots
    spill: Spills
    clock: Clock
    holder: Holder
    share: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=NoMetrics)
    wire: OnTheWire = field(default_factory=OnTheWire)
    _unsent: dict[str, str] = field(default_factory=dict)  # by grant: the attempt that is known to have sent nothing
    _new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)

    def new_chain(self) -> str:
        """Return the id of a chain about to begin."""
        return self._new_id()

    async def adopt(self, seen: Observed, chain: str) -> Settled:
        """Start a new chain with the seed: it is sent only when its chain is stored and its claim says so.

        Where a chain is stored already, the claim comes first: a used seed must not cost the living chain. Where none
        is, the chain is stored first and claimed as adopted in one write; refused, it is a chain that is never sent.

        Raises:
            Conflict: somebody else claimed the seed or wrote the grant; look again.
            ApiError: nothing was sent.
        """
        inputs, ref, now = seen.ready_inputs, seen.client.ref, self.clock.now()
        seed = inputs.seed
        if seed is None:
            raise TypeError("checked by new_seed")
        with self.wire.alone(ref):
            claim, begun = seen.claim, _begun_before(seen, seed)
            if claim is None and seen.grant is not None and begun is None:
                claim = await self.claims.take(ref, seed, Claim(ref.uid, chain, adopted=False), now)
            # who resumes a claim goes on with its chain: whichever process marks it, both write the same one
            old, chain = remembered(seen.grant, inputs.server), claim.chain if claim else chain
            grant = begun or protocol.begin_chain(old, chain, seed, inputs.binding, now)
            doubt = begun is not None and (begun.pending is not None or protocol.was_lost(begun))
            intent = await self._intend(seen, Stored(grant, seen.grant_version), doubt=doubt)
            if claim is None:
                await self.claims.take(ref, seed, Claim(ref.uid, grant.chain, adopted=True), now)
            else:
                await self.claims.adopted(seed, claim)
            audit.tell(audit.Event.SEED_ADOPTED, ref, **audit.of_grant(intent.stored.grant))
            return await self._send(seen, intent)

    async def refresh(self, seen: Observed, *, doubt: bool) -> Settled:
        """Send the stored refresh token once.

        Raises:
            Conflict: somebody else wrote the grant; look again.
            ApiError: nothing was sent.
        """
        if seen.grant is None:
            raise TypeError("checked by no_grant")
        with self.wire.alone(seen.client.ref):
            intent = await self._intend(seen, Stored(seen.grant, seen.grant_version), doubt=doubt)
            return await self._send(seen, intent)

    async def _intend(self, seen: Observed, stored: Stored, *, doubt: bool) -> Intent:
        """Step 5: the durable intent. If the API server cannot be written, no token is spent."""
        ref, before = seen.client.ref, stored.grant.pending
        doubt = doubt and (before is None or self._unsent.get(str(ref)) != before.attempt)
        attempt, written = replace(self._attempt(ref), wish=seen.client.requested_at or ""), self.clock.boottime()
        grant = protocol.intend(stored.grant, attempt, doubt=doubt)
        saved = await self.store.save(ref, replace(stored, grant=grant))
        if before and before.holder != self.holder:
            audit.tell(audit.Event.INTENT_TAKEN_OVER, ref, **audit.of_grant(grant), former=before.holder.place)
        return Intent(saved, written)

    def _attempt(self, ref: ClientRef) -> Attempt:
        attempt = Attempt(self._new_id(), self.holder, self.clock.now())
        self._unsent[str(ref)] = attempt.id
        return attempt

    async def _fresh(self, ref: ClientRef, intent: Intent) -> Stored:
        """Write the intent again if it has waited, or if the machine was suspended: somebody may have taken it over."""
        stored, written = intent.stored, intent.written
        while self.clock.boottime() - written > STALE_SECONDS:
            attempt, written = self._attempt(ref), self.clock.boottime()
            stored = await self.store.save(ref, replace(stored, grant=protocol.renew(stored.grant, attempt)))
        return stored

    async def _send(self, seen: Observed, written: Intent) -> Settled:
        """Steps 6 to 8: request, hold, commit."""
        inputs, ref = seen.ready_inputs, seen.client.ref
        async with self.slots.slot(inputs.server):
            intent = await self._fresh(ref, written)
            unread = await self._sent(ref, inputs, intent.grant)
        terms = protocol.terms(inputs, self.share())
        self._hold(ref, intent, unread, terms)
        answer = self.requests.read(inputs, unread)
        if isinstance(answer, Granted):
            committed = protocol.commit(intent.grant, answer, terms, self.clock.now())
            settled = Settled(await self.store.commit(ref, intent, committed), answer.flaw)
        else:
            settled = await self._without_tokens(ref, inputs, intent, answer, terms)
        if intent.grant.pending:
            self.spill.drop(ref, intent.grant.pending.attempt)
        return settled

    async def _sent(self, ref: ClientRef, inputs: Inputs, grant: Grant) -> Unread:
        """Step 6: the one request of this attempt."""
        doubtful, unsent = self._told_of_doubt(ref, grant), self._unsent.pop(str(ref), "")
        unread = await self.requests.refresh(inputs, grant.refresh_token)
        if isinstance(unread, NotSent):
            self._unsent[str(ref)] = unsent
        elif doubtful:
            self.metrics.replayed()
        return unread

    def _told_of_doubt(self, ref: ClientRef, grant: Grant) -> bool:
        """Say that a refresh token is sent although an earlier sending of it may have been answered."""
        pending = grant.pending
        if pending is None or not pending.doubt:
            return False
        audit.tell(
            audit.Event.SENT_IN_DOUBT, ref, **audit.of_grant(grant), attempt=pending.attempt, tries=pending.tries,
            cause=pending.cause, unknownSince=rfc3339(pending.unknown_since) if pending.unknown_since else None,
        )  # fmt: skip
        return True

    def _hold(self, ref: ClientRef, intent: Stored, unread: Unread, terms: Terms) -> None:
        """Step 7: keep what may hold a refresh token before anybody reads it."""
        if isinstance(unread, RawAnswer) and unread.successful:
            self.spill.put(Spilled(ref, intent.grant, self.clock.now(), terms, unread.body))

    async def _without_tokens(
        self, ref: ClientRef, inputs: Inputs, intent: Stored, answer: Refused | NotSent | Uncertain, terms: Terms
    ) -> Settled:
        grant, problem, now = intent.grant, answer.problem, self.clock.now()
        match answer:
            case Uncertain():
                after = protocol.in_doubt(grant, problem.reason)
            case NotSent():
                after = protocol.not_sent(grant)
            case _:
                problem = protocol.verdict_on(grant, problem, inputs.server, now)
                after = protocol.refuse(grant, problem, now)
        if after == grant:
            return Settled(intent, problem)
        ended = after.rejection is not None
        if ended:  # a strict server tells `RotationLost` once: the token is not to be sent again, whatever happens now
            self.spill.put(Spilled(ref, grant, now, terms, after=after))
        stored = await self.store.record(ref, intent, after, insist=ended)
        if stored and (stored.grant.chain, stored.grant.seq) != (grant.chain, grant.seq):
            return Settled(stored)  # a refusal of a token that was replaced meanwhile says nothing about its successor
        return Settled(stored or intent, problem)


def _begun_before(seen: Observed, seed: SecretText) -> Grant | None:
    """Return the chain of this seed that is stored without a claim: the claim may have been deleted after a sending."""
    grant = seen.grant
    if grant is None or seen.claim is not None or grant.binding != seen.ready_inputs.binding:
        return None
    return grant if grant.seed == seed.fingerprint(64) else None
