"""The steps of a sign-in in the portal: begin, finish, follow. Whose it is was settled before."""

from __future__ import annotations

import logging
from dataclasses import replace

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.problem import sanitised
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.kube.inputs import Discovery
from citrix_oauth_operator.kube.labels import client_path
from citrix_oauth_operator.login.attempt import Attempt, Wanted
from citrix_oauth_operator.login.callback import Declined
from citrix_oauth_operator.login.ending import Ending, SignInEnded
from citrix_oauth_operator.login.handover import Handover
from citrix_oauth_operator.login.outcome import SILENCE, outcome
from citrix_oauth_operator.login.plan import plan
from citrix_oauth_operator.login.probe import refusal
from citrix_oauth_operator.report import audit
from citrix_oauth_operator.wire.documents import DocumentTransport

from .people import People, Person
from .sign_ins import Ended, OpenSignIn, SignIns

REDEEMED_SECONDS = 90.0

log = logging.getLogger(__name__)


class Steps:
    """Does what the pages ask for."""

    def __init__(  # noqa: PLR0913, PLR0917 - its edges
        self,
        api: Api,
        people: People,
        discovery: Discovery,
        transport: DocumentTransport,
        sign_ins: SignIns,
        clock: Clock,
        redirect_uri: str,
    ) -> None:
        self._api, self._people, self._discovery, self._transport = api, people, discovery, transport
        self._sign_ins, self._clock, self._redirect_uri = sign_ins, clock, redirect_uri

    async def begin(self, person: Person, browser: str, body: JSON) -> OpenSignIn:
        """Open a sign-in for a client, once all that can be known beforehand speaks for it.

        Raises:
            SignInEnded: it could come to nothing, or only to nothing.
            TooMany: later, perhaps.
            ApiError: the API server does not answer.
        """
        try:
            ref, wanted = await self._planned(body)
            await Handover(self._api, ref).rehearse()
        except SignInEnded as ended:
            raise _worded(ended) from None
        one = self._sign_ins.begin(ref, person, browser, Attempt.begin(wanted))
        audit.tell(audit.Event.SIGN_IN_BEGUN, one.ref, user=_named(person))
        return one

    async def _planned(self, body: JSON) -> tuple[ClientRef, Wanted]:
        planned = await plan(self._api, self._discovery, body, self._redirect_uri)
        wanted = replace(planned.wanted, redirect_uri=self._redirect_uri)  # spec.login.redirectURI is the command's
        if refused := await refusal(self._transport, wanted, planned.reach):
            raise SignInEnded(Ending.DECLINED, refused.message, refused.remedy)
        return planned.ref, wanted

    async def finish(self, one: OpenSignIn, answer: SignIn | Declined) -> None:
        """Hand the answer over to the operator; what comes of it is kept in `one`."""
        if isinstance(answer, Declined):
            audit.tell(audit.Event.SIGN_IN_DECLINED, one.ref, user=_named(one.person), oauthError=answer.error or None)
            one.ended = Ended(good=False, sentences=(answer.message, answer.remedy))
            return
        try:
            one.secret_uid = await self._given(one, answer)
            audit.tell(audit.Event.SIGN_IN_HANDED_OVER, one.ref, user=_named(one.person), secretUID=one.secret_uid)
        except SignInEnded as ended:
            one.ended = _told(_worded(ended))
        except ApiError as error:
            log.warning("%s: a sign-in could not be handed over: %s", one.ref, error)
            one.ended = Ended(good=False, sentences=("The cluster did not take the sign-in.", "Sign in again."))

    async def _given(self, one: OpenSignIn, answer: SignIn) -> str:
        if not await self._people.may_sign_in(one.person, one.ref.namespace, one.ref.name):
            raise SignInEnded(Ending.NO_RIGHTS, "You may not sign in for this client any more.")
        return await Handover(self._api, one.ref).give(answer)

    async def follow(self, one: OpenSignIn) -> Ended | None:
        """Return what the operator made of it; None: it is at work."""
        if one.ended is None and one.secret_uid:
            one.ended = await self._looked_up(one)
        return one.ended

    async def _looked_up(self, one: OpenSignIn) -> Ended | None:
        body = await self._api.get(client_path(one.ref))
        if body is None:
            return Ended(good=False, sentences=(f"CitrixClient {one.ref} was deleted meanwhile.",))
        try:
            done = outcome(body, one.secret_uid)
        except SignInEnded as ended:
            return _told(ended)
        if done:
            return Ended(good=True, sentences=tuple(done.told(self._clock.now())))
        if self._sign_ins.age(one) > REDEEMED_SECONDS:
            return Ended(good=False, sentences=SILENCE)
        return None


def _told(ended: SignInEnded) -> Ended:
    return Ended(good=False, sentences=tuple(filter(None, (ended.message, ended.remedy))))


def _worded(ended: SignInEnded) -> SignInEnded:
    """Return the same for a reader who is not the one that lacks a right in the cluster."""
    if ended.ending is not Ending.NO_RIGHTS or not ended.remedy:
        return ended
    log.warning("the portal lacks a right: %s", ended.message)
    return SignInEnded(
        Ending.NO_RIGHTS,
        "The portal itself lacks a right in the cluster that this needs; its log says which.",
        "Tell the platform's admin; docs/portal.md says what the portal must be allowed to do.",
    )


def _named(person: Person) -> str:
    return sanitised(person.name, 256) or "?"
