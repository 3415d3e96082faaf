"""Fixtures of the chart's tests: a real Helm."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chart.helm import Helm
from tests.control_plane.build import helm as helm_program


@pytest.fixture(scope="session")
def helm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Helm keeps its files."""
    return tmp_path_factory.mktemp("helm")


@pytest.fixture(scope="session")
def helm(helm_home: Path) -> Helm:
    """Helm without a cluster: it can lint and render."""
    return Helm(helm_program(), helm_home)
