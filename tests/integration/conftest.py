"""Fixtures of the integration tests: our kinds, installed once in the session's control plane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.crd_api import Api
from tests.integration.crd_schema import CRDS

if TYPE_CHECKING:
    from tests.control_plane import ControlPlane


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> None:
    """Install both CRDs as a user does, and wait until their kinds are served."""
    control_plane.kubectl("apply", "--server-side", "-f", str(CRDS))
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, crds: None) -> Iterator[Api]:  # noqa: ARG001 - crds: installed
    """Talk to an API server that serves our kinds."""
    with Api(control_plane.kubeconfig) as opened:
        yield opened
