"""The edges of one pass, as Protocols: what a test replaces, and what `app.py` wires to the real parts."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from citrix_oauth_operator.domain.answers import Answer
from citrix_oauth_operator.domain.model import Claim, ClientRef, Token, TokenSecret
from citrix_oauth_operator.domain.observed import Client, Inputs, Observed
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Server
from citrix_oauth_operator.domain.sign_in import CodeClaim, Expected, Login, SignIn
from citrix_oauth_operator.domain.storefront import PasswordEnding
from citrix_oauth_operator.domain.template import SecretTarget
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.kube.grant_store import Stored
from citrix_oauth_operator.spill import Spilled


@dataclass(frozen=True, slots=True)
class Settled:
    """What a try came to: the grant as it is stored now (None: the client is gone), and what went wrong."""

    stored: Stored | None
    problem: Problem | None = None


class Observes(Protocol):
    """OBSERVE."""

    async def observe(self, ref: ClientRef) -> Observed | None: ...


class Slots(Protocol):
    """The places in flight at each server."""

    def slot(self, server: Server) -> AbstractAsyncContextManager[None]: ...


class Spills(Protocol):
    """HOLD: keeps an answer until it is committed; never fails."""

    def put(self, spilled: Spilled) -> None: ...

    def drop(self, ref: ClientRef, attempt: str) -> None: ...


class ClaimsClients(Protocol):
    """Claims a client for this operator before its first request."""

    async def claim(self, client: Client, operator_namespace: str, chain: str) -> Client: ...


class SpendsRefreshTokens(Protocol):
    """GRANT and COMMIT where the refresh token rotates."""

    def new_chain(self) -> str: ...

    async def adopt(self, seen: Observed, chain: str) -> Settled: ...

    async def refresh(self, seen: Observed, *, doubt: bool) -> Settled: ...


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a sign-in came to.

    Attributes:
        stored: the grant that it began; None: what was stored before is untouched.
        problem: why not; beside a grant, what is wrong with its access token.
        over: whether the code is of no use any more; False: nothing was sent, and it may be later.
        gone: whether the client is gone, and nothing was stored.
    """

    stored: Stored | None = None
    problem: Problem | None = None
    over: bool = True
    gone: bool = False


class RedeemsCodes(Protocol):
    """GRANT and COMMIT of a sign-in."""

    async def redeem(self, seen: Observed, login: Login, chain: str) -> Redeemed: ...


class CodeClaims(Protocol):
    """Remembers which codes were sent."""

    async def take(self, ref: ClientRef, code: SecretText, claim: CodeClaim) -> None: ...

    async def release(self, code: SecretText, claim: CodeClaim) -> None: ...


class ChecksIdTokens(Protocol):
    """Says who signed in."""

    async def prepare(self, expected: Expected, reach: Reach) -> Problem | None: ...

    async def check(
        self, token: SecretText | None, expected: Expected, reach: Reach, at: datetime
    ) -> str | Problem: ...


class DeletesLogins(Protocol):
    """Deletes login Secrets that were used or refused."""

    async def delete(self, ref: ClientRef, login: Login) -> None: ...


class RequestsTokens(Protocol):
    """GRANT with the client's own credentials: nothing rotates, nothing is stored before."""

    async def request(self, inputs: Inputs) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Served:
    """What StoreFront gave, and what it said beside it of passwords that end."""

    answer: Answer
    endings: tuple[PasswordEnding, ...] = ()


class ObtainsServiceTokens(Protocol):
    """GRANT at StoreFront: a service token, with a logon before where it takes one."""

    async def obtain(self, seen: Observed) -> Served: ...

    async def destroy(self, ref: ClientRef, inputs: Inputs) -> str: ...


class RemembersRefusals(Protocol):
    """Marks credentials that a server refused."""

    async def mark(self, fingerprint: str, problem: Problem, now: datetime) -> None: ...

    async def clear(self, fingerprint: str) -> None: ...


class KeepsBudgets(Protocol):
    """The request budget of each server."""

    async def turn(self, server: Server) -> None: ...

    def slot(self, server: Server) -> AbstractAsyncContextManager[None]: ...

    def close(self, server: Server, span: timedelta) -> None: ...

    def closed_for(self, server: Server) -> timedelta: ...

    def breaker(self, server: Server, ref: ClientRef, expires: datetime | None) -> Problem | None: ...


class Publishes(Protocol):
    """PUBLISH."""

    async def observe(self, ref: ClientRef, target: SecretTarget) -> TokenSecret: ...

    async def publish(self, ref: ClientRef, target: SecretTarget, token: Token, seen: TokenSecret) -> TokenSecret: ...

    async def delete_old(self, ref: ClientRef, name: str) -> None: ...


class TokenRequests(Protocol):
    """Sends one refresh token or code to one endpoint, and says what came of it in a step of its own."""

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread: ...

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread: ...

    def read(self, inputs: Inputs, unread: Unread, grant: str = ...) -> Answer: ...


class AsksForTokens(TokenRequests, RequestsTokens, Protocol):
    """Both kinds of token requests."""


class Withholds(Protocol):
    """Whether this process may begin a token request."""

    def is_open(self) -> bool: ...

    async def after(self, turn: Coroutine[Any, Any, None]) -> None: ...


class SeedClaims(Protocol):
    """Remembers which seeds were adopted."""

    async def take(self, ref: ClientRef, seed: SecretText, claim: Claim, now: datetime) -> Claim: ...

    async def adopted(self, seed: SecretText, claim: Claim) -> None: ...


class Metrics(Protocol):
    """Counts what happens; docs/metrics.md says what each number means."""

    def granted(self, server: str, grant: str, outcome: str) -> None: ...

    def took(self, seconds: float) -> None: ...

    def wrote(self, kind: str, outcome: str) -> None: ...

    def holding(self, answers: int) -> None: ...

    def replayed(self) -> None: ...

    def began(self, lateness: float) -> None: ...


class NoMetrics:
    """Counts nothing."""

    def granted(self, server: str, grant: str, outcome: str) -> None: ...

    def took(self, seconds: float) -> None: ...

    def wrote(self, kind: str, outcome: str) -> None: ...

    def holding(self, answers: int) -> None: ...

    def replayed(self) -> None: ...

    def began(self, lateness: float) -> None: ...
