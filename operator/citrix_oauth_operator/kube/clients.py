"""CitrixClient objects: read one, claim it for this operator, write its status."""

from __future__ import annotations

from typing import Any

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Client, PastStatus
from citrix_oauth_operator.domain.sight import requested_at

from .api import JSON, Api
from .labels import client_path


class Clients:
    """Reads and status writes of CitrixClients."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._shown: dict[str, JSON] = {}

    def show(self, ref: ClientRef, body: JSON) -> None:
        """Keep what the watch showed of a client nobody has claimed: its first read needs no request.

        Before anything is sent for it, the claim is written under the version of this body; a stale one ends there.
        """
        if not (body.get("status") or {}).get("grant"):
            self._shown[ref.uid] = body
        else:
            self._shown.pop(ref.uid, None)

    def forget(self, ref: ClientRef) -> None:
        """Drop what was shown of a client that is gone."""
        self._shown.pop(ref.uid, None)

    async def read(self, ref: ClientRef) -> tuple[Client, JSON] | None:
        """Return the client and its spec as they are now; None when it is gone, going, or another of that name."""
        body = self._shown.pop(ref.uid, None) or await self._api.get(client_path(ref))
        if body is None or body["metadata"]["uid"] != ref.uid or "deletionTimestamp" in body["metadata"]:
            return None
        return _client(ref, body), body.get("spec") or {}

    async def claim(self, client: Client, operator_namespace: str, chain: str) -> Client:
        """Write `status.grant` before the first request, guarded by the version that was read.

        Raises:
            Conflict: the object changed; look again.
        """
        patch = {
            "metadata": {"resourceVersion": client.resource_version},
            "status": {"grant": {"namespace": operator_namespace, "chain": chain, "seq": 0}},
        }
        return _client(client.ref, await self._api.merge_patch(f"{client_path(client.ref)}/status", patch))

    async def patch_status(self, ref: ClientRef, patch: dict[str, Any]) -> None:
        """Apply a merge patch to the status of exactly this client."""
        await self._api.merge_patch(f"{client_path(ref)}/status", {"metadata": {"uid": ref.uid}, "status": patch})


def _client(ref: ClientRef, body: JSON) -> Client:
    metadata = body["metadata"]
    return Client(
        ref=ref,
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        status=PastStatus.parse(body.get("status") or {}),
        requested_at=requested_at(metadata),
    )
