"""The Lease in the operator's namespace: one object, read, followed, and written by compare-and-swap."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from citrix_oauth_operator.domain.election import Record

from .api import JSON, Api
from .labels import MANAGED_BY, OPERATOR


class Leases:
    """Reads and writes one `coordination.k8s.io/v1` Lease."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api, self.name = api, name
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def read(self) -> Record | None:
        """Return the Lease as it is now."""
        body = await self._api.get(f"{self._collection}/{self.name}")
        return _record(body) if body else None

    async def write(self, record: Record) -> Record:
        """Store a record over the version it was read with, and return it with its new version.

        Raises:
            Conflict: somebody wrote in between. NotFound: somebody deleted it.
        """
        if record.version:
            patch = {"metadata": {"resourceVersion": record.version}, "spec": _spec(record)}
            return _record(await self._api.merge_patch(f"{self._collection}/{self.name}", patch))
        metadata = {"name": self.name, "labels": {MANAGED_BY: OPERATOR}}
        body = {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": _spec(record)
        }  # fmt: skip
        return _with_version(record, await self._api.create(self._collection, body))

    async def follow(self) -> AsyncGenerator[Record | None]:
        """Yield the Lease as it is now, then after each change, until the API server ends that."""
        body = await self._api.get(f"{self._collection}/{self.name}")
        yield _record(body) if body else None
        version = body["metadata"]["resourceVersion"] if body else ""
        async for event in self._api.watch(self._collection, self.name, version):
            yield None if event["type"] == "DELETED" else _record(event["object"])


def _spec(record: Record) -> JSON:
    return {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": record.duration,
        "acquireTime": record.acquired or None,
        "renewTime": record.renewed or None,
        "leaseTransitions": record.transitions,
    }


def _record(body: JSON) -> Record:
    """Read a Lease of which every field may be absent."""
    spec = body.get("spec") or {}
    record = Record(
        holder=spec.get("holderIdentity") or "",
        duration=spec.get("leaseDurationSeconds"),
        acquired=spec.get("acquireTime") or "",
        renewed=spec.get("renewTime") or "",
        transitions=spec.get("leaseTransitions") or 0,
    )
    return _with_version(record, body)


def _with_version(record: Record, body: JSON) -> Record:
    return replace(record, version=body["metadata"]["resourceVersion"])
