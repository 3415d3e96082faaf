"""Whether this process may begin a token request: it leads, and it is not ending. What has begun goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from citrix_oauth_operator.domain.answers import WITHHELD, Answer
from citrix_oauth_operator.domain.errors import Withheld
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.edges import AsksForTokens
from citrix_oauth_operator.grants.token_endpoint import Unread


class Gate:
    """Opened and shut with each change of leadership, closed for good when the process ends."""

    def __init__(self, leads: Callable[[], bool]) -> None:
        self._leads, self._open = leads, False
        self._closed = asyncio.Event()

    def open(self) -> None:
        """Let requests begin while this process leads."""
        self._open = True

    def shut(self) -> None:
        """Let none begin."""
        self._open = False

    def close(self) -> None:
        """Let none begin any more, and end the waiting for a turn."""
        self._closed.set()

    def is_open(self) -> bool:
        """Whether a request may begin at this moment."""
        return self._open and not self._closed.is_set() and self._leads()

    async def after(self, turn: Coroutine[Any, Any, None]) -> None:
        """Wait for a turn; whoever gets it may begin.

        Raises:
            Withheld: it may not, or the process ends before its turn comes.
        """
        waiting, closing = asyncio.ensure_future(turn), asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not self.is_open():
                raise Withheld
            waiting.result()
        finally:
            waiting.cancel()
            closing.cancel()


def open_gate() -> Gate:
    """Return a gate of a process that has no rival."""
    gate = Gate(lambda: True)
    gate.open()
    return gate


@dataclass(frozen=True, slots=True)
class GatedRequests:
    """Token requests that are not sent when the gate has shut since they were decided on."""

    behind: AsksForTokens
    gate: Gate

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Send a refresh token once, if that may begin."""
        return await self.behind.refresh(inputs, token) if self.gate.is_open() else WITHHELD

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Send a code once, if that may begin."""
        return await self.behind.redeem(inputs, sign_in) if self.gate.is_open() else WITHHELD

    def read(self, inputs: Inputs, unread: Unread, grant: str = "refresh_token") -> Answer:
        """Say what an answer means; what was withheld says nothing about the server."""
        return WITHHELD if unread is WITHHELD else self.behind.read(inputs, unread, grant)

    async def request(self, inputs: Inputs) -> Answer:
        """Ask with the client's own credentials, if that may begin."""
        return await self.behind.request(inputs) if self.gate.is_open() else WITHHELD
