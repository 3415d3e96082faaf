"""The write protocol of a sign-in: claim the code, send it once, hold the answer, check who signed in, commit.

The claim is the durable intent: whoever created it may send the code, and nobody ever sends it again, whatever became
of the first sending. What is stored stays the old chain until the new one is committed over it; nothing is revoked.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import protocol
from citrix_oauth_operator.domain import sign_in_problems as problems
from citrix_oauth_operator.domain.answers import Answer, Granted, NotSent, Uncertain
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.lifetimes import remembered
from citrix_oauth_operator.domain.model import Grant, Holder
from citrix_oauth_operator.domain.observed import Inputs, Observed
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.protocol import Attempt
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.domain.sign_in import CodeClaim, Expected, Login, SignIn
from citrix_oauth_operator.edges import (
    ChecksIdTokens,
    CodeClaims,
    Redeemed,
    Slots,
    Spills,
    TokenRequests,
)
from citrix_oauth_operator.kube.grant_store import GrantStore, Stored
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.servers import sign_in_scopes
from citrix_oauth_operator.spill import Spilled
from citrix_oauth_operator.twins import OnTheWire
from citrix_oauth_operator.wire.raw import RawAnswer

log = logging.getLogger(__name__)

CODE = "authorization_code"


@dataclass(slots=True)
class Redemption:
    """Redeems the codes that CLI and portal hand over."""

    store: GrantStore
    codes: CodeClaims
    requests: TokenRequests
    id_tokens: ChecksIdTokens
    slots: Slots
    spill: Spills
    clock: Clock
    holder: Holder
    share: Callable[[], float] = random.random
    wire: OnTheWire = field(default_factory=OnTheWire)
    _new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)

    async def redeem(self, seen: Observed, login: Login, chain: str) -> Redeemed:
        """Send the code of a login Secret once, and start a chain with what comes back.

        Raises:
            Conflict: somebody else claimed the code, or a client of the same name waits for an answer; look again.
            ApiError: nothing was sent.
        """
        inputs, sign_in, ref = seen.ready_inputs, _sign_in(login), seen.client.ref
        expected = _expected(inputs, sign_in, seen.grant)
        if problem := await self.id_tokens.prepare(expected, inputs.server.reach):
            return Redeemed(problem=problem, over=False)
        with self.wire.alone(ref):
            return await self._send(seen, sign_in, expected, chain)

    async def _send(self, seen: Observed, sign_in: SignIn, expected: Expected, chain: str) -> Redeemed:
        inputs, ref = seen.ready_inputs, seen.client.ref
        claim = CodeClaim(ref.uid, chain, self._new_id(), self.holder, self.clock.now())
        await self.codes.take(ref, sign_in.code, claim)
        audit.tell(audit.Event.CODE_SENT, ref, chain=chain, attempt=claim.attempt)
        attempt = Attempt(claim.attempt, self.holder, claim.at)
        old = remembered(seen.grant, inputs.server)
        begun = protocol.begin_sign_in(old, chain, sign_in.code, inputs.binding, attempt)
        async with self.slots.slot(inputs.server):
            unread = await self.requests.redeem(inputs, sign_in)
        if isinstance(unread, NotSent):
            return await self._not_sent(seen, sign_in, claim, self.requests.read(inputs, unread, CODE))
        held = Spilled(ref, begun, self.clock.now(), protocol.terms(inputs, self.share()), b"", expected)
        if isinstance(unread, RawAnswer) and unread.successful:
            held = replace(held, body=unread.body)
            self.spill.put(held)
        answer = self.requests.read(inputs, unread, CODE)
        redeemed = await self._judge(seen, held, answer)
        self.spill.drop(ref, claim.attempt)
        return redeemed

    async def _not_sent(self, seen: Observed, sign_in: SignIn, claim: CodeClaim, answer: Answer) -> Redeemed:
        """Take the claim back; where that cannot be done, the code counts as sent."""
        try:
            await self.codes.release(sign_in.code, claim)
        except ApiError:
            log.warning("the claim of a code of %s could not be taken back: it will not be sent", seen.client.ref)
        return Redeemed(problem=None if isinstance(answer, Granted) else answer.problem, over=False)

    async def _judge(self, seen: Observed, held: Spilled, answer: Answer) -> Redeemed:
        """Commit an answer that proves what it must; of any other one nothing is kept."""
        ref, expected = seen.client.ref, held.expected
        if expected is None:
            raise TypeError("of a code")
        if isinstance(answer, Uncertain):
            return Redeemed(problem=problems.unknown(held.pending.started, answer.problem))
        if not isinstance(answer, Granted):
            return Redeemed(problem=problems.refused(answer.problem, self.clock.now()))
        committed = await proven(self.id_tokens, held, answer, seen.ready_inputs.server.reach)
        if isinstance(committed, Problem):
            return Redeemed(problem=committed)
        before = Stored(held.grant, seen.grant_version)
        stored = await self.store.commit(ref, before, committed, expected.replaces)
        if stored is None:
            return Redeemed(gone=True)
        if stored.grant.chain != committed.chain:
            return Redeemed(problem=problems.OVERTAKEN)
        return Redeemed(stored, answer.flaw)


async def proven(id_tokens: ChecksIdTokens, held: Spilled, granted: Granted, reach: Reach) -> Grant | Problem:
    """Return the grant that an answer to a code begins, or why it begins none."""
    if held.expected is None:
        raise TypeError("of a code")
    if granted.refresh_token is None:
        return granted.flaw or problems.NO_REFRESH_TOKEN
    subject = await id_tokens.check(granted.id_token, held.expected, reach, held.received_at)
    if isinstance(subject, Problem):
        return subject
    return replace(protocol.commit(held.grant, granted, held.terms, held.received_at), subject=subject)


def _sign_in(login: Login) -> SignIn:
    if isinstance(login.sign_in, Problem):
        raise TypeError("checked by sign_in")
    return login.sign_in


def _expected(inputs: Inputs, sign_in: SignIn, grant: Grant | None) -> Expected:
    if not isinstance(inputs.endpoints, Endpoints):
        raise TypeError("checked by endpoint_unknown")
    spec, endpoints = inputs.spec, inputs.endpoints
    return Expected(
        issuer=endpoints.issuer,
        keys=endpoints.keys,
        client_id=spec.client_id,
        nonce=sign_in.nonce,
        subject=spec.expected_subject or "",
        required=bool(spec.expected_subject) or "openid" in sign_in_scopes(spec, inputs.server, endpoints),
        replaces=grant.chain if grant else "",
    )
