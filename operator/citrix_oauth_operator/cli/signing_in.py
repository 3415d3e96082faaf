"""One run of `citrix-oauth login`, read top to bottom."""

from __future__ import annotations

import argparse
import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.kube.api import Api
from citrix_oauth_operator.login import pages
from citrix_oauth_operator.login.attempt import Attempt
from citrix_oauth_operator.login.callback import Declined
from citrix_oauth_operator.login.ending import Ending, SignInEnded
from citrix_oauth_operator.login.handover import Handover, awaited, read_client
from citrix_oauth_operator.login.loopback import DEFAULT_REDIRECT_URI, Listener, Loopback, PortTaken
from citrix_oauth_operator.login.outcome import SILENCE, SignedIn, outcome
from citrix_oauth_operator.login.plan import Plan, plan
from citrix_oauth_operator.login.probe import POSSIBLE_CAUSES, refusal
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.transport import Transport

from . import browser
from .cluster import connection

_REDEEMED_SECONDS = 90.0


class SigningIn:
    """Signs in for one client.

    Args:
        say: prints a line for the person at the terminal.
    """

    def __init__(self, options: argparse.Namespace, say: browser.Say) -> None:
        self._options, self._say = options, partial(say, flush=True)
        self._given = False

    async def run(self) -> None:
        """Sign in and wait until the token is there.

        Raises:
            SignInEnded: it came to nothing; says why.
            ApiError, ClusterNotConfigured: the cluster does not answer, or there is none.
        """
        try:
            async with connection(self._options.context) as api:
                done = await self._signed_in(api)
        except asyncio.CancelledError:
            raise SignInEnded(Ending.INTERRUPTED, *(_STOPPED_LATE if self._given else _STOPPED)) from None
        for line in done.told(datetime.now(UTC)):
            self._say(line)

    async def _signed_in(self, api: Api) -> SignedIn:
        planned = await self._planned(api)
        at, tls = self._loopback(planned.wanted.redirect_uri)
        handover = Handover(api, planned.ref)
        await handover.rehearse()
        try:
            async with Listener(Attempt.begin(planned.wanted), at, tls) as listener:
                return await self._with(listener, at, handover, api, planned)
        except PortTaken:
            raise SignInEnded(
                Ending.PORT_TAKEN,
                f"Port {at.port} of {at.host} is taken, or not yours to use, and the redirect URI needs it.",
                "End what listens there (perhaps another `citrix-oauth login`), or register another redirect URI and"
                " set spec.login.redirectURI.",
            ) from None

    async def _planned(self, api: Api) -> Plan:
        body = await read_client(api, self._options.namespace, self._options.name)
        transport = Transport()
        discovery = Discovery(transport)
        try:
            planned = await plan(api, discovery, body, DEFAULT_REDIRECT_URI)
            if refused := await refusal(transport, planned.wanted, planned.reach):
                raise _ended(refused)
        finally:
            await discovery.aclose()
            await transport.aclose()
        return planned

    def _loopback(self, redirect_uri: str) -> tuple[Loopback, ssl.SSLContext | None]:
        at = Loopback.of(redirect_uri)
        if at is None:
            raise SignInEnded(
                Ending.REFUSED,
                f"The browser would return to {redirect_uri}, which is not this machine.",
                "Sign in there, or set spec.login.redirectURI to a registered address on localhost.",
            )
        if at.scheme == "http":
            return at, None
        from citrix_oauth_operator.login.certificate import self_signed  # noqa: PLC0415 - rarely needed

        tls, fingerprint = self_signed({at.host, *at.addresses})
        self._say(f"The browser will not know the certificate of {at.origin}. Its SHA-256 is {fingerprint}")
        return at, tls

    async def _with(self, listener: Listener, at: Loopback, handover: Handover, api: Api, planned: Plan) -> SignedIn:
        await self._send_off(listener, at)
        try:
            sign_in = await self._answer(listener, planned)
            self._say("The browser is back. The operator redeems the sign-in ...")
            self._given = True
            uid = await handover.give(sign_in)
            done = await awaited(api, planned.ref, lambda body: outcome(body, uid), _REDEEMED_SECONDS, SILENCE)
        except SignInEnded as ended:
            listener.conclude(pages.not_signed_in(ended.message, ended.remedy))
            raise
        listener.conclude(pages.signed_in(str(planned.ref), done.subject))
        return done

    async def _send_off(self, listener: Listener, at: Loopback) -> None:
        opened = not self._options.no_browser and await browser.opened(listener.start_url)
        self._say("Sign in in the browser; it opens this address:" if opened else "Open this address in a browser:")
        self._say(f"\n    {listener.start_url}\n")
        if not opened:
            self._say("If the browser is on another machine, run this there first, and leave it running:")
            self._say(f"\n    {browser.tunnel(at)}\n")

    async def _answer(self, listener: Listener, planned: Plan) -> SignIn:
        seconds = self._options.timeout_seconds
        answer: SignIn | Declined | None = None
        with suppress(TimeoutError):
            answer = await asyncio.wait_for(listener.answer(), seconds)
        if answer is None:
            causes = POSSIBLE_CAUSES.format(redirect_uri=planned.wanted.redirect_uri)
            raise SignInEnded(
                Ending.NOBODY_CAME,
                f"Nobody came back from the browser within {seconds} seconds.",
                f"Run the command again. If the browser shows an error page: {causes}",
            )
        if isinstance(answer, Declined):
            raise _ended(answer)
        return answer


def _ended(declined: Declined) -> SignInEnded:
    code = f" ({declined.error})" if declined.error else ""
    return SignInEnded(Ending.DECLINED, f"{declined.message.rstrip('.')}{code}.", declined.remedy)


_STOPPED = ("Stopped; nothing was signed in.",)
_STOPPED_LATE = ("Stopped while the operator redeemed the sign-in.", "`citrix-oauth status` tells what came of it.")
