"""Fixtures of the operator's integration tests: a world for each module, with one operator process in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.control_plane import ControlPlane
from tests.integration.operator.cluster import Cluster, clients
from tests.integration.operator.cluster import secrets as grants_of
from tests.integration.operator.history import History
from tests.integration.operator.process import Operator
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import CitrixCloud


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane, crds: None) -> Iterator[Cluster]:  # noqa: ARG001 - crds: installed
    """Talk to an API server that serves our kinds."""
    with Cluster(control_plane.kubeconfig) as opened:
        yield opened


@pytest.fixture(scope="session")
def endpoints() -> Iterator[Endpoints]:
    """Open scripted token endpoints."""
    with Endpoints() as opened:
        yield opened


@pytest.fixture(scope="module")
def world(
    control_plane: ControlPlane,
    cluster: Cluster,
    citrix_cloud: CitrixCloud,
    endpoints: Endpoints,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A namespace of the module's own, and an operator that serves it."""
    prefix = f"op-{secrets.token_hex(3)}"
    with ExitStack() as stack:
        stack.enter_context(_namespaces(control_plane, prefix, f"{prefix}-system"))
        folder = tmp_path_factory.mktemp("operator")
        operator = Operator(control_plane.kubeconfig, folder, f"{prefix}-system", [prefix])
        history = stack.enter_context(History(control_plane.kubeconfig, clients(prefix)))
        grants = stack.enter_context(History(control_plane.kubeconfig, grants_of(operator.namespace)))
        operator.start()
        stack.callback(operator.stop)
        made = World(prefix, operator, cluster, citrix_cloud, endpoints, history, grants, prefix)
        stack.callback(made.tidy, 0)
        yield made


@pytest.fixture
def stage(world: World) -> Iterator[World]:
    """The module's world; what a test makes in it is deleted afterwards."""
    before = len(world.made)
    yield world
    world.tidy(before)


@pytest.fixture(scope="module")
def log_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where operators that a test starts by itself write their logs."""
    return tmp_path_factory.mktemp("operators")


@contextmanager
def _namespaces(control_plane: ControlPlane, watched: str, kept: str) -> Iterator[None]:
    """The watched namespace is made here, the operator makes its own; both are deleted without waiting."""
    control_plane.kubectl("create", "namespace", watched)
    yield
    control_plane.kubectl("delete", "namespace", watched, kept, "--wait=false", "--ignore-not-found")
