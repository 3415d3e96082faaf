"""The token endpoint behind each server's breaker: it is asked at the last moment, and told first.

Who waits for a breaker is turned away before its intent is written; here are only those that were on their way when it
opened. For them nothing was sent.
"""

from __future__ import annotations

import contextlib

from citrix_oauth_operator.domain.answers import Answer, NotSent
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.edges import AsksForTokens
from citrix_oauth_operator.grants.budget import Budgets
from citrix_oauth_operator.grants.token_endpoint import Unread


class Guarded:
    """Token requests that do not leave while their server is to be left alone; answers of others tell when that is."""

    def __init__(self, behind: AsksForTokens, budgets: Budgets) -> None:
        self._behind, self._budgets = behind, budgets

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Send one refresh token."""
        refusal = self._refusal(inputs)
        return NotSent(refusal) if refusal else await self._behind.refresh(inputs, token)

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Send one code."""
        refusal = self._refusal(inputs)
        return NotSent(refusal) if refusal else await self._behind.redeem(inputs, sign_in)

    def read(self, inputs: Inputs, unread: Unread, grant: str = "refresh_token") -> Answer:
        """Say what came of it."""
        answer = self._behind.read(inputs, unread, grant)
        self._learn(inputs, answer)
        return answer

    async def request(self, inputs: Inputs) -> Answer:
        """Ask with the client's own credentials."""
        if refusal := self._refusal(inputs):
            return NotSent(refusal)
        answer = await self._behind.request(inputs)
        self._learn(inputs, answer)
        return answer

    def _refusal(self, inputs: Inputs) -> Problem | None:
        return self._budgets.refusal(inputs.server, inputs.binding.namespace, inputs.binding.name)

    def _learn(self, inputs: Inputs, answer: Answer) -> None:
        with contextlib.suppress(Exception):  # the answer is not committed yet: nothing may come between
            self._budgets.heard(inputs.server, inputs.binding.namespace, inputs.binding.name, answer)
