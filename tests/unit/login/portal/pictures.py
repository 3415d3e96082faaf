"""Takes the pictures of docs/portal.md: `python -m tests.unit.login.portal.pictures`.

The portal of the unit tests, at its own time and with clients in every state, in a real browser.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal

import uvicorn
from playwright.sync_api import Browser, Page

from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.kube.api import JSON
from tests.browser import chromium
from tests.control_plane.children import free_port
from tests.integration.operator.eventually import eventually
from tests.unit.fakes import T0
from tests.unit.login.portal.stage import ALICE, ISSUER, Stage

FOLDER = Path(__file__).parents[4] / "docs/images"
SIZES = {"desktop": (1000, 400, 1), "phone": (390, 600, 2)}
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


def _stage() -> Stage:
    stage = Stage()
    stage.cluster.users[ALICE] = {"username": "alice@example.com", "uid": "1"}
    stage.cluster.rights = {("alice@example.com", "", "")}
    _describe(stage.client("reports"), "Reads usage figures for the monthly report of the finance team.")
    _describe(stage.client("inventory", "team-b", _well("inventory", hours=23)), "Keeps the asset inventory fresh.")
    ending = {**_well("sync", hours=1.5), "login": {"command": "kubectl citrix-oauth login sync -n team-a"}}
    _describe(stage.client("sync", status=ending), "Synchronises delivery groups with the CMDB.")
    return stage


def _describe(body: JSON, words: str) -> None:
    body["metadata"]["annotations"] = {"kubernetes.io/description": words}
    if stalled := [c for c in body["status"]["conditions"] if c["type"] == "Stalled"]:
        stalled[0]["message"] = "No grant is stored. Somebody must sign in for this client."


def _well(name: str, hours: float) -> JSON:
    return {
        "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": "True", "reason": "TokenValid", "message": "Well."}],
        "secretName": f"{name}-token",
        "expirationTime": rfc3339(T0 + timedelta(minutes=22)),
        "grantExpirationTime": rfc3339(T0 + timedelta(hours=hours)),
        "grantExpirationModel": "Unknown",
    }


@contextmanager
def _served(stage: Stage, port: int) -> Iterator[str]:
    config = uvicorn.Config(
        stage.portal.application(), host="localhost", port=port, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started, "the portal serves")
    yield f"http://localhost:{port}/citrix"
    server.should_exit = True
    thread.join()


def _take(page: Page, name: str, size: str, scheme: str) -> None:
    if (name == "clients") == (size == "desktop"):
        page.screenshot(path=FOLDER / f"portal-{name}-{size}-{scheme}.png", full_page=size == "desktop")


def _walk(browser: Browser, size: str, scheme: Literal["light", "dark"]) -> None:
    width, height, scale = SIZES[size]
    stage = _stage()
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=scheme,
        reduced_motion="reduce",
        extra_http_headers={"Authorization": f"Bearer {ALICE}"},
    )
    page = context.new_page()
    with _served(stage, free_port()) as url:
        page.goto(f"{url}/")
        _take(page, "clients", size, scheme)
        page.goto(f"{url}/team-a/reports")
        _take(page, "client", size, scheme)
        with page.expect_request(lambda request: request.url.startswith(ISSUER)) as sent:
            page.route(f"{ISSUER}/**", lambda route: route.fulfill(body="the server's own page"))
            page.get_by_role("button", name="Sign in").click()
        state = sent.value.url.partition("&state=")[2].partition("&")[0]
        page.goto(f"{url}/callback?code=a-code&state={state}&iss={ISSUER}")
        _take(page, "arrived", size, scheme)
        stage.redeem(**_well("reports", hours=24))
        page.wait_for_selector("h1.good")
        _take(page, "done", size, scheme)
        page.goto(f"{url}/team-a/nothing")
        _take(page, "refused", size, scheme)
    context.close()


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with chromium() as browser:
        for size in SIZES:
            for scheme in SCHEMES:
                _walk(browser, size, scheme)


if __name__ == "__main__":
    main()
