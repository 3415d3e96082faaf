"""The course of one contestant: idle, start, quiet, one measured round of refreshes, settled, restart.

First tokens live `life` seconds, so that everybody refreshes once soon; those of the measured round live an hour, so
that quiet follows it. CPU and writes are taken from the first request of the round until two seconds after the last.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.cluster import Cluster
from tests.benchmarks.contestants import Contestant
from tests.benchmarks.figures import Figures, accepted_writes
from tests.benchmarks.processes import (
    BenchmarkFailed,
    Running,
    control_plane_cpu_seconds,
    yardstick_ms,
)
from tests.control_plane import ControlPlane
from tests.standins.rotating import RotatingServer

IDLE_SECONDS = 8
SETTLE_SECONDS = 3
QUIET_SECONDS = 2.0
RESTART_SECONDS = 20
ROUNDS_GIVEN = 6
LONG_LIFE = 3600

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all contestants share."""

    plane: ControlPlane
    cluster: Cluster
    tokens: RotatingServer
    folder: Path
    count: int
    life: int
    progress: Progress
    runner: tuple[str, ...] = ()  # runs our operator under the sampler, which takes SIGUSR1 as the end of a part

    def run(self, contestant: Contestant) -> Figures:
        """Measure one contestant from nothing; its process is gone afterwards."""
        figures = Figures(self.count)
        before = self.tokens.stats()
        self.cluster.create_namespace(contestant.namespace)
        if not self.runner:
            figures.idle_mib = self._idle(contestant)
        version = self._create_clients(contestant, self.life)
        yardstick = yardstick_ms()
        operator = contestant.start(self.folder, self.plane, self.life, self.runner)
        try:
            self._start(contestant, operator, version, figures)
            self._round(operator, figures)
            figures.loaded_mib = operator.rss_mib()
        finally:
            operator.stop()
        figures.yardstick_ms = (yardstick, yardstick_ms())
        if contestant.ours and contestant.grant_type == "RefreshToken" and not self.runner:
            figures.restart = self._restart(contestant)
        figures.server = _difference(before, self.tokens.stats())
        return figures

    def _create_clients(self, contestant: Contestant, life: int) -> str:
        """Create clients, let the control plane come to rest, and return the version of the Secrets then."""
        self.progress(f"creating {self.count} clients")
        self.cluster.create_all(contestant.clients(self.count, self.tokens.url))
        self.tokens.set_life(life)
        time.sleep(SETTLE_SECONDS)
        return self.cluster.secrets_version(contestant.namespace)

    def start_again(self, contestant: Contestant, number: int) -> float:
        """Start once more, over fresh clients; return the seconds to the last token Secret."""
        another = replace(contestant, key=f"{contestant.key}-{number}")
        self.cluster.create_namespace(another.namespace)
        version = self._create_clients(another, LONG_LIFE)
        operator = another.start(self.folder, self.plane, LONG_LIFE)
        try:
            self.progress("start")
            last = self.cluster.await_token_secrets(
                another.namespace, version, self.count, lambda _seen: None, operator.require
            )
            return last - operator.started
        finally:
            operator.stop()

    def _idle(self, contestant: Contestant) -> float:
        self.progress("idle, no clients")
        operator = contestant.start(self.folder, self.plane, self.life)
        try:
            time.sleep(IDLE_SECONDS)
            return operator.rss_mib()
        finally:
            operator.stop()

    def _start(self, contestant: Contestant, operator: Running, version: str, figures: Figures) -> None:
        plane, requests = control_plane_cpu_seconds(), self.cluster.requests()

        def seen(secrets: int) -> None:
            figures.first_seconds = figures.first_seconds or time.monotonic() - operator.started
            if not secrets % 20:
                self.progress(f"start: {secrets} of {self.count} token Secrets")

        last = self.cluster.await_token_secrets(contestant.namespace, version, self.count, seen, operator.require)
        figures.starts.append(last - operator.started)
        figures.start_cpu_seconds = operator.cpu_seconds()
        figures.start_plane_cpu_seconds = control_plane_cpu_seconds() - plane
        figures.start_requests = self.cluster.requests() - requests
        self.tokens.set_life(LONG_LIFE)
        if contestant.ours:
            self.cluster.await_ready(contestant.namespace, self.count, operator.require)
            figures.ready_seconds = time.monotonic() - operator.started

    def _round(self, operator: Running, figures: Figures) -> None:
        """Watch all clients refresh once."""
        self._settle()
        first, requests = self.tokens.grants(), self.cluster.requests()
        self._mark(operator)
        cpu, figures.standing = self._until_due(operator, first)
        plane = control_plane_cpu_seconds()
        last = self._until_quiet(operator, first)
        self._mark(operator)
        figures.cpu_seconds = operator.cpu_seconds() - cpu
        figures.plane_cpu_seconds = control_plane_cpu_seconds() - plane
        figures.refreshes = last - first
        figures.requests = self.cluster.requests() - requests
        time.sleep(SETTLE_SECONDS)

    def _settle(self) -> None:
        """Wait until what the start still has to say is said, but not until tokens are due again."""
        begun, writes = time.monotonic(), -1
        while time.monotonic() - begun < self.life / 4 and writes != (now := accepted_writes(self.cluster.requests())):
            self.progress("settling")
            writes = now
            time.sleep(SETTLE_SECONDS)

    def _mark(self, operator: Running) -> None:
        if self.runner:
            operator.signal(signal.SIGUSR1)

    def _until_due(self, operator: Running, first: int) -> tuple[float, float]:
        """Wait for the round; return the CPU time used before it and the standing load."""
        begun = now = time.monotonic()
        at_begin = cpu = operator.cpu_seconds()
        while True:
            before = (now, cpu)
            now, cpu = time.monotonic(), operator.cpu_seconds()
            if self.tokens.grants() > first:
                now, cpu = before
                return cpu, (cpu - at_begin) / max(now - begun, 0.1)
            if now - begun > self.life:
                raise BenchmarkFailed(f"no refresh within {self.life} s:\n{operator.tail()}")
            self.progress(f"waiting until tokens are due, {now - begun:.0f} s")
            time.sleep(0.1)

    def _until_quiet(self, operator: Running, first: int) -> int:
        """Wait until everybody has refreshed and the last pass has ended; return the count of grants."""
        begun = since = time.monotonic()
        count = first
        while count - first < self.count or time.monotonic() - since < QUIET_SECONDS:
            operator.require()
            if (now := self.tokens.grants()) != count:
                count, since = now, time.monotonic()
            elapsed = time.monotonic() - begun
            if elapsed > self.life and count - first >= self.count:
                break  # too slow to finish a round before the next one begins: the average is as good
            if elapsed > ROUNDS_GIVEN * self.life:
                raise BenchmarkFailed(f"{count - first} of {self.count} refreshes after {elapsed:.0f} s")
            self.progress(f"measured round: {count - first} of {self.count} refreshes")
            time.sleep(0.2)
        return count

    def _restart(self, contestant: Contestant) -> tuple[int, int]:
        self.progress("restart with valid tokens")
        grants, requests = self.tokens.grants(), self.cluster.requests()
        operator = contestant.start(self.folder, self.plane, self.life)
        try:
            time.sleep(RESTART_SECONDS)
            operator.require()
            made = self.cluster.requests() - requests
        finally:
            operator.stop()
        return self.tokens.grants() - grants, accepted_writes(made)


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {key: value - before[key] for key, value in after.items()}
