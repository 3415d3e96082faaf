"""Fixtures all tests may use: a real API server, a stand-in Citrix Cloud, a browser, a namespace of one's own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from tests.control_plane import ControlPlane, build
from tests.control_plane.plane import is_external
from tests.standins.citrix_cloud import CitrixCloud

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def pytest_configure() -> None:
    """Keep synchronous tests from making event loops.

    looptime asks for the current loop before every test, and Python before 3.14 would make one that nobody
    closes: a ResourceWarning, so an error, in some later test. Told that there is none, it raises instead.
    """
    asyncio.set_event_loop(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: no worker is to end the run alone, while the others have nothing left."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the programs before the first test that needs them.

    Inside a fixture the build would be silent for minutes and count against that test's time limit.
    """
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    builds: list[Callable[[], object]] = []
    if "control_plane" in wanted and not is_external() and build.needs_build():
        builds.append(build.binaries)
    if "helm" in wanted and not build.is_built(build.helm_source()):
        builds.append(build.helm)
    if "oauth2_proxy" in wanted and not build.is_built(build.oauth2_proxy_source()):
        builds.append(build.oauth2_proxy)
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture and builds else nullcontext():
        for make in builds:
            make()


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane for the whole run; about 4 s to start."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture(scope="session")
def citrix_cloud() -> Iterator[CitrixCloud]:
    """One stand-in Citrix Cloud for the whole run; knobs, faults, counters and log are reset after each test."""
    with CitrixCloud() as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def _leave_citrix_cloud_as_found(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "citrix_cloud" in request.fixturenames:
        request.getfixturevalue("citrix_cloud").reset()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One real browser for a module, whose tests are all synchronous; each makes contexts of its own."""
    from tests.browser import chromium  # noqa: PLC0415 - slow to import

    with chromium() as opened:
        yield opened


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """Name of a fresh namespace; deleted afterwards without waiting for it."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
