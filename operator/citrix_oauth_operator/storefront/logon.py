"""Log on: from the choice of a protocol to a primary token. A password is posted once, and written down before."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urljoin

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.spec import LogonProtocol
from citrix_oauth_operator.domain.storefront import Account
from citrix_oauth_operator.wire.raw import RawAnswer

from . import forms, messages, words
from .forms import Form, Verdict
from .messages import Choice, TokenResponse, Wanted, read_token, request_token
from .reactions import ABOUT_THE_ACCOUNT, reaction_to
from .talk import Heard, Talk, Unserved, said_nothing

_ROUNDS = 6  # of forms: logon, a notice or two
_URLENCODED = "application/x-www-form-urlencoded"
_REQUEST_HEADERS = {"Content-Encoding": "utf-8"}  # no coding at all, but what every sample of the documents sends
_FORM_HEADERS = {
    **_REQUEST_HEADERS,
    "X-Citrix-AM-CredentialTypes": forms.CREDENTIAL_TYPES,
    "X-Citrix-AM-LabelTypes": forms.LABEL_TYPES,
    "Accept-Language": "en",
}
_ACCEPT = (messages.RESPONSE, messages.FORM, "text/xml")


class GuardsPassword(Protocol):
    """Remembers durably that a password was posted; as long as it says nothing else, it is not posted again."""

    async def begin(self) -> Problem:
        """Write down that it is about to be posted; return what it is to be called if no answer is heard.

        Raises:
            Conflict: another client posts it, or it may not be posted any more; look again.
            ApiError: nothing was written, nothing may be posted.
        """

    async def accepted(self) -> None:
        """The server took it."""

    async def refused(self, problem: Problem) -> None:
        """The server refused it."""

    async def unjudged(self) -> None:
        """It never reached anybody who judges it."""


@dataclass(slots=True)
class LogOn:
    """One logon of one account.

    Attributes:
        doubt: what is wrong when no answer to the password is heard; None: it was not posted.
    """

    talk: Talk
    account: Account
    password: GuardsPassword
    doubt: Problem | None = None
    _certified: bool = False

    @property
    def credential(self) -> str:
        """Fingerprint of what was shown."""
        return self.account.credential(certified=self._certified)

    async def run(self, choice: Choice, wanted: Wanted) -> TokenResponse:
        """Return the primary token.

        Raises:
            Unserved: why there is none.
            ApiError: nothing was posted.
        """
        url = self.talk.allowed([choice.location])[0]
        match choice.protocol:
            case LogonProtocol.CERTIFICATE:
                return await self._certificate(url, wanted)
            case LogonProtocol.HTTP_BASIC:
                return await self._basic(url, wanted)
            case _:
                return await self._forms(url, wanted)

    async def _certificate(self, url: str, wanted: Wanted) -> TokenResponse:
        """Ask over TLS with the certificate: nothing is sent that could be tried too often, so nothing is marked."""
        self._certified = True
        body, accept, key = request_token(wanted), (messages.RESPONSE,), self.account.key
        raw = await self.talk.post(url, body, messages.REQUEST, accept, _REQUEST_HEADERS, identity=key)
        if not isinstance(raw, RawAnswer):
            refused = raw.problem.reason is Reason.CLIENT_REJECTED
            raise Unserved(NotSent(words.CERTIFICATE_REFUSED) if refused else raw)
        heard = self.talk.heard(raw)
        if token := self._token(heard):
            return token
        if heard.status in {401, 403}:
            raise Unserved.over(replace(words.CERTIFICATE_REFUSED, http_status=heard.status))
        raise Unserved.over(self.talk.failure(heard))

    async def _basic(self, url: str, wanted: Wanted) -> TokenResponse:
        pair = f"{self.account.username}:{self.account.password.reveal()}".encode()
        headers = {**_REQUEST_HEADERS, "Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        heard = await self._with_password(url, request_token(wanted), messages.REQUEST, (messages.RESPONSE,), headers)
        if token := self._token(heard):
            await self.password.accepted()
            return token
        raise await self._unserved(heard)

    async def _forms(self, url: str, wanted: Wanted) -> TokenResponse:
        start = request_token(wanted)
        heard = await self._plain(url, start, messages.REQUEST, _FORM_HEADERS)
        succeeded = False
        for _ in range(_ROUNDS):
            if token := self._token(heard):
                if self.doubt:
                    await self.password.accepted()
                return token
            form = forms.read_form(heard.root) if heard.status == 200 else None  # noqa: PLR2004
            if form is None:
                raise await self._unserved(heard)
            verdict = forms.judge(form, password_sent=self.doubt is not None)
            if verdict is Verdict.SUCCESS and not succeeded:  # logged on by cookies: the token is asked for again
                succeeded, heard = True, await self._plain(url, start, messages.REQUEST, _FORM_HEADERS)
            elif verdict is Verdict.MORE:
                heard = await self._answered(url, form)
            else:
                raise await self._ended(verdict)
        raise await self._ended(Verdict.FAILED)

    async def _answered(self, start: str, form: Form) -> Heard:
        filled = forms.fill(form, self.account)
        url = self.talk.allowed([urljoin(start, filled.post_back)])[0]
        body = filled.body.reveal().encode("ascii")
        if filled.has_password:
            return await self._with_password(url, body, _URLENCODED, _ACCEPT, {})
        return await self._plain(url, body, _URLENCODED, {})

    async def _plain(self, url: str, body: bytes, kind: str, headers: dict[str, str]) -> Heard:
        raw = await self.talk.post(url, body, kind, _ACCEPT, headers)
        if not isinstance(raw, RawAnswer):
            raise Unserved(raw) if self.doubt is None else Unserved.over(self.doubt)
        return self.talk.heard(raw)

    async def _with_password(
        self, url: str, body: bytes, kind: str, accept: tuple[str, ...], headers: dict[str, str]
    ) -> Heard:
        """Post the password: the only place that does, and it does it once."""
        if self.doubt is not None:
            raise Unserved.over(self.doubt)
        self.doubt = await self.password.begin()
        raw = await self.talk.post(url, body, kind, accept, headers)
        match raw:
            case NotSent():
                await self.password.unjudged()
                raise Unserved(raw)
            case Uncertain():
                raise Unserved.over(replace(self.doubt, http_status=raw.problem.http_status))
            case _:
                return self.talk.heard(raw)

    def _token(self, heard: Heard) -> TokenResponse | None:
        return read_token(heard.root) if heard.raw.successful else None

    async def _unserved(self, heard: Heard) -> Unserved:
        """Return the end that an answer is which is neither a token nor a form."""
        failure = self.talk.failure(heard)
        if self.doubt is None:
            return Unserved.over(failure)
        if heard.status in {401, 403}:
            problem = _refusal(heard)
            await self.password.refused(problem)
            return Unserved.over(problem)
        if said_nothing(heard):
            await self.password.unjudged()
            return Unserved.over(failure)
        return Unserved.over(replace(self.doubt, http_status=heard.status))

    async def _ended(self, verdict: Verdict) -> Unserved:
        """Return the end that a form is."""
        problem = _BY_VERDICT.get(verdict)
        if verdict is Verdict.UNAVAILABLE:
            if self.doubt is not None:
                await self.password.unjudged()
            return Unserved.over(words.ERROR)
        if problem is None:
            return Unserved.over(self.doubt or words.ERROR)
        if self.doubt is not None:
            await self.password.refused(problem)
        return Unserved.over(problem)


_BY_VERDICT = {
    Verdict.REFUSED: words.PASSWORD_REFUSED,
    Verdict.MUST_CHANGE: words.PASSWORD_MUST_CHANGE,
    Verdict.SECOND_FACTOR: words.SECOND_FACTOR,
}


def _refusal(heard: Heard) -> Problem:
    """Return what a 401 or a 403 to a password says: a challenge may say more."""
    told = reaction_to(heard.challenge.reason).problem if heard.challenge else None
    if told is not None and told.reason in ABOUT_THE_ACCOUNT:
        return replace(told, http_status=heard.status)
    return words.FORBIDDEN if heard.status == 403 else replace(words.PASSWORD_REFUSED, http_status=401)  # noqa: PLR2004
