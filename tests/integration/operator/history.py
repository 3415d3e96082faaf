"""Every version of every object of a collection: what a test looks for may have passed before it looks."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.integration.operator.cluster import Cluster, Object
from tests.integration.operator.eventually import eventually

_WATCH_SECONDS = 1
_PAUSE_SECONDS = 0.2


class History:
    """Watches a collection from a thread, a moment behind the API server. A context manager."""

    def __init__(self, kubeconfig: Path, collection: str) -> None:
        self._kubeconfig, self._collection = kubeconfig, collection
        self._versions: dict[str, list[Object]] = defaultdict(list)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"history of {collection}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def of(self, name: str) -> list[Object]:
        """Return the versions of one object that came until now, oldest first."""
        return list(self._versions[name])

    def until(self, seen: Object) -> list[Object]:
        """Wait for a version that was read elsewhere; return all of that object until then, oldest first."""
        name, version = seen["metadata"]["name"], _version(seen)
        eventually(lambda: any(_version(one) >= version for one in self.of(name)), f"{name} at {version} is watched")
        return self.of(name)

    def everything(self) -> str:
        """Return all that was ever seen, as text."""
        return json.dumps(self._versions)

    def _run(self) -> None:
        with Cluster(self._kubeconfig) as cluster:
            while not self._stopped.is_set():
                try:
                    self._follow(cluster)
                except httpx.HTTPError:  # an API server that is busy says 429, or nothing in time
                    self._stopped.wait(_PAUSE_SECONDS)

    def _follow(self, cluster: Cluster) -> None:
        """Keep what is there, then every change, until the API server has forgotten where we were."""
        items, version = cluster.listed(self._collection)
        for item in items:
            self._keep(item)
        while not self._stopped.is_set():
            for line in cluster.watched(self._collection, version, _WATCH_SECONDS):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                self._keep(event["object"])

    def _keep(self, found: Object) -> None:
        versions = self._versions[found["metadata"]["name"]]
        if not versions or _version(versions[-1]) < _version(found):  # what is listed anew is known already
            versions.append(found)


def _version(found: Object) -> int:
    return int(found["metadata"]["resourceVersion"])
