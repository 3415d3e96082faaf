"""The product from end to end, as its first user meets it: only files of the repository, only kubectl."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control_plane import ControlPlane
from tests.integration.operator.eventually import eventually
from tests.integration.operator.process import Operator
from tests.standins.citrix_cloud import CitrixCloud
from tests.standins.citrix_cloud.examples import server, signed_in

ROOT = Path(__file__).parents[2]
SMALLEST = ROOT / "examples" / "10-smallest.yaml"
PATIENCE = "--timeout=300s"
CREATION_SECONDS = 1800  # of a kind cluster whose image must be fetched first


@pytest.fixture
def team(plane: ControlPlane) -> Iterator[str]:
    """A namespace of a team."""
    name = f"team-{secrets.token_hex(3)}"
    plane.kubectl("create", "namespace", name)
    yield name
    plane.kubectl("delete", "namespace", name, f"{name}-system", "--wait=false", "--ignore-not-found")


@pytest.fixture
def operator(plane: ControlPlane, team: str, tmp_path: Path) -> Iterator[Operator]:
    """The CRDs, installed as a user does, and an operator that serves the team."""
    plane.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    plane.kubectl("wait", "--for=condition=Established", PATIENCE, "-f", str(ROOT / "crds"))
    running = Operator(plane.kubeconfig, tmp_path, f"{team}-system", [team])
    running.start()
    yield running
    running.stop()


@pytest.mark.timeout(CREATION_SECONDS)
def test_the_smallest_client_gets_a_token_that_stays_fresh(
    plane: ControlPlane, operator: Operator, team: str, citrix_cloud: CitrixCloud
) -> None:
    """Apply, wait for Ready, use the token, see it refreshed, delete, and nothing is left."""
    citrix_cloud.configure(access_token_life=8)
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(server(citrix_cloud)))
    plane.kubectl("apply", "--server-side", "-n", team, "-f", "-", stdin=json.dumps(signed_in(SMALLEST, citrix_cloud)))
    try:
        plane.kubectl("wait", "--for=condition=Ready", "cxc/reports", "-n", team, PATIENCE)
        first = eventually(lambda: _used(citrix_cloud, plane, team), "a token that works", lambda: operator.log)
        eventually(lambda: _token(plane, team) != first, "the token is replaced", lambda: operator.log)
        second = eventually(lambda: _used(citrix_cloud, plane, team), "another one", lambda: operator.log)
        assert second != first
        assert (citrix_cloud.stats().replays, citrix_cloud.stats().errors) == (0, {})
        plane.kubectl("delete", "cxc", "reports", "-n", team, PATIENCE)
        look = ("get", "secret", "reports-token", "-n", team, "--ignore-not-found", "-o", "name")
        eventually(lambda: not plane.kubectl(*look).stdout, "the token Secret is collected")
    finally:
        plane.kubectl("delete", "authorizationserver", "citrix-cloud")


def _token(plane: ControlPlane, team: str) -> str:
    found = plane.kubectl("get", "secret", "reports-token", "-n", team, "-o", "jsonpath={.data.authorization}")
    return base64.b64decode(found.stdout).decode()


def _used(cloud: CitrixCloud, plane: ControlPlane, team: str) -> str:
    """Use the token; return it, or "" where it is over: it lives for seconds, and may be replaced once it was read."""
    token = _token(plane, team)
    with cloud.http() as http:
        answer = http.get(f"{cloud.origin}/citrixapi/store/resources", headers={"Authorization": token})
    return token if answer.is_success else ""
