"""Somebody who uses the token: calls the protected resource without a pause, and remembers what came of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.integration.operator.cluster import Cluster, secrets, text_of
from tests.standins.citrix_cloud import CitrixCloud


@dataclass
class Consumer:
    """Calls with what the token Secret holds at that moment. A context manager.

    Attributes:
        calls: when each began and ended (monotonic seconds), and whether the resource took the token.
    """

    kubeconfig: Path
    namespace: str
    secret: str
    cloud: CitrixCloud
    calls: list[tuple[float, float, bool]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with Cluster(self.kubeconfig) as cluster, self.cloud.http() as http:
            while not self._stop.wait(0.05):
                began = time.monotonic()
                secret = cluster.get(secrets(self.namespace), self.secret) or {}
                taken = _taken(http, self.cloud.origin, text_of(secret)["authorization"])
                self.calls.append((began, time.monotonic(), taken))


def _taken(http: httpx.Client, origin: str, authorization: str) -> bool:
    return http.get(f"{origin}/citrixapi/store/resources", headers={"Authorization": authorization}).is_success
