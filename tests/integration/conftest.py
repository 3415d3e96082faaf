"""Fixtures of the integration tests: our kinds, installed once in the session's control plane."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.crd_api import PLURALS, Api
from tests.integration.crd_schema import CRDS

if TYPE_CHECKING:
    from tests.control_plane import ControlPlane

SERVED_SECONDS = 300  # of a machine that is slow


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> None:
    """Install both CRDs as a user does, and wait until their kinds are served."""
    control_plane.kubectl("apply", "--server-side", "-f", str(CRDS))
    control_plane.kubectl("wait", "--for=condition=Established", f"--timeout={SERVED_SECONDS}s", "-f", str(CRDS))
    for plural in PLURALS.values():
        _await_served(control_plane, plural)


def _await_served(control_plane: ControlPlane, plural: str) -> None:
    """Established comes a moment before the kind is in discovery and its documentation in OpenAPI."""
    deadline = time.monotonic() + SERVED_SECONDS
    while control_plane.kubectl("explain", f"{plural}.spec", check=False).returncode:
        assert time.monotonic() < deadline, f"{plural} not served {SERVED_SECONDS} s after they were established"
        time.sleep(0.1)
    control_plane.kubectl("get", plural, "--all-namespaces")


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, crds: None) -> Iterator[Api]:  # noqa: ARG001 - crds: installed
    """Talk to an API server that serves our kinds."""
    with Api(control_plane.kubeconfig) as opened:
        yield opened
