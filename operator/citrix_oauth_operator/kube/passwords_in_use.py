"""Which passwords clients of StoreFront have: their marks are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.spec import GrantType

from .api import JSON, Api
from .labels import client_path
from .servers import Servers

PAUSE_SECONDS = 0.1  # between two clients


@dataclass(frozen=True, slots=True)
class PasswordsInUse:
    """Reads clients and their credentials live.

    Args:
        clients: all that there are, and the names of their servers.
        inputs: what a client's tokens are made from, or why that cannot be said.
    """

    api: Api
    servers: Servers
    clients: Callable[[], Iterable[tuple[ClientRef, str]]]
    inputs: Callable[[ClientRef, JSON], Awaitable[Inputs | Problem]]

    async def fingerprints(self) -> frozenset[str] | None:
        """Return those of all passwords; None: a client cannot be read, and may have any.

        Raises:
            ApiError: the API server does not answer.
        """
        used: set[str] = set()
        for ref, server in tuple(self.clients()):
            if not self._may_be_storefront(server):
                continue
            body = await self.api.get(client_path(ref))
            if body is None or body["spec"].get("grantType") != GrantType.CITRIX_AUTH:
                continue
            found = await self.inputs(ref, body)
            if isinstance(found, Problem):
                return None
            if found.account is not None:
                used.add(found.account.fingerprint)
            await asyncio.sleep(PAUSE_SECONDS)
        return frozenset(used)

    def _may_be_storefront(self, name: str) -> bool:
        server = self.servers.find(name)
        return isinstance(server, Problem) or server.type is ServerType.STOREFRONT
