"""Service tokens of StoreFront: the chain, around it the marks of passwords and the primary token that is kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.answers import WITHHELD, Answer, NotSent, Refused
from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.domain.model import ClientRef, Holder
from citrix_oauth_operator.domain.observed import Inputs, Observed
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.storefront import Account, PasswordMark, Primary
from citrix_oauth_operator.edges import Metrics, NoMetrics, Served, Withholds
from citrix_oauth_operator.gate import open_gate
from citrix_oauth_operator.grants.budget import Budgets
from citrix_oauth_operator.kube.liveness import LivenessOf
from citrix_oauth_operator.kube.passwords import PasswordMarks
from citrix_oauth_operator.kube.primary_store import PrimaryStore
from citrix_oauth_operator.metered import outcome_of
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.storefront.chain import Chain, Store, destroy
from citrix_oauth_operator.storefront.logon import LogOn
from citrix_oauth_operator.storefront.reactions import ABOUT_THE_ACCOUNT
from citrix_oauth_operator.storefront.talk import Talk, Unserved, Wire

log = logging.getLogger(__name__)

_CLEAR_SECONDS = (0.1, 0.5, 2.0)  # between the tries to take a mark away


@dataclass(slots=True)
class StoreFrontTokens:
    """Gets service tokens; clients that share a password log on one after the other."""

    wire: Wire
    primaries: PrimaryStore
    passwords: PasswordMarks
    budgets: Budgets
    clock: Clock
    holder: Holder
    identity: LivenessOf
    metrics: Metrics = field(default_factory=NoMetrics)
    gate: Withholds = field(default_factory=open_gate)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def obtain(self, seen: Observed) -> Served:
        """Return a service token or why there is none, and what the server said of the password's end.

        Raises:
            Conflict: another process posts the password; look again.
            ApiError: the password was not posted, for that could not be written down.
        """
        account = _account(seen.ready_inputs)
        if seen.primary is not None or not account.fingerprint:
            return await self._obtain(seen, account)
        async with self._turns.setdefault(account.fingerprint, asyncio.Lock()):
            return await self._obtain(seen, account)

    async def _obtain(self, seen: Observed, account: Account) -> Served:
        inputs, binding = seen.ready_inputs, seen.ready_inputs.binding
        if refusal := self.budgets.refusal(inputs.server, binding.namespace, binding.name):
            return Served(NotSent(refusal))
        async with self.budgets.slot(inputs.server):
            chain, answer = await self._run(seen, account)
        self.budgets.heard(inputs.server, binding.namespace, binding.name, answer)
        with contextlib.suppress(Exception):
            self.metrics.granted(inputs.server.name, "citrix_auth", outcome_of(answer))
        await self._keep(seen, account, chain.primary, answer)
        return Served(answer, chain.endings)

    async def _run(self, seen: Observed, account: Account) -> tuple[Chain, Answer]:
        inputs = seen.ready_inputs
        base = inputs.server.identity
        talk = Talk(self.wire, base, inputs.server.reach, self.clock.now)
        store = Store(
            url=base.rstrip("/") + inputs.spec.store_path,
            protocols=inputs.spec.protocols,
            lifetime=inputs.server.access_token_lifetime,
            namespace_uid=inputs.binding.namespace_uid,
        )
        chain = Chain(talk, store, LogOn(talk, account, PostOnce(self, seen, account)), seen.primary)
        if not self.gate.is_open():
            return chain, WITHHELD
        began = self.clock.boottime()
        try:
            answer: Answer = await chain.run()
        except Unserved as unserved:
            answer = unserved.answer
        with contextlib.suppress(Exception):
            self.metrics.took(self.clock.boottime() - began)
        return chain, answer

    async def _keep(self, seen: Observed, account: Account, primary: Primary | None, answer: Answer) -> None:
        """Store what the logon came to; of an account that a token's reason speaks against, nothing but the mark."""
        ref, now = seen.client.ref, self.clock.now()
        problem = answer.problem if isinstance(answer, Refused) else None
        try:
            if problem is not None and problem.reason in ABOUT_THE_ACCOUNT:
                if primary is not None:  # a token's challenge told it; a logon has marked its password itself
                    await self.passwords.refuse(account.fingerprint, PasswordMark(now, self.holder), problem)
                await self.primaries.delete(ref)
            elif primary is None and seen.primary is not None:  # refused, and no logon brought another one
                await self.primaries.delete(ref)
            elif primary is not None and primary != seen.primary:
                await self.primaries.save(ref, primary)
        except ApiError:
            log.warning("the primary token of %s could not be kept: the next service token takes a logon", ref)

    async def destroy(self, ref: ClientRef, inputs: Inputs) -> str:
        """Tell the server to forget a client's primary token, and forget it; return "" or why it may live on.

        Raises:
            ApiError: it could not be read or deleted.
        """
        primary = await self.primaries.load(ref)
        if primary is None:
            return "NoGrant"
        why = "InputsChanged"
        if primary.serves(_account(inputs), inputs.binding.namespace_uid, self.clock.now()):
            talk = Talk(self.wire, inputs.server.identity, inputs.server.reach, self.clock.now)
            why = await destroy(talk, primary.token_url, primary.token)
        await self.primaries.delete(ref)
        return why


@dataclass(slots=True)
class PostOnce:
    """The mark around one posting of one client's password."""

    tokens: StoreFrontTokens
    seen: Observed
    account: Account
    _mark: PasswordMark | None = None

    async def begin(self) -> Problem:
        """Write the mark down; return what is wrong if nobody hears an answer."""
        tokens, client = self.tokens, self.seen.client
        passwords, now = tokens.passwords, tokens.clock.now()
        request = client.requested_at if client.forced else None
        old = await passwords.find(self.account.fingerprint)
        if old is not None and not (old.yields_to(request, now) or await self._was_answered(old)):
            if old.awaits_answer(tokens.identity.liveness(old.holder), now):
                raise Conflict
            raise Unserved.over(old.problem or problems.password_in_doubt(old.sent_at))
        if not tokens.gate.is_open():
            raise Unserved(WITHHELD)
        mark = PasswordMark(now, tokens.holder, request or "")
        self._mark = await passwords.begin(self.account.fingerprint, mark, old)
        return problems.password_in_doubt(now)

    async def accepted(self) -> None:
        """Take the mark away."""
        await self._clear()

    async def unjudged(self) -> None:
        """Take the mark away."""
        await self._clear()

    async def refused(self, problem: Problem) -> None:
        """Make the mark stay; where that cannot be written it stays as well, and says less."""
        audit.tell(audit.Event.CREDENTIAL_MARKED, self.seen.client.ref, server=self.seen.ready_inputs.server.name)
        if self._mark is None:
            raise TypeError("begun before")
        with contextlib.suppress(ApiError):
            await self.tokens.passwords.refuse(self.account.fingerprint, self._mark, problem)

    async def _clear(self) -> None:
        for seconds in _CLEAR_SECONDS:
            if await _done(self.tokens.passwords.clear(self.account.fingerprint)):
                return
            await asyncio.sleep(seconds)
        log.warning("the mark of the password of %s could not be taken away", self.seen.client.ref)

    async def _was_answered(self, mark: PasswordMark) -> bool:
        return mark.was_answered(await self.tokens.primaries.load(self.seen.client.ref), self.account.fingerprint)


async def _done(write: Awaitable[None]) -> bool:
    try:
        await write
    except ApiError:
        return False
    return True


def _account(inputs: Inputs) -> Account:
    if inputs.account is None:
        raise TypeError("CitrixAuth has an account")
    return inputs.account
