"""Claims of seeds: ConfigMaps that say, for longer than the client lives, that a seed was adopted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.model import Claim, ClientRef
from citrix_oauth_operator.domain.secrecy import SecretText

from .api import JSON, Api
from .labels import named, of_client


class Claims:
    """Creates and reads the ConfigMaps `seed-<hash>`; they hold no secret."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._collection = api, f"/api/v1/namespaces/{namespace}/configmaps"

    async def find(self, seed: SecretText) -> Claim | None:
        """Return who has the seed."""
        found = await self._api.get(self._path(seed))
        return None if found is None else _claim(found)

    async def take(self, ref: ClientRef, seed: SecretText, claim: Claim, now: datetime) -> Claim:
        """Claim a seed for a client and a chain; return the claim as it is stored.

        Raises:
            Conflict: somebody has it already.
        """
        written = await self._api.create(self._collection, self._body(ref, seed, claim, now))
        return replace(claim, version=written["metadata"]["resourceVersion"])

    async def adopted(self, seed: SecretText, claim: Claim) -> None:
        """Mark our claim: the grant Secret holds the seed as its chain, from now on it may be sent.

        Raises:
            Conflict: another process of ours has marked it; the seed is that one's to send.
        """
        patch = {"metadata": {"resourceVersion": claim.version}, "data": {"state": "adopted"}}
        await self._api.merge_patch(self._path(seed), patch)

    def _path(self, seed: SecretText) -> str:
        return f"{self._collection}/{_name(seed)}"

    def _body(self, ref: ClientRef, seed: SecretText, claim: Claim, now: datetime) -> JSON:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": _name(seed), "labels": of_client(ref), "annotations": named(ref)},
            "data": {
                "state": "adopted" if claim.adopted else "claimed",
                "chain": claim.chain,
                "uid": claim.uid,
                "namespace": ref.namespace,
                "name": ref.name,
                "claimedAt": rfc3339(now),
            },
        }


def _name(seed: SecretText) -> str:
    return f"seed-{seed.fingerprint(64)}"


def _claim(found: JSON) -> Claim:
    data = found.get("data") or {}
    return Claim(
        uid=data.get("uid", ""),
        chain=data.get("chain", ""),
        adopted=data.get("state") != "claimed",
        version=found["metadata"].get("resourceVersion", ""),
    )
