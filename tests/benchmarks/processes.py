"""The processes of the benchmark: what they have used so far, and their end."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are not worth a dependency

from tests.control_plane.children import Child

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
_PYTHON = os.environ.get("BENCH_PYTHON", sys.executable)  # what users install: httpx imports more where rich is there
_CONTROL_PLANE = {"kube-apiserver", "etcd", "kube-controller-manager", "kube-controller"}  # names are cut at 15


class BenchmarkFailed(Exception):
    """A figure could not be measured; the message says why, with the end of a log."""


class Running(Child):
    """A Python program under measurement, with its children."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.started = time.monotonic()
        super().__init__(
            name, [_PYTHON, *arguments], folder, {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'operator'}", **env}
        )
        self._measured = psutil.Process(self.pid)

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far, in user and kernel mode."""
        self.require()
        times = [process.cpu_times() for process in self._family()]
        return sum(float(each.user + each.system) for each in times)

    def rss_mib(self) -> float:
        """Return the resident memory."""
        self.require()
        return sum(float(process.memory_info().rss) for process in self._family()) / MIB

    def require(self) -> None:
        """Raise when the program has ended."""
        if not self.alive:
            raise BenchmarkFailed(f"{self.name} ended:\n{self.tail()}")

    def _family(self) -> list[psutil.Process]:
        return [self._measured, *self._measured.children(recursive=True)]


def control_plane_cpu_seconds() -> float:
    """Return the CPU time that API server, etcd and controller manager have used so far; 0 for an external cluster."""
    total = 0.0
    for process in psutil.Process().children():
        if process.name() in _CONTROL_PLANE:
            times = process.cpu_times()
            total += times.user + times.system
    return total


def yardstick_ms() -> float:
    """Return how long a fixed piece of Python work takes here and now: other programs on the machine make it longer."""
    document = {str(number): [number, "x" * 40, {"nested": number / 7}] for number in range(200)}
    begun = time.perf_counter()
    for _ in range(300):
        json.loads(json.dumps(document, sort_keys=True))
    return 1000 * (time.perf_counter() - begun)
