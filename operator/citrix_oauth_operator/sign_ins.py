"""What a pass does about a sign-in: have its code redeemed, delete its Secret, and remember what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from citrix_oauth_operator.allowance import Allowance
from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Observed
from citrix_oauth_operator.domain.sign_in import Login, SignInResult, subject_hash
from citrix_oauth_operator.edges import DeletesLogins, Redeemed, RedeemsCodes
from citrix_oauth_operator.report import audit

DELETE_SECONDS = (0.1, 0.5, 2.0)  # between the tries to delete a login Secret; its claim keeps it from being sent again

AT_ONCE, EACH_SECONDS = 5, 60.0  # codes of one client: so many, then one a minute; each leaves a claim


@dataclass(slots=True)
class SignIns:
    """The sign-ins of all clients."""

    redemption: RedeemsCodes
    logins: DeletesLogins
    clock: Clock
    _codes: dict[str, Allowance] = field(default_factory=dict)  # by client, of those that sent any of late

    def rest(self, ref: ClientRef) -> timedelta:
        """Return how long a client's next code has to wait: whoever may write login Secrets cannot flood us."""
        codes = self._codes.get(str(ref))
        return timedelta(seconds=codes.rest() if codes else 0.0)

    def _sent(self, ref: ClientRef) -> None:
        self._codes = {client: codes for client, codes in self._codes.items() if not codes.is_full()}
        self._codes.setdefault(str(ref), Allowance(self.clock, AT_ONCE, EACH_SECONDS)).book()

    async def redeem(self, seen: Observed, login: Login, chain: str) -> tuple[Observed, Redeemed]:
        """Redeem a code, and end the sign-in where it is over; return the facts afterwards.

        Raises:
            Conflict: somebody else claimed the code; look again.
            ApiError: nothing was sent.
        """
        redeemed = await self.redemption.redeem(seen, login, chain)
        if redeemed.over:
            self._sent(seen.client.ref)
        if not redeemed.over or redeemed.gone:
            return seen, redeemed
        if redeemed.stored is None:
            return await self.end(seen, login, SignInResult(login.uid, self.clock.now(), redeemed.problem)), redeemed
        grant, version = redeemed.stored.grant, redeemed.stored.version
        result = SignInResult(login.uid, self.clock.now(), subject=grant.subject)
        return await self.end(replace(seen, grant=grant, grant_version=version), login, result), redeemed

    async def end(self, seen: Observed, login: Login, result: SignInResult) -> Observed:
        """Delete the login Secret; return the facts without it. The wish that came with it is fulfilled."""
        ref, problem = seen.client.ref, result.problem
        if problem is None:
            audit.tell(audit.Event.SIGNED_IN, ref, **audit.of_grant(seen.grant), subject=subject_hash(result.subject))
        else:
            audit.tell(audit.Event.SIGN_IN_FAILED, ref, reason=str(problem.reason), oauthError=problem.oauth_error)
        for seconds in DELETE_SECONDS:
            try:
                await self.logins.delete(ref, login)
                break
            except ApiError:
                await asyncio.sleep(seconds)
        return replace(seen, client=seen.client.with_wish_fulfilled(), login=None, ended=result)
