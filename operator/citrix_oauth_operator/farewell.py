"""`deletionPolicy: Revoke`: a finalizer while it is set, and at the end of a client the end of its grant.

The finalizer holds an object for one request of at most ten seconds; whatever comes of that, it is released.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Inputs, PastStatus
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText, StaysHere
from citrix_oauth_operator.domain.spec import GrantType
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.clients import FINALIZER, Clients
from citrix_oauth_operator.kube.grant_store import ForeignSecret, GrantStore
from citrix_oauth_operator.patience import patiently
from citrix_oauth_operator.report import audit

log = logging.getLogger(__name__)

SECONDS = 10.0


@dataclass(slots=True)
class Farewells(StaysHere):
    """Wraps the passes of all clients.

    Args:
        passes: one pass over a client; None where it is gone, or going.
        inputs: what a client's tokens are made from, of its object.
        revoke: asks the server; returns "" or why the grant may live on.
        destroy: the same for what StoreFront gave, which it deletes here as well.
    """

    passes: Callable[[ClientRef], Awaitable[Outcome | None]]
    clients: Clients
    grants: GrantStore
    operator_namespace: str
    inputs: Callable[[ClientRef, JSON], Awaitable[Inputs | Problem]]
    revoke: Callable[[Inputs, SecretText], Awaitable[str]]
    destroy: Callable[[ClientRef, Inputs], Awaitable[str]]

    async def run(self, ref: ClientRef) -> Outcome | None:
        """Do one pass, and what belongs around it.

        Raises:
            Conflict, ApiError: of the pass, or of the last write of a client that goes; run another one.
        """
        outcome = await self.passes(ref)
        if outcome is None:
            if (body := self.clients.leaving(ref)) is not None and self._is_ours(_claimed_by(body)):
                await self._farewell(ref, body)
        elif self._is_ours(outcome.client.status.operator_namespace):
            await self._finalized(outcome)
        return outcome

    def _is_ours(self, claimed_by: str) -> bool:
        return claimed_by in {"", self.operator_namespace}

    async def _finalized(self, outcome: Outcome) -> None:
        client = outcome.client
        if client.revokes == (FINALIZER in client.finalizers):
            return
        try:
            await patiently(partial(self.clients.finalize, client.ref, wanted=client.revokes))
        except Conflict:
            return  # the next pass sees it
        except ApiError as error:
            log.warning("finalizer of %s could not be written: %s", client.ref, error)

    async def _farewell(self, ref: ClientRef, body: JSON) -> None:
        """Revoke, forget, release: also where the first two fail, however they do."""
        why = "TimedOut"
        try:
            async with asyncio.timeout(SECONDS):
                why = await self._revoked(ref, body)
        except Exception as error:  # noqa: BLE001 - nothing that anybody wrote may hold a namespace
            log.warning("the grant of %s is not revoked: %s", ref, type(error).__name__)
            why = why if isinstance(error, TimeoutError) else "Failed"
        await self._forget(ref)
        audit.tell(audit.Event.GRANT_NOT_REVOKED if why else audit.Event.GRANT_REVOKED, ref, reason=why or None)
        await self.clients.finalize(ref, wanted=False)

    async def _forget(self, ref: ClientRef) -> None:
        try:
            await self.grants.delete(ref)
        except (ApiError, ForeignSecret) as error:
            log.warning("the grant of %s is not deleted: %s", ref, type(error).__name__)

    async def _revoked(self, ref: ClientRef, body: JSON) -> str:
        if (body.get("spec") or {}).get("grantType") == GrantType.CITRIX_AUTH:
            found = await self.inputs(ref, body)
            return str(found.reason) if isinstance(found, Problem) else await self.destroy(ref, found)
        stored = await self.grants.load(ref)
        if stored is None:
            return "NoGrant"
        if stored.grant.rejection:
            return "GrantDead"
        inputs = await self.inputs(ref, body)
        if isinstance(inputs, Problem):
            return str(inputs.reason)
        if inputs.binding != stored.grant.binding:
            return "InputsChanged"
        return await self.revoke(inputs, stored.grant.refresh_token)


def _claimed_by(body: JSON) -> str:
    return PastStatus.parse(body.get("status") or {}).operator_namespace
