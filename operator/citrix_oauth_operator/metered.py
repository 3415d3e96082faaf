"""The edges that are counted: each one does what the edge behind it does, and says what came of it.

A refused count never costs a token: between an answer and its commit nothing here raises.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from typing import TypeVar

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.answers import Answer, Granted, NotSent, Refused
from citrix_oauth_operator.domain.errors import ApiError, Conflict, Unreachable
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.edges import AsksForTokens, Metrics, NoMetrics, Spills
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.kube.grant_store import SECRET_TYPE
from citrix_oauth_operator.spill import Spilled

T = TypeVar("T")


class MeteredRequests:
    """Counts token requests, by server, grant type and what they came to."""

    def __init__(self, behind: AsksForTokens, metrics: Metrics, clock: Clock) -> None:
        self._behind, self._metrics, self._clock = behind, metrics, clock

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Send one refresh token."""
        return await self._timed(self._behind.refresh(inputs, token))

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Send one code."""
        return await self._timed(self._behind.redeem(inputs, sign_in))

    def read(self, inputs: Inputs, unread: Unread, grant: str = "refresh_token") -> Answer:
        """Say what came of it."""
        answer = self._behind.read(inputs, unread, grant)
        self._count(inputs, grant, answer)
        return answer

    async def request(self, inputs: Inputs) -> Answer:
        """Ask with the client's own credentials."""
        answer = await self._timed(self._behind.request(inputs))
        self._count(inputs, "client_credentials", answer)
        return answer

    async def _timed(self, work: Awaitable[T]) -> T:
        began = self._clock.boottime()
        result = await work
        if not isinstance(result, NotSent):
            with contextlib.suppress(Exception):
                self._metrics.took(self._clock.boottime() - began)
        return result

    def _count(self, inputs: Inputs, grant: str, answer: Answer) -> None:
        with contextlib.suppress(Exception):
            self._metrics.granted(inputs.server.name, grant, outcome_of(answer))


def outcome_of(answer: Answer) -> str:
    """Return the word of an answer: what it says about the refresh token, and whether there is a token to use."""
    match answer:
        case Granted():
            return "granted" if answer.access_token is not None else "unusable"
        case Refused():
            return "refused"
        case NotSent():
            return "not_sent"
        case _:
            return "uncertain"


class MeteredSpill:
    """Knows how many answers are held: received, and neither committed nor found to hold no token."""

    def __init__(self, behind: Spills, metrics: Metrics) -> None:
        self._behind, self._metrics = behind, metrics
        self._attempts: set[str] = set()

    def put(self, spilled: Spilled) -> None:
        """Keep an answer."""
        self._behind.put(spilled)
        self._attempts.add(spilled.pending.attempt)
        self._tell()

    def drop(self, ref: ClientRef, attempt: str) -> None:
        """Let go of one."""
        self._behind.drop(ref, attempt)
        self._attempts.discard(attempt)
        self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(Exception):
            self._metrics.holding(len(self._attempts))


class MeteredApi(Api):
    """Counts the writes of grant Secrets and token Secrets."""

    metrics: Metrics = NoMetrics()

    async def create(self, path: str, body: JSON) -> JSON:
        """Create an object."""
        return await self._counted(body, super().create(path, body))

    async def replace(self, path: str, body: JSON) -> JSON:
        """Write a whole object."""
        return await self._counted(body, super().replace(path, body))

    async def _counted(self, body: JSON, write: Awaitable[JSON]) -> JSON:
        try:
            written = await write
        except ApiError as error:
            self._count(body, _word(error))
            raise
        self._count(body, "written")
        return written

    def _count(self, body: JSON, outcome: str) -> None:
        if body["kind"] == "Secret":
            with contextlib.suppress(Exception):
                self.metrics.wrote("grant" if body["type"] == SECRET_TYPE else "token", outcome)


def _word(error: ApiError) -> str:
    match error:
        case Conflict():
            return "conflict"
        case Unreachable():
            return "unknown"
        case _:
            return "failed"
