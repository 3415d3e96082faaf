"""CitrixClient objects: read one, claim it for this operator, write its status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.observed import Client, PastStatus
from citrix_oauth_operator.domain.sight import requested_at
from citrix_oauth_operator.domain.spec import GrantType

from .api import JSON, Api
from .labels import API_VERSION, CLIENT_KIND, FINALIZER, client_path

__all__ = ["FINALIZER", "Clients"]

_REVOCABLE = (str(GrantType.REFRESH_TOKEN), str(GrantType.CITRIX_AUTH))


class Clients:
    """Reads and status writes of CitrixClients."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._shown: dict[str, JSON] = {}
        self._leaving: dict[str, JSON] = {}

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
        if body is None or body["metadata"]["uid"] != ref.uid:
            return None
        if "deletionTimestamp" in body["metadata"]:
            if FINALIZER in (body["metadata"].get("finalizers") or ()):
                self._leaving[ref.uid] = body
            return None
        return _client(ref, body), body.get("spec") or {}

    def leaving(self, ref: ClientRef) -> JSON | None:
        """Return a client that was found going and waits for us, once."""
        return self._leaving.pop(ref.uid, None)

    async def finalize(self, ref: ClientRef, *, wanted: bool) -> None:
        """Set or release our finalizer; those of others stay.

        Raises:
            Conflict: somebody wrote the object in between.
        """
        body = await self._api.get(client_path(ref))
        if body is None or body["metadata"]["uid"] != ref.uid:
            return
        metadata = body["metadata"]
        others = [name for name in metadata.get("finalizers") or () if name != FINALIZER]
        finalizers = [*others, FINALIZER] if wanted else others
        if wanted and "deletionTimestamp" in metadata:
            return
        patch = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": finalizers}}
        await self._api.merge_patch(client_path(ref), patch)

    async def claim(self, client: Client, operator_namespace: str, chain: str) -> Client:
        """Write `status.grant` before the first request, guarded by the version that was read.

        Raises:
            Conflict: the object changed; look again.
        """
        status = {**client.status.raw, "grant": {"namespace": operator_namespace, "chain": chain, "seq": 0}}
        body = {
            "apiVersion": API_VERSION,
            "kind": CLIENT_KIND,
            "metadata": {"name": client.ref.name, "uid": client.ref.uid, "resourceVersion": client.resource_version},
            "status": status,
        }
        # of what is written to a status, the API server takes the status alone; a patch would cost it a tenth more
        written = await self._api.replace(f"{client_path(client.ref)}/status", body)
        return replace(client, resource_version=written["metadata"]["resourceVersion"], status=PastStatus.parse(status))

    async def patch_status(self, ref: ClientRef, patch: dict[str, Any]) -> None:
        """Apply a merge patch to the status of exactly this client."""
        await self._api.merge_patch(f"{client_path(ref)}/status", {"metadata": {"uid": ref.uid}, "status": patch})


def _client(ref: ClientRef, body: JSON) -> Client:
    metadata, spec = body["metadata"], body.get("spec") or {}
    return Client(
        ref=ref,
        generation=metadata["generation"],
        resource_version=metadata["resourceVersion"],
        status=PastStatus.parse(body.get("status") or {}),
        requested_at=requested_at(metadata),
        finalizers=tuple(metadata.get("finalizers") or ()),
        revokes=spec.get("deletionPolicy") == "Revoke" and spec.get("grantType", _REVOCABLE[0]) in _REVOCABLE,
    )
