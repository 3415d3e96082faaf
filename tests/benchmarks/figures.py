"""What was measured, and what it is held against."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.benchmarks.cluster import Request

FASTER_THAN_NAIVE = 4.0
START_SECONDS = 6.0
CPU_MS = 7.0
IDLE_MIB, LOADED_MIB = 95.0, 100.0
WRITES_ROTATING, WRITES_MACHINE = 4, 2
REUSED_START_SECONDS, REUSED_CPU_MS = 8.8, 5.0  # the naive operator, its clients reused, where the targets were set
_ROUNDING = 0.005  # a stray write among 500 refreshes is no further write of each


@dataclass(slots=True)
class Figures:
    """The figures of one contestant; None where it was not asked.

    Attributes:
        starts: process start to the last token Secret, of each start; `first_seconds`: to the first, once.
        ready_seconds: process start to the last status that says Ready; 0: not measured.
        yardstick_ms: a fixed piece of work before the start and after the round; bigger where the machine was busy.
        refreshes: token requests granted in the measured round; the next three are about it.
        cpu_seconds: CPU time of the operator from the first to the last of them.
        requests: requests to the API server by kind; `start_requests`: those of the start.
        standing: CPU share of one core while nothing is due, all clients served.
        restart: grants and accepted writes after a restart with valid tokens.
        server: counters of the token endpoint, of the whole life of this contestant.
    """

    clients: int
    starts: list[float] = field(default_factory=list)
    first_seconds: float = 0.0
    ready_seconds: float = 0.0
    start_cpu_seconds: float = 0.0
    start_plane_cpu_seconds: float = 0.0
    yardstick_ms: tuple[float, float] = (0.0, 0.0)
    refreshes: int = 0
    cpu_seconds: float = 0.0
    plane_cpu_seconds: float = 0.0
    requests: Counter[Request] = field(default_factory=Counter)
    start_requests: Counter[Request] = field(default_factory=Counter)
    standing: float = 0.0
    idle_mib: float | None = None
    loaded_mib: float = 0.0
    restart: tuple[int, int] | None = None
    server: Mapping[str, int] = field(default_factory=dict)

    @property
    def start_seconds(self) -> float:
        """What a start takes: the median, for other programs on the machine slow single ones down."""
        return statistics.median(self.starts)

    def times_as_fast_as(self, other: Figures) -> float:
        """Compare starts of the same turn, and return the median: between turns the machine changes its pace."""
        return statistics.median(theirs / mine for mine, theirs in zip(self.starts, other.starts, strict=True))

    @property
    def cpu_ms(self) -> float:
        """CPU of one refresh in milliseconds."""
        return 1000 * self.cpu_seconds / max(self.refreshes, 1)

    @property
    def plane_cpu_ms(self) -> float:
        """CPU of one refresh in the control plane, in milliseconds."""
        return 1000 * self.plane_cpu_seconds / max(self.refreshes, 1)

    def writes_a_refresh(self) -> float:
        """Accepted writes of one refresh, Events apart."""
        return accepted_writes(self.requests) / max(self.refreshes, 1)

    def reads_a_refresh(self) -> float:
        """Reads of one refresh, with those of whatever else runs in the operator."""
        return _reads(self.requests) / max(self.refreshes, 1)

    def start_requests_a_client(self) -> tuple[float, float]:
        """Writes and reads of the start."""
        return accepted_writes(self.start_requests) / self.clients, _reads(self.start_requests) / self.clients

    def events(self) -> int:
        """Events written in the measured round, accepted or not."""
        return sum(n for request, n in self.requests.items() if request.writes and request.resource == "events")


def accepted_writes(requests: Counter[Request]) -> int:
    """Count the writes that changed something, Events apart."""
    return sum(n for each, n in requests.items() if each.writes and each.accepted and each.resource != "events")


def _reads(requests: Counter[Request]) -> int:
    return sum(n for request, n in requests.items() if not request.writes)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the judgement."""

    figure: str
    measured: str
    target: str
    met: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """How many times as long this machine takes as the one the targets were set on; 1: nobody knows."""

    start: float = 1.0
    cpu: float = 1.0

    @classmethod
    def of(cls, reused: Figures | None) -> Pace:
        """Return the pace that the naive operator with reused clients ran at, in the same run."""
        if reused is None:
            return cls()
        return cls(reused.start_seconds / REUSED_START_SECONDS, reused.cpu_ms / REUSED_CPU_MS)

    def seconds(self, figure: str, measured: float, target: float) -> Verdict:
        """Judge a time as it would be at the targets' pace; the measured one stands beside it."""
        return self._verdict(figure, measured, self.start, "s", target)

    def milliseconds(self, figure: str, measured: float, target: float) -> Verdict:
        """Judge CPU in the same way."""
        return self._verdict(figure, measured, self.cpu, "ms", target)

    @staticmethod
    def _verdict(figure: str, measured: float, pace: float, unit: str, target: float) -> Verdict:
        there = measured / pace
        told = f"{there:.1f} {unit} ({measured:.1f} here)"
        return Verdict(f"{figure}, at the targets' pace", told, f"≤ {target:.0f} {unit}", there <= target)


