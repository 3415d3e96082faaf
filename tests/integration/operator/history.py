"""Every version of every object of a collection: what a test looks for may have passed before it looks."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration.operator.cluster import Cluster, Object

_WATCH_SECONDS = 1


class History:
    """Watches a collection from a thread. A context manager."""

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
        """Return the versions of one object, oldest first."""
        return list(self._versions[name])

    def everything(self) -> str:
        """Return all that was ever seen, as text."""
        return json.dumps(self._versions)

    def _run(self) -> None:
        with Cluster(self._kubeconfig) as cluster:
            items, version = cluster.listed(self._collection)
            for item in items:
                self._keep(item)
            while not self._stopped.is_set():
                for line in cluster.watched(self._collection, version, _WATCH_SECONDS):
                    event = json.loads(line)
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._keep(event["object"])

    def _keep(self, found: Object) -> None:
        self._versions[found["metadata"]["name"]].append(found)
