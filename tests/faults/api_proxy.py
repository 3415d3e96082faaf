"""The proxy as a process of its own, seen from outside."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from tests.control_plane import ControlPlane
from tests.control_plane.children import Child, json_lines
from tests.control_plane.credentials import write_private
from tests.faults.rules import Rule
from tests.standins.rotating.process import ROOT

_START_SECONDS = 180


class ApiProxy:
    """The running proxy; each replica has a kubeconfig of its own that leads through it. A context manager.

    Attributes:
        log: one line of JSON for each write (proxy.Call).
    """

    def __init__(self, plane: ControlPlane, folder: Path, replicas: Sequence[str]) -> None:
        assert plane.folder is not None, "needs a control plane of its own"
        self.log = folder / "api-writes.jsonl"
        words = ["-m", "tests.faults.proxy", plane.folder, plane.kubeconfig, self.log, *replicas]
        env = {"PYTHONPATH": str(ROOT)}
        self._child = Child("api-proxy", [sys.executable, *map(str, words)], folder, env)
        control, *ports = self._ports()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{control}", trust_env=False, timeout=60)
        self._configs = {name: folder / f"kubeconfig-{name}" for name in replicas}
        for (_, path), port in zip(self._configs.items(), ports, strict=True):
            config = yaml.safe_load(plane.kubeconfig.read_text())
            config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
            write_private(path, yaml.safe_dump(config).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def kubeconfig(self, replica: str) -> Path:
        """Return the file with which a replica comes through the proxy."""
        return self._configs[replica]

    def set_rules(self, *rules: Rule) -> None:
        """Play these faults from now on, and no others."""
        self._http.put("/rules", json=[asdict(rule) for rule in rules]).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        """Return the log of writes, in the order in which they ended."""
        return json_lines(self.log)

    def stop(self) -> None:
        """Kill the process."""
        if hasattr(self, "_http"):
            self._http.close()
        self._child.stop(grace_seconds=0)

    def _ports(self) -> list[str]:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._child.alive:
            lines = self._child.log.read_text().splitlines(keepends=True)
            if lines and lines[0].endswith("\n"):
                return lines[0].split()
            time.sleep(0.05)
        self._child.stop(grace_seconds=0)
        raise RuntimeError(f"the proxy did not start:\n{self._child.tail()}")
