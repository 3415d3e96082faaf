"""`make picture`: six minutes of two teams' clients with an outage in the middle, drawn into docs/dashboard.png.

No test by its name: it is run by hand when the dashboard has changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.control_plane import ControlPlane
from tests.control_plane.children import free_port
from tests.integration.operator.bad_day_cases import error
from tests.integration.operator.cluster import Cluster, clients, secrets
from tests.integration.operator.history import History
from tests.integration.operator.process import Operator
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.test_dashboard import PODS
from tests.integration.operator.world import World
from tests.monitoring.picture import Span, draw
from tests.monitoring.prometheus import PrometheusServer
from tests.standins.citrix_cloud import CitrixCloud
from tests.standins.citrix_cloud.control import Fault

PICTURE = Path(__file__).parents[3] / "docs/dashboard.png"
TEAMS = {
    "team-a": ("reports", "billing", "inventory", "catalogue", "mirror", "audit"),
    "team-b": ("desktops", "sessions", "usage", "helpdesk"),
}
TOKEN_LIFE = 180  # seconds
QUIET_SECONDS, OUTAGE_SECONDS, END_SECONDS = 155, 30, 150
ENDS = {"lifetime": "24h", "lifetimeModel": "Absolute"}


@pytest.fixture
def teams(
    control_plane: ControlPlane, cluster: Cluster, citrix_cloud: CitrixCloud, endpoints: Endpoints, tmp_path: Path
) -> Iterator[list[World]]:
    """Two teams that one operator serves, under the names that a reader of the picture expects."""
    operator = Operator(control_plane.kubeconfig, tmp_path, PODS["namespace"], list(TEAMS))
    with ExitStack() as stack:
        stack.callback(operator.stop)
        made = []
        for team in TEAMS:
            control_plane.kubectl("create", "namespace", team)
            history = stack.enter_context(History(control_plane.kubeconfig, clients(team)))
            grants = stack.enter_context(History(control_plane.kubeconfig, secrets(PODS["namespace"])))
            made.append(World(team, operator, cluster, citrix_cloud, endpoints, history, grants, "citrix"))
        yield made


@pytest.mark.timeout(1200)
def test_draw_the_dashboard(teams: list[World], citrix_cloud: CitrixCloud, tmp_path: Path) -> None:
    """Clients come one after the other; a server fails for a while, one client is refused, one server never answers."""
    operator, port = teams[0].operator, free_port()
    operator.env["CITRIX_OAUTH_HTTP_PORT"] = str(port)
    operator.env["CITRIX_OAUTH_LOG_LEVEL"] = "info"
    with PrometheusServer(tmp_path, f"127.0.0.1:{port}", PODS) as server:
        operator.start()
        start = time.time()
        _set_up(teams, citrix_cloud)
        time.sleep(QUIET_SECONDS)
        citrix_cloud.faults([Fault(when="before", kind="canned", count=1000)])
        time.sleep(OUTAGE_SECONDS)
        citrix_cloud.faults([])
        time.sleep(END_SECONDS)
        draw(server, Span(start + 30, time.time() - 2, 2, "30s"), PICTURE)


def _set_up(teams: list[World], cloud: CitrixCloud) -> None:
    cloud.configure(access_token_life=TOKEN_LIFE)
    first, second = teams
    first.stand_in("cloud", refreshToken=ENDS)
    first.stand_in("on-premises", refreshToken={**ENDS, "lifetime": "3h"})
    for team in teams:
        for name in TEAMS[team.namespace]:
            team.signed_in(name, "citrix-on-premises" if name == "audit" else "citrix-cloud")
            time.sleep(4)
    second.seeded("archive", second.scripted("archive", default=error("invalid_client", 401))[0])
    first.seeded("legacy", first.server("legacy", endpoints={"token": "https://127.0.0.1:9/token"}))
