"""Alerts and dashboard on a real Prometheus that scraped a real run, with the series that the operator really makes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tests.control_plane.children import free_port
from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import error
from tests.integration.operator.conftest import Worlds
from tests.integration.operator.eventually import eventually
from tests.integration.operator.world import World
from tests.monitoring.dashboard import Query, queries
from tests.monitoring.prometheus import PrometheusServer, Series
from tests.monitoring.test_alerts import RULES
from tests.standins.token_endpoint import json_reply

RATE_INTERVAL = "30s"
QUERIES = {f"{query.panel['title']}, {query.target['refId']}": query for query in queries()}
ACCESS_TOKEN_LIFE = 20  # seconds; refreshed after twelve
PODS = {"namespace": "citrix-oauth-system", "pod": "citrix-oauth-1"}

Scene = tuple[World, PrometheusServer]


@pytest.fixture(scope="module")
def scene(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A client that was refreshed, one that waits for a person and one whose server fails, seen by a Prometheus."""
    with worlds() as world:
        world.operator.env["CITRIX_OAUTH_HTTP_PORT"] = port = str(free_port())
        with PrometheusServer(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{port}", PODS, (RULES,)) as server:
            world.operator.start()
            world.cloud.configure(access_token_life=ACCESS_TOKEN_LIFE)
            ends = {"lifetime": "3h", "lifetimeModel": "Absolute"}
            world.signed_in("reports", world.stand_in("cloud", refreshToken=ends))
            for name, answer in (("unknown", error("invalid_client", 401)), ("unlucky", json_reply({}, 503))):
                world.seeded(name, world.scripted(name, default=answer)[0])
            world.refreshed("reports", 2)
            yield world, server
        canary.check(world)


@pytest.mark.parametrize("title", QUERIES)
def test_every_query_of_the_dashboard_has_an_answer(scene: Scene, title: str) -> None:
    """A panel without data is a misspelt name; each series has the name that its legend promises."""
    query: Query = QUERIES[title]

    def answers() -> list[Series]:
        found = query.now(scene[1], RATE_INTERVAL)
        return found if any(math.isfinite(float(one["value"][1])) for one in found) else []

    for one in eventually(answers, query.expression(RATE_INTERVAL)):
        assert "{{" not in query.legend(one["metric"])


def test_the_namespace_of_a_series_is_its_clients(scene: Scene) -> None:
    """Not the pod's, and not renamed: the label by which teams are told apart."""
    world, server = scene
    query = "count by (namespace, exported_namespace, pod) (citrixoauth_client_condition)"
    found = eventually(lambda: server.now(query), query)  # a scrape that takes more than a second leaves a gap
    assert [one["metric"] for one in found] == [{"namespace": world.namespace, "pod": PODS["pod"]}]


def test_the_alerts_see_what_is_wrong_and_nothing_else(scene: Scene) -> None:
    """On the operator's own series; pending counts, for nobody waits here for a quarter of an hour."""
    wrong = {"CitrixOAuthClientStalled", "CitrixOAuthRefreshFailing", "CitrixOAuthSignInDue"}
    eventually(lambda: scene[1].alerts() == wrong, f"these alerts: {wrong}", scene[1].alerts)


def test_an_operator_that_has_ended_is_missed_and_leaves_no_series(scene: Scene) -> None:
    """Nobody is woken for a client by an old value."""
    world, server = scene
    world.operator.stop()
    eventually(lambda: server.alerts() == {"CitrixOAuthOperatorAbsent"}, "only its absence", server.alerts)
    query = "count by (__name__) ({__name__=~'citrixoauth.*'})"
    eventually(lambda: server.now(query) == [], "no series", lambda: server.now(query))
