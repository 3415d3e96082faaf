"""One pass over one client: observe, decide, grant and commit, publish (steps 3 to 9 of docs/lifecycle.md)."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import policy, problems, protocol
from citrix_oauth_operator.domain.answers import WITHHELD, Answer, Granted
from citrix_oauth_operator.domain.decisions import (
    AdoptSeed,
    Decision,
    EndSignIn,
    Fail,
    Redeem,
    Refresh,
    RequestToken,
    Stall,
    Wait,
)
from citrix_oauth_operator.domain.due import lateness
from citrix_oauth_operator.domain.errors import ApiError, Conflict, Withheld
from citrix_oauth_operator.domain.model import ClientRef, Token
from citrix_oauth_operator.domain.observed import Observed
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.planning import Act, plan
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.schedule import spread
from citrix_oauth_operator.domain.sign_in import Login
from citrix_oauth_operator.domain.storefront import PasswordEnding
from citrix_oauth_operator.edges import (
    ClaimsClients,
    KeepsBudgets,
    Metrics,
    NoMetrics,
    Observes,
    ObtainsServiceTokens,
    Publishes,
    RemembersRefusals,
    RequestsTokens,
    Settled,
    SpendsRefreshTokens,
    Withholds,
)
from citrix_oauth_operator.gate import open_gate
from citrix_oauth_operator.publishing import former_is_gone, publish
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.sign_ins import SignIns

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What the grant stage came to: facts afterwards, what went wrong, whether a try ended, what was decided last."""

    seen: Observed
    problem: Problem | None = None
    attempted: bool = False
    token: Token | None = None
    decision: Decision | None = None
    endings: tuple[PasswordEnding, ...] = ()


