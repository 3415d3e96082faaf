"""Fixtures of the quick slice: a control plane that serves our kinds, and beds on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.cluster import Cluster
from tests.control_plane import ControlPlane
from tests.faults.bed import Bed

Beds = Callable[..., Bed]


@pytest.fixture(scope="session")
def kinds(control_plane: ControlPlane) -> None:
    """Install our kinds and the naive operator's."""
    admin = Cluster(control_plane)
    try:
        admin.install_kinds()
    finally:
        admin.close()


@pytest.fixture
def beds(control_plane: ControlPlane, kinds: None, tmp_path: Path) -> Beds:  # noqa: ARG001 - kinds: installed
    """Make beds: what one run needs, with names of its own."""

    def make(**options: object) -> Bed:
        return Bed(control_plane, tmp_path, secrets.token_hex(3), **options)  # type: ignore[arg-type]

    return make
