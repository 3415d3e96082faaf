"""Fixtures of the operator's integration tests: a world for each module, with one operator process in it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from tests.control_plane import ControlPlane
from tests.integration.operator import canary
from tests.integration.operator.cluster import Cluster, clients
from tests.integration.operator.cluster import secrets as grants_of
from tests.integration.operator.history import History
from tests.integration.operator.process import Operator
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import CitrixCloud

Worlds = Callable[[], AbstractContextManager[World]]


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


@pytest.fixture(scope="session")
def worlds(
    control_plane: ControlPlane,
    cluster: Cluster,
    citrix_cloud: CitrixCloud,
    endpoints: Endpoints,
    tmp_path_factory: pytest.TempPathFactory,
) -> Worlds:
    """Make worlds: a namespace each, and an operator that is to serve it and does not run yet."""

    @contextmanager
    def make() -> Iterator[World]:
        prefix, kubeconfig = f"op-{secrets.token_hex(3)}", control_plane.kubeconfig
        with ExitStack() as stack:
            stack.enter_context(_namespaces(control_plane, prefix, f"{prefix}-system"))
            operator = Operator(kubeconfig, tmp_path_factory.mktemp("operator"), f"{prefix}-system", [prefix])
            history = stack.enter_context(History(kubeconfig, clients(prefix)))
            grants = stack.enter_context(History(kubeconfig, grants_of(operator.namespace)))
            stack.callback(operator.stop)
            made = World(prefix, operator, cluster, citrix_cloud, endpoints, history, grants, prefix)
            stack.callback(made.tidy, 0)
            yield made

    return make


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> Iterator[World]:
    """A world of the module's own; its operator runs."""
    with worlds() as made:
        made.operator.start()
        yield made


@pytest.fixture
def fresh(worlds: Worlds) -> Iterator[World]:
    """A world of the test's own; its operator is the test's to start. What it told is searched for secrets."""
    with worlds() as made:
        yield made
        canary.check(made)


@pytest.fixture
def stage(world: World) -> Iterator[World]:
    """The module's world; what a test makes in it is deleted afterwards."""
    before = len(world.made)
    yield world
    world.tidy(before)


@contextmanager
def _namespaces(control_plane: ControlPlane, watched: str, kept: str) -> Iterator[None]:
    """The watched namespace is made here, the operator makes its own; both are deleted without waiting."""
    control_plane.kubectl("create", "namespace", watched)
    yield
    control_plane.kubectl("delete", "namespace", watched, kept, "--wait=false", "--ignore-not-found")
