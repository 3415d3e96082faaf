"""The way to a service token (StoreFront Security Token Services API): challenge, primary token, service token, try.

At most one logon; at most three service tokens, each for another reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from citrix_oauth_operator.domain.answers import Granted, NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import PasswordEnding, Primary
from citrix_oauth_operator.wire.raw import RawAnswer

from . import messages, words
from .challenge import Challenge, audience_of
from .logon import LogOn
from .messages import Choice, TokenResponse, Wanted, read_choices, read_token, request_token
from .reactions import ABOUT_THE_ACCOUNT, Do, reaction_to
from .talk import Heard, Talk, Unserved

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=24)
_TRIES = 3
_TOKEN_ACCEPT = (messages.RESPONSE, messages.CHOICES)
_ENCODING = {"Content-Encoding": "utf-8"}  # as every sample of the documents has it


@dataclass(frozen=True, slots=True)
class Store:
    """What tokens are wanted for, and what else they depend on.

    Attributes:
        url: the first URL that is called; the service token is for it.
        lifetime: of a token that does not say.
        namespace_uid: what a new primary token is bound to, beside what logs on for it.
    """

    url: str
    protocols: tuple[str, ...]
    lifetime: timedelta
    namespace_uid: str


@dataclass(slots=True)
class Chain:
    """One run; afterwards `primary` is what is to be kept, and `endings` what a logon announced."""

    talk: Talk
    store: Store
    log_on: LogOn
    primary: Primary | None = None
    logged_on: bool = False
    endings: tuple[PasswordEnding, ...] = ()

    async def run(self) -> Granted:
        """Return a service token that the store takes.

        Raises:
            Unserved: why there is none.
            ApiError: the password's mark could not be written; it was not posted.
        """
        challenge = await self._challenge()
        reason = ""
        for _ in range(_TRIES):
            asked_at = self.talk.now()
            token = await self._service_token(challenge, reason)
            refusal = await self._refusal(token)
            if refusal is None:
                # counted from when it was asked for, as of every token: the time of what came between is taken off
                return Granted(token.token, self._life(token) - (self.talk.now() - asked_at))
            reaction = reaction_to(refusal.reason)
            if reaction.problem is not None:
                raise self._stopped(reaction.problem)
            if reaction.do is Do.DROP_ALL:
                self._drop()
            challenge = replace(challenge, realm=refusal.realm, locations=refusal.locations or challenge.locations)
            reason = refusal.reason
        raise Unserved.over(words.REFUSES_ITS_OWN)

    async def _challenge(self) -> Challenge:
        """Step 1: call the store without a token."""
        raw = await self.talk.get(self.talk.allowed([self.store.url])[0])
        if not isinstance(raw, RawAnswer):
            raise Unserved(NotSent(raw.problem) if isinstance(raw, Uncertain) else raw)
        heard = self.talk.heard(raw)
        if heard.challenge is None:
            told = words.NO_CHALLENGE if raw.successful and heard.root is not None else self.talk.failure(heard)
            raise Unserved.over(replace(told, http_status=raw.status))
        return heard.challenge

    async def _refusal(self, token: TokenResponse) -> Challenge | None:
        """Step 6: call the store with the token; only a challenge speaks against it."""
        raw = await self.talk.get(self.store.url, token.token.reveal())
        return self.talk.heard(raw).challenge if isinstance(raw, RawAnswer) else None

    async def _service_token(self, challenge: Challenge, reason: str) -> TokenResponse:
        """Steps 2 and 5: ask the token service, with the primary token if there is one; log on where it wants that."""
        wanted = Wanted(challenge.realm, self.store.url, challenge.template, reason)
        while True:
            url, heard, sent = await self._ask(challenge.locations, wanted)
            if token := self._read(heard):
                return token
            if heard.challenge is None:
                raise Unserved.over(self.talk.failure(heard))
            reaction = reaction_to(heard.challenge.reason)
            if sent and reaction.problem is not None:
                raise self._stopped(reaction.problem)
            if self.logged_on:
                raise Unserved.over(words.REFUSES_ITS_OWN)
            await self._get_primary(url, heard.challenge)

    async def _get_primary(self, url: str, challenge: Challenge) -> None:
        """Steps 3 and 4: ask for the choices, then log on by the best one."""
        self._drop()
        wanted = Wanted(challenge.realm, url, challenge.template)
        _, heard, _ = await self._ask(challenge.locations, wanted)
        asked_at = self.talk.now()
        token = self._read(heard) or await self.log_on.run(self._chosen(heard), wanted)
        self.logged_on, self.endings = True, token.endings
        self.primary = Primary(
            token=token.token,
            audience=audience_of(url, challenge.realm),
            token_url=url,
            credential=self.log_on.credential,
            namespace_uid=self.store.namespace_uid,
            issued_at=self.talk.now(),
            expires_at=asked_at + self._life(token),
        )

    def _chosen(self, heard: Heard) -> Choice:
        choices = read_choices(heard.root)
        if choices is None:
            raise Unserved.over(self.talk.failure(heard))
        by_name = {one.protocol: one for one in reversed(choices.choices)}
        for name in self.store.protocols:
            if name in by_name:
                return by_name[name]
        raise Unserved.over(words.not_offered(tuple(by_name)))

    async def _ask(self, locations: tuple[str, ...], wanted: Wanted) -> tuple[str, Heard, bool]:
        """Post a requesttoken to the first location that answers; the primary token goes only where it is from."""
        failed: Unserved | None = None
        for url in self.talk.allowed(locations):
            primary = self.primary if self.primary and self.primary.audience.holds(audience_of(url)) else None
            authorization = {"Authorization": f"CitrixAuth {primary.token.reveal()}"} if primary else {}
            raw = await self.talk.post(
                url, request_token(wanted), messages.REQUEST, _TOKEN_ACCEPT, {**_ENCODING, **authorization}
            )
            if not isinstance(raw, RawAnswer):
                failed = Unserved(NotSent(raw.problem) if isinstance(raw, Uncertain) else raw)
                continue
            heard = self.talk.heard(raw)
            if heard.challenge or self._read(heard) or read_choices(heard.root):
                return url, heard, primary is not None
            failed = Unserved.over(self.talk.failure(heard))
        raise failed or Unserved.over(words.NO_LOCATION)

    def _read(self, heard: Heard) -> TokenResponse | None:
        return read_token(heard.root) if heard.raw.successful else None

    def _stopped(self, problem: Problem) -> Unserved:
        """Return the end that a challenge is; an account that no password can lock is asked for again, hourly."""
        certified = self.primary is not None and self.primary.credential != self.log_on.account.fingerprint
        if certified and problem.reason in ABOUT_THE_ACCOUNT:
            self._drop()
            problem = replace(words.CERTIFIED_ACCOUNT, server_code=problem.server_code)
        return Unserved.over(replace(problem, http_status=401))

    def _drop(self) -> None:
        self.primary = None

    def _life(self, token: TokenResponse) -> timedelta:
        return min(max(token.lifetime or self.store.lifetime, SHORTEST), LONGEST)


async def destroy(talk: Talk, token_url: str, token: SecretText) -> str:
    """Ask once to forget a primary token; return "" when the server says so, or one word for why not."""
    try:
        url = talk.allowed([token_url])[0]
    except Unserved:
        return "AddressNotAllowed"
    headers = {**_ENCODING, "Authorization": f"CitrixAuth {token.reveal()}"}
    raw = await talk.post(url, messages.destroy_token(token), messages.DESTROY, (messages.DESTROYED,), headers)
    if isinstance(raw, RawAnswer):
        return "" if messages.is_destroyed(talk.heard(raw).root) else "Refused"
    return "AnswerLost" if isinstance(raw, Uncertain) else "NotSent"
