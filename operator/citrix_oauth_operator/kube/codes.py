"""Claims of codes: ConfigMaps that say, before a code is sent and for as long as its chain may live, that it was."""

from __future__ import annotations

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
from citrix_oauth_operator.domain.errors import Unreachable
from citrix_oauth_operator.domain.model import ClientRef, Holder
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import CodeClaim

from .api import JSON, Api
from .labels import named, of_client

CODE = "code-"


class Codes:
    """Creates, reads and releases the ConfigMaps `code-<hash>`; they hold no secret."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._collection = api, f"/api/v1/namespaces/{namespace}/configmaps"

    async def find(self, code: SecretText) -> CodeClaim | None:
        """Return who has sent the code, or is about to."""
        found = await self._api.get(self._path(code))
        return None if found is None else _claim(found)

    async def take(self, ref: ClientRef, code: SecretText, claim: CodeClaim) -> None:
        """Claim a code: from now on it counts as sent.

        Raises:
            Conflict: somebody has it already.
            ApiError: nobody has it, or nobody knows; look again.
        """
        try:
            await self._api.create(self._collection, _body(ref, code, claim))
        except Unreachable:
            if await self.find(code) != claim:
                raise

    async def release(self, code: SecretText, claim: CodeClaim) -> None:
        """Take back our claim of a code that was not sent after all."""
        found = await self._api.get(self._path(code))
        if found is not None and _claim(found).attempt == claim.attempt:
            await self._api.delete(self._path(code), found["metadata"])

    def _path(self, code: SecretText) -> str:
        return f"{self._collection}/{_name(code)}"


def _body(ref: ClientRef, code: SecretText, claim: CodeClaim) -> JSON:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _name(code), "labels": of_client(ref), "annotations": named(ref)},
        "data": {
            "uid": claim.uid,
            "chain": claim.chain,
            "attempt": claim.attempt,
            "place": claim.holder.place,
            "instance": claim.holder.instance,
            "claimedAt": rfc3339_micro(claim.at),
        },
    }


def _name(code: SecretText) -> str:
    return f"{CODE}{code.fingerprint(64)}"


def _claim(found: JSON) -> CodeClaim:
    data, metadata = found.get("data") or {}, found["metadata"]
    at = parse_rfc3339(data.get("claimedAt")) or parse_rfc3339(metadata.get("creationTimestamp"))
    if at is None:
        raise Unreachable  # an API server that does not say when: look again
    return CodeClaim(
        uid=data.get("uid", ""),
        chain=data.get("chain", ""),
        attempt=data.get("attempt", ""),
        holder=Holder(data.get("place", ""), data.get("instance", "")),
        at=at,
    )
