"""Fixtures of the tests on a real node. They are collected in its namespaces only (`make node`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chart.helm import Helm
from tests.control_plane import ControlPlane
from tests.control_plane.build import helm as helm_program
from tests.node import host
from tests.node.__main__ import ARCHIVE
from tests.node.node import Node
from tests.node.stay import Stay
from tests.standins.citrix_cloud import CitrixCloud

collect_ignore_glob = [] if ARCHIVE in os.environ else ["test_*.py"]


@pytest.fixture(scope="module")
def archive() -> Path:
    """The image of the Dockerfile."""
    return Path(os.environ[ARCHIVE])


@pytest.fixture(scope="module")
def plane(archive: Path) -> Iterator[ControlPlane]:
    """A cluster of one node, which has the image."""
    with Node(archive) as node:
        yield node.plane


@pytest.fixture(scope="module")
def cloud(plane: ControlPlane) -> Iterator[CitrixCloud]:  # noqa: ARG001 - the node's network must be up
    """A stand-in Citrix Cloud that pods can reach."""
    with CitrixCloud(host=host.ADDRESS) as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def stay(plane: ControlPlane, cloud: CitrixCloud, tmp_path_factory: pytest.TempPathFactory) -> Stay:
    """The operator, installed by the chart."""
    installed = Stay(plane, cloud)
    helm = Helm(helm_program(), tmp_path_factory.mktemp("helm"))
    installed.install(replace(helm, kubeconfig=plane.kubeconfig))
    return installed
