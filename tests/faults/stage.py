"""What the scenarios of a long run share."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.cluster import Cluster
from tests.benchmarks.figures import Verdict as Row
from tests.benchmarks.processes import BenchmarkFailed
from tests.benchmarks.steps import Steps
from tests.control_plane import ControlPlane
from tests.faults.bed import Bed

__all__ = ["Row", "Stage", "percentile"]


@dataclass(slots=True)
class Stage:
    """Makes beds on one control plane.

    Attributes:
        share: of the long run's size, for a look whether it runs.
        findings: broken invariants of all runs, in words.
    """

    plane: ControlPlane
    admin: Cluster
    folder: Path
    progress: Steps
    share: float = 1.0
    findings: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def about(self, title: str) -> Iterator[None]:
        """Show what is played; a run that could not be finished is a finding, and the others go on."""
        try:
            with self.progress.about(title):
                yield
        except (AssertionError, BenchmarkFailed) as error:
            self.findings.append(f"{title}: not finished: {error}")

    def bed(self, **options: Any) -> Bed:  # noqa: ANN401 - the options of Bed
        """Return a bed with a folder and names of its own."""
        return Bed(self.plane, self.new_folder(), secrets.token_hex(3), **options)

    def new_folder(self) -> Path:
        """Make a folder for one run."""
        folder = self.folder / f"run-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def scaled(self, count: int) -> int:
        """Return a count at the share that is played, at least one."""
        return max(1, round(count * self.share))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of all lies; 0 where there is none."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0
