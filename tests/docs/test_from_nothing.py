"""The whole way of a new user: an empty cluster, the documented commands as they are written, a real browser.

Then what a grant's life is like: refreshes, its end at the server, and the same sign-in again. A consumer calls the
protected resource all the time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser import new_context
from tests.chart.helm import NAMESPACE
from tests.control_plane import ControlPlane
from tests.control_plane.plane import is_external
from tests.docs.commands import commands
from tests.docs.consumer import Consumer
from tests.docs.walk import Walker, walker
from tests.integration.operator.cluster import Cluster, Object, clients, secrets, text_of
from tests.integration.operator.eventually import eventually
from tests.integration.operator.reading import is_well, shows
from tests.standins.citrix_cloud import PRIVATE_POST, CitrixCloud
from tools.site.markdown import ROOT

TEAM, CLIENT = "team-a", "reports"
FIVE = 5


@pytest.fixture
def newcomer(citrix_cloud: CitrixCloud, tmp_path: Path) -> Iterator[Walker]:
    """A checkout, an empty cluster, and a client that is registered."""
    if is_external():
        pytest.skip("needs an empty cluster")
    with ControlPlane() as plane, walker(plane, citrix_cloud, tmp_path) as walking:
        walking.register()
        yield walking


@pytest.fixture
def person(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser."""
    context = new_context(browser)
    yield context
    context.close()


def test_five_commands_make_a_token_and_the_fourth_one_makes_it_again(newcomer: Walker, person: BrowserContext) -> None:
    """No gap but the one between the server's end of the grant and the next sign-in."""
    cloud, kubeconfig = newcomer.cloud, newcomer.plane.kubeconfig
    cloud.configure(access_token_life=50)
    install, namespace, apply, login, look = list(commands(ROOT / "docs/sign-in.md"))[:FIVE]
    for statement in (install, namespace, apply):
        newcomer.type(statement)
    with Cluster(kubeconfig) as cluster:
        cluster.patch(clients(TEAM), CLIENT, {"spec": {"refresh": {"atPercent": 10}}})  # often, and long before the end
        waiting = _until(cluster, newcomer, lambda client: shows(client, "Stalled", "LoginRequired"))
        assert waiting["status"]["login"] == {"command": login}
        _as_the_customers_document_says(newcomer, login, person)
        assert f"{CLIENT}-token" in newcomer.type(look)

        first = _refresh_token(cluster)
        with Consumer(kubeconfig, TEAM, f"{CLIENT}-token", cloud) as consumer:
            _until(cluster, newcomer, lambda client: is_well(client) and client["status"]["grant"]["seq"] > 2)
            ended = time.monotonic()
            assert cloud.refresh(first, PRIVATE_POST.id).json()["error"] == "invalid_grant"  # the family dies with it
            dead = _until(cluster, newcomer, lambda client: shows(client, "Stalled", "GrantRejected"))
            assert dead["status"]["login"] == {"command": login}
            assert "Signed in as alice." in newcomer.sign_in_with(login, person.new_page())
            mended = time.monotonic()
            _until(cluster, newcomer, lambda client: is_well(client) and client["status"]["grant"]["seq"] > 2)
    failed = [(began, over) for began, over, taken in consumer.calls if not taken]
    assert failed, "the server's end of the grant was not felt"
    assert [(began - ended, over - mended) for began, over in failed if over < ended or began > mended] == []
    assert sum(taken for began, _, taken in consumer.calls if began > mended) > 5


def _as_the_customers_document_says(newcomer: Walker, login: str, person: BrowserContext) -> None:
    page, asked = person.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    assert "Signed in as alice." in newcomer.sign_in_with(login, page)
    wishes = parse_qs(urlsplit(next(url for url in asked if "/connect/authorize" in url)).query)
    assert (wishes["acr_values"], wishes["prompt"]) == (["idp:stand-in"], ["Login"])


def _until(cluster: Cluster, newcomer: Walker, seen: Callable[[Object], bool]) -> Object:
    def client() -> Object | None:
        return cluster.get(clients(TEAM), CLIENT)

    def now() -> Object | None:
        found = client()
        return found if found and seen(found) else None

    def told() -> str:
        return json.dumps((client() or {}).get("status"), indent=1) + newcomer.log[-4000:]

    return eventually(now, "what the client was to show", told) or {}


def _refresh_token(cluster: Cluster) -> str:
    return text_of(cluster.get(secrets(NAMESPACE), f"grant.{TEAM}.{CLIENT}") or {})["refresh_token"]
