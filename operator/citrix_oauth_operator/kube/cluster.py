"""What must be there before the first client: our kinds, and the operator's namespace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from citrix_oauth_operator.domain.errors import ApiError, Conflict

from .api import GROUP_PATH, Api
from .labels import MANAGED_BY, OPERATOR

log = logging.getLogger(__name__)

KINDS = frozenset({"citrixclients", "authorizationservers"})
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 15.0


class NotThereYet(Exception):
    """Something the operator needs is missing; the text says what, and how to bring it."""


async def insist(step: Callable[[], Awaitable[None]]) -> None:
    """Repeat a step of the start until it works; a cluster that is not ready is no reason to end."""
    wait = _FIRST_WAIT
    while True:
        try:
            return await step()
        except (ApiError, NotThereYet) as error:
            log.warning("waiting: %s", error)
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


async def find_kinds(api: Api) -> None:
    """Make sure that the API server serves both kinds.

    Raises:
        NotThereYet: it does not.
    """
    served = await api.get(GROUP_PATH)
    names = {resource["name"] for resource in (served or {}).get("resources", ())}
    if absent := sorted(KINDS - names):
        missing = " and no ".join(absent)
        raise NotThereYet(f"the cluster has no {missing} of {GROUP_PATH[6:]}; apply the CRDs (crds/)")


async def ensure_namespace(api: Api, name: str) -> None:
    """Create the operator's namespace where it is missing and that is allowed.

    Raises:
        NotThereYet: it is missing and cannot be created.
    """
    if await api.get(f"/api/v1/namespaces/{name}"):
        return
    metadata = {"name": name, "labels": {MANAGED_BY: OPERATOR}}
    try:
        await api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    except Conflict:
        return
    except ApiError as error:
        raise NotThereYet(f"namespace {name} is not there and cannot be created ({error})") from None