@dataclass(slots=True)
class Reconciler:
    """Runs passes; holds no state of its own between them."""

    clock: Clock
    observer: Observes
    clients: ClaimsClients
    protocol: SpendsRefreshTokens
    requests: RequestsTokens
    refusals: RemembersRefusals
    budgets: KeepsBudgets
    secrets: Publishes
    sign_ins: SignIns
    storefront: ObtainsServiceTokens
    share: Callable[[], float] = random.random
    metrics: Metrics = field(default_factory=NoMetrics)
    gate: Withholds = field(default_factory=open_gate)

    async def run(self, ref: ClientRef) -> Outcome | None:
        """Do one pass; None when the client is gone.

        Raises:
            Conflict: something changed under the pass; run another one soon.
            ApiError: the API server does not answer; run another one later.
        """
        seen = await self.observer.observe(ref)
        if seen is None:
            return None
        decision = policy.decide(seen, self.clock.now())
        if isinstance(decision, Stall) and decision.problem.reason is Reason.CLAIMED_BY_ANOTHER_OPERATOR:
            return self._hands_off(seen, decision)
        if isinstance(decision, EndSignIn):
            seen = await self.sign_ins.end(seen, decision.login, decision.result)
            decision = policy.decide(seen, self.clock.now())
        decision = self._leave_alone(seen, decision)
        done = await self._act(seen, decision)
        if done is None:
            return None
        done = await self._read(done)
        published = await publish(self.secrets, done.seen, done.token, self.clock.now())
        renamed = await former_is_gone(self.secrets, done.seen, published)
        secret, publish_problem = published
        act = Act(done.decision or decision, done.problem, publish_problem, done.attempted, self.share())
        outcome = plan(done.seen, secret, act, self.clock.now())
        if done.endings:
            outcome = replace(outcome, password_endings=done.endings)
        if not renamed:
            outcome = replace(outcome, secret_name=seen.client.status.secret_name)
        return outcome

    def _hands_off(self, seen: Observed, decision: Stall) -> Outcome:
        """Another operator keeps this client: nothing of it is ours to write, nor to delete."""
        act = Act(decision, decision.problem, None, attempted=False, share=self.share())
        outcome = plan(seen, seen.secret, act, self.clock.now())
        return replace(outcome, secret_name=seen.client.status.secret_name or seen.secret_name)

    def _leave_alone(self, seen: Observed, decision: Decision) -> Decision:
        """Put a request off while the server wants to be left alone."""
        if not isinstance(decision, Redeem | AdoptSeed | Refresh | RequestToken):
            return decision
        if isinstance(decision, Redeem) and (rest := self.sign_ins.rest(seen.client.ref)):
            return Wait(self.clock.now() + rest, standing=True)
        server, token = seen.ready_inputs.server, seen.token
        if (closed := self.budgets.closed_for(server)) > timedelta(0):
            return Wait(self.clock.now() + spread(closed, self.share()), standing=True)
        if problem := self.budgets.breaker(server, seen.client.ref, token.expires_at if token else None):
            return Fail(problem, tried=False)
        return decision

    async def _act(self, seen: Observed, decision: Decision) -> Done | None:
        """Send at most one token request."""
        match decision:
            case Stall(problem=problem):
                return Done(seen, problem)
            case Fail(problem=problem, tried=tried):
                return Done(seen, problem, attempted=tried)
            case Wait():
                return Done(seen)
            case EndSignIn():
                raise TypeError("ended before")
            case _:
                return await self._grant(seen, decision)

    async def _grant(self, seen: Observed, decision: Redeem | AdoptSeed | Refresh | RequestToken) -> Done | None:
        server = seen.ready_inputs.server
        try:
            if not self.gate.is_open():
                raise Withheld
            seen, chain = await self._claimed(seen)
            await self.gate.after(self.budgets.turn(server))
            self._begin(seen)
            match decision:
                case Redeem(login=login):
                    return await self._redeem(seen, login, chain)
                case AdoptSeed():
                    done = _after(seen, await self.protocol.adopt(seen, chain))
                case Refresh(doubt=doubt):
                    done = _after(seen, await self.protocol.refresh(seen, doubt=doubt))
                case RequestToken() if seen.ready_inputs.account:
                    served = await self.storefront.obtain(seen)
                    done = replace(self._requested(seen, served.answer), endings=served.endings)
                case _:
                    async with self.budgets.slot(server):
                        answer = await self.requests.request(seen.ready_inputs)
                    done = self._requested(seen, answer)
        except Conflict:
            raise
        except ApiError as error:
            return Done(seen, problems.commit_failed(error.status), attempted=True)
        if done is not None and done.problem is WITHHELD.problem:
            raise Withheld
        if done is not None:
            await self._remember(done)
            return self._rolled_over(done)
        return None

    def _rolled_over(self, done: Done) -> Done:
        """Where the credential is refused and there is another one, go on with that: nobody needs to know."""
        spare, problem = done.seen.ready_inputs.spare, done.problem
        if spare is None or problem is None or problem.reason is not Reason.CLIENT_REJECTED:
            return done
        log.warning("%s: the server refuses its credential; the next one is tried", done.seen.client.ref)
        return Done(done.seen, decision=Wait(self.clock.now(), standing=True))

    async def _redeem(self, seen: Observed, login: Login, chain: str) -> Done | None:
        """Redeem a code; where that begins no grant, the one before goes on as if nobody had signed in."""
        seen, redeemed = await self.sign_ins.redeem(seen, login, chain)
        if redeemed.problem is WITHHELD.problem:
            raise Withheld
        tried = Done(seen, redeemed.problem, attempted=True)
        if redeemed.gone:
            return None
        await self._remember(tried, of_code=True)
        if redeemed.stored is not None or not redeemed.over:
            return tried
        match policy.decide(seen, self.clock.now()):
            case Stall(problem=problem) | Fail(problem=problem) as decision:
                return Done(seen, problem, decision=decision)
            case Wait() as decision:
                return Done(seen, decision=decision)
            case _:
                return Done(seen, decision=Wait(self.clock.now(), standing=True))

    def _begin(self, seen: Observed) -> None:
        late = lateness(seen, self.clock.now())
        if late is not None:
            self.metrics.began(late.total_seconds())

    async def _claimed(self, seen: Observed) -> tuple[Observed, str]:
        chain = self.protocol.new_chain()
        if seen.client.status.operator_namespace:
            return seen, chain
        client = await self.clients.claim(seen.client, seen.operator_namespace, chain)
        return replace(seen, client=client), chain

    def _requested(self, seen: Observed, answer: Answer) -> Done:
        if not isinstance(answer, Granted):
            return Done(seen, answer.problem, attempted=True)
        token = protocol.new_token(answer, protocol.terms(seen.ready_inputs, self.share()), self.clock.now())
        return Done(seen, answer.flaw, attempted=True, token=token)

    async def _remember(self, done: Done, *, of_code: bool = False) -> None:
        """Note what the try taught about the server and the credential.

        Of a code that is the latter only by `invalid_client`: other words are about this grant type (RFC 6749 5.2), and
        the grants that live with the credential must not rest for them.
        """
        inputs, problem = done.seen.ready_inputs, done.problem
        refused = problem is not None and problem.reason is Reason.CLIENT_REJECTED
        if problem and problem.retry_after:
            self.budgets.close(inputs.server, problem.retry_after)
        try:
            if problem and refused and (not of_code or problem.oauth_error == "invalid_client"):
                await self.refusals.mark(inputs.credential, problem, self.clock.now())
                audit.tell(audit.Event.CREDENTIAL_MARKED, done.seen.client.ref, server=inputs.server.name)
            elif problem is None:
                await self.refusals.clear(inputs.credential)
        except ApiError:
            log.warning("a refused credential of %s could not be marked", done.seen.client.ref)

    async def _read(self, done: Done) -> Done:
        """Read the token Secret after all where it was left unread for a refresh that brought no new token."""
        seen = done.seen
        if not seen.secret.unread or (done.attempted and done.problem is None):
            return done
        return replace(done, seen=replace(seen, secret=await self.secrets.observe(seen.client.ref, seen.target)))


def _after(seen: Observed, settled: Settled) -> Done | None:
    if settled.stored is None:
        return None
    now_stored = replace(seen, grant=settled.stored.grant, grant_version=settled.stored.version)
    return Done(now_stored, settled.problem, attempted=True)
