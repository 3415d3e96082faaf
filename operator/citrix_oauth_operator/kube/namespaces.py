"""Namespaces: the UID a grant is bound to, and the labels an admin's selector looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.model import ClientRef

from .api import JSON, Api


class Namespaces:
    """Looks namespaces up; a UID is remembered for the clients that were seen before it was read.

    A client proves that its namespace lives: a UID read after the client was seen is the UID of the client's
    namespace, also when the namespace was deleted and created again in between.
    """

    def __init__(self, api: Api, clock: Clock, relabelled: Callable[[str], None] = lambda _name: None) -> None:
        self._api, self._clock, self._relabelled = api, clock, relabelled
        self._labels: dict[str, Mapping[str, str]] = {}
        self._uids: dict[str, tuple[float, str]] = {}
        self._seen: dict[str, float] = {}
        self._reading = asyncio.Lock()

    def saw(self, ref: ClientRef) -> None:
        """Note that a client is there: a UID read from now on is that of its namespace."""
        self._seen.setdefault(ref.uid, self._clock.boottime())

    async def uid(self, ref: ClientRef) -> str:
        """Return the UID of the client's namespace; empty when it is gone."""
        self.saw(ref)
        async with self._reading:
            known = self._uids.get(ref.namespace)
            if known is None or known[0] < self._seen[ref.uid]:
                started = self._clock.boottime()
                known = self._uids[ref.namespace] = (started, (await self._metadata(ref.namespace)).get("uid", ""))
        return known[1]

    async def labels(self, namespace: str) -> Mapping[str, str]:
        """Return the labels as they are now; `relabelled` is told when they are not as at the last look."""
        labels: Mapping[str, str] = (await self._metadata(namespace)).get("labels") or {}
        before, self._labels[namespace] = self._labels.get(namespace, labels), labels
        if before != labels:
            self._relabelled(namespace)
        return labels

    def forget(self, ref: ClientRef) -> None:
        """Drop what is remembered of a deleted client."""
        self._seen.pop(ref.uid, None)

    async def _metadata(self, namespace: str) -> JSON:
        found = await self._api.get(f"/api/v1/namespaces/{namespace}")
        return found["metadata"] if found else {}
