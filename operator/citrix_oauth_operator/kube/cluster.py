"""What must be there before the first client: our kinds, and the operator's namespace."""

from __future__ import annotations

import asyncio
import logging

from citrix_oauth_operator.domain.errors import ApiError, Conflict

from .api import GROUP_PATH, Api
from .labels import MANAGED_BY, OPERATOR

log = logging.getLogger(__name__)

KINDS = frozenset({"citrixclients", "authorizationservers"})
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 15.0


async def await_kinds(api: Api) -> None:
    """Wait until the API server serves both kinds; say what is missing."""
    wait = _FIRST_WAIT
    while missing := await _missing(api):
        log.warning("waiting: %s; apply the CRDs (crds/, or the Helm chart)", missing)
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


async def _missing(api: Api) -> str:
    try:
        served = await api.get(GROUP_PATH)
    except ApiError as error:
        return str(error)
    names = {resource["name"] for resource in (served or {}).get("resources", ())}
    absent = sorted(KINDS - names)
    return f"the cluster has no {' and no '.join(absent)} of citrix-oauth.dev/v1alpha1" if absent else ""


async def ensure_namespace(api: Api, name: str) -> None:
    """Create the operator's namespace where it is missing and that is allowed; wait for it otherwise."""
    wait = _FIRST_WAIT
    while True:
        try:
            if await api.get(f"/api/v1/namespaces/{name}"):
                return
            body = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {MANAGED_BY: OPERATOR}},
            }
            await api.create("/api/v1/namespaces", body)
        except Conflict:
            continue
        except ApiError as error:
            log.warning("waiting: namespace %s is not there and cannot be created (%s)", name, error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