def judge(results: Mapping[str, Figures]) -> list[Verdict]:
    """Hold the results against the targets, ratios first; contestants that did not run are left out."""
    ours, pace = results["ours"], Pace.of(results.get("reused"))
    verdicts = list(_ratios(results, ours))
    many = f"{ours.clients} clients"
    verdicts.append(pace.seconds(f"start to all Secrets, {many}", ours.start_seconds, START_SECONDS))
    verdicts.append(_writes("rotating refresh", ours, WRITES_ROTATING))
    verdicts.append(pace.milliseconds("CPU a refresh, rotating refresh", ours.cpu_ms, CPU_MS))
    if machine := results.get("ours-machine"):
        verdicts.append(_writes("client credentials", machine, WRITES_MACHINE))
        verdicts.append(pace.milliseconds("CPU a refresh, client credentials", machine.cpu_ms, CPU_MS))
    events = ours.events() + (machine.events() if machine else 0)
    verdicts.append(Verdict("Events in the steady state", str(events), "0", events == 0))
    verdicts += _restart(ours)
    if ours.idle_mib is not None:
        verdicts.append(_memory("idle", ours.idle_mib, IDLE_MIB))
    verdicts.append(_memory(many, ours.loaded_mib, LOADED_MIB))
    for key, result in results.items():
        replays = result.server["replays"]
        if key.startswith("ours"):
            verdicts.append(Verdict(f"replays at the server, {key}", str(replays), "0", replays == 0))
    return verdicts


def _ratios(results: Mapping[str, Figures], ours: Figures) -> list[Verdict]:
    found = []
    if naive := results.get("naive"):
        ratio = ours.times_as_fast_as(naive)
        figure = "start: times as fast as the naive operator"
        found.append(Verdict(figure, f"{ratio:.1f}", "≥ 4", ratio >= FASTER_THAN_NAIVE))
    if reused := results.get("reused"):
        ratio = ours.times_as_fast_as(reused)
        found.append(Verdict("start: the same, its clients reused", f"{ratio:.1f}", "> 1", ratio > 1))
    return found


def _writes(what: str, result: Figures, target: int) -> Verdict:
    measured = result.writes_a_refresh()
    return Verdict(f"API writes a refresh, {what}", f"{measured:.2f}", str(target), abs(measured - target) < _ROUNDING)


def _restart(ours: Figures) -> list[Verdict]:
    if ours.restart is None:
        return []
    grants, writes = ours.restart
    figure = f"restart with {ours.clients} valid tokens: "
    return [
        Verdict(f"{figure}grants", str(grants), "0", grants == 0),
        Verdict(f"{figure}writes", str(writes), "0", writes == 0),
    ]


def _memory(what: str, measured: float, target: float) -> Verdict:
    return Verdict(f"resident memory, {what}", f"{measured:.0f} MiB", f"≤ {target:.0f} MiB", measured <= target)
