"""The server as a process of its own, seen from outside."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.control_plane.children import Child, json_lines

ROOT = Path(__file__).resolve().parents[3]
_START_SECONDS = 180


class RotatingServer:
    """The running server. A context manager.

    Attributes:
        url: of the token endpoint.
        log: one line of JSON for each token request that has ended (server.Record).
    """

    def __init__(self, folder: Path, latency: float = 0.05, *, logged: bool = False) -> None:
        self.log = folder / "token-requests.jsonl"
        words = ["-m", "tests.standins.rotating", str(latency), *([str(self.log)] if logged else [])]
        env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", "")}
        self._child = Child("token-server", [sys.executable, *words], folder, env)
        tokens, control = self._ports()
        self.url = f"http://127.0.0.1:{tokens}/token"
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{control}", trust_env=False, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def stats(self) -> dict[str, int]:
        """Return the counters: grants, errors, replays, and what is in flight."""
        counts = self._http.get("/stats").raise_for_status().json()
        return {"grants": 0, "errors": 0, "replays": 0, "in_flight": 0, **counts}

    def grants(self) -> int:
        """Return how many token requests were granted so far."""
        return self.stats()["grants"]

    def set(self, **knobs: object) -> None:
        """Turn knobs (knobs.Knobs); a list of faults replaces the one before."""
        self._http.put("/knobs", json=knobs).raise_for_status()

    def set_life(self, seconds: int) -> None:
        """Set how long access tokens live from now on."""
        self.set(life=seconds)

    def live(self) -> dict[str, str]:
        """Return the fingerprint of the refresh token that each living family has."""
        return dict(self._http.get("/live").raise_for_status().json())

    def expired(self, access_tokens: list[str]) -> int:
        """Return how many of these access tokens are not accepted now."""
        return int(self._http.post("/expired", json=access_tokens).raise_for_status().json())

    def records(self) -> list[dict[str, Any]]:
        """Return the log: server.Record as JSON, in the order in which requests ended."""
        return json_lines(self.log)

    def stop(self) -> None:
        """Kill the process."""
        self._http.close()
        self._child.stop(grace_seconds=0)

    def _ports(self) -> list[str]:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._child.alive:
            if (line := self._child.log.read_text()).endswith("\n"):
                return line.split()
            time.sleep(0.05)
        self._child.stop(grace_seconds=0)
        raise RuntimeError(f"the token server did not start:\n{self._child.tail()}")
