"""Where the end-to-end tests run: kind through pytest-kind where Docker answers, else the local control plane."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.control_plane import ControlPlane
from tests.control_plane.plane import EXTERNAL, is_external

if TYPE_CHECKING:
    from pytest_kind import KindCluster

KIND = "v0.30.0"  # runs Kubernetes 1.34; pytest-kind's own default is older than what the CRDs need
_DOCKER_SECONDS = 20


def docker_answers() -> bool:
    """Whether a Docker daemon is there, not only its command."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run([docker, "info"], capture_output=True, timeout=_DOCKER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def kind_is_usable() -> bool:
    """Whether pytest-kind is installed and has something to run on; a cluster that is named wins."""
    return not is_external() and importlib.util.find_spec("pytest_kind") is not None and docker_answers()


IN_KIND = kind_is_usable()


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-kind use the machine's own kind, or else fetch one that is new enough."""
    if IN_KIND:
        from pytest_kind import cluster  # noqa: PLC0415 - only where it is installed

        cluster.KIND_VERSION = KIND
        config.option.kind_bin = config.option.kind_bin or shutil.which("kind")


def pytest_report_header() -> str:
    """Say where the tests run."""
    return "cluster: kind" if IN_KIND else "cluster: the local control plane (Docker or pytest-kind is not there)"


if IN_KIND:

    @pytest.fixture(scope="session")
    def plane(kind_cluster: KindCluster) -> Iterator[ControlPlane]:
        """The kind cluster, as the tests know clusters."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(EXTERNAL, str(kind_cluster.kubeconfig_path))
            with ControlPlane() as opened:
                yield opened

else:

    @pytest.fixture(scope="session")
    def plane(control_plane: ControlPlane) -> ControlPlane:
        """The control plane of the integration tests, or the cluster that the developer names."""
        return control_plane
