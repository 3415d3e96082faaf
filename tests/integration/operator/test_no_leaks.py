"""A whole life with every secret a canary and servers that repeat what they were sent: none shows anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from tests.control_plane import ControlPlane
from tests.control_plane.children import free_port
from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import tokens
from tests.integration.operator.eventually import eventually
from tests.integration.operator.reading import shows
from tests.integration.operator.world import World
from tests.standins.token_endpoint import Reply, http_reply, json_reply, stall

SECRET = "CANARY-client-secret-1"
SEED, SECOND, THIRD, FOURTH = (f"CANARY-refresh-token-{n}" for n in (1, 2, 3, 4))
ACCESS = [f"CANARY-access-token-{n}" for n in (1, 2, 3)]


def _page(status: int, token: str) -> Reply:
    """Return a page that repeats the request, as debugging proxies do."""
    body = f"<html>you sent refresh_token={token}&client_secret={SECRET}</html>"
    return http_reply(body.encode(), status, {"Content-Type": "text/html", "Citrix-Error-Source": token})


def _error(code: str, token: str) -> Reply:
    """Return an error that repeats the request in every member and header that reaches status."""
    told = {"error": code, "error_description": f"{token} {SECRET}", "error_uri": f"https://x/?{token}"}
    return json_reply(told, 400, {"Citrix-TransactionId": token, "Citrix-Error-Source": SECRET})


def _tokens(access: str, refresh: str) -> Reply:
    return json_reply(tokens(access_token=access, refresh_token=refresh))


LIFE = (
    _page(500, SEED),
    _error(SEED, SEED),
    _tokens(ACCESS[0], SECOND),
    _tokens(ACCESS[1], THIRD),
    stall(),  # the process is killed here
    _page(200, THIRD),
    _tokens(ACCESS[2], FOURTH),
    _error("invalid_grant", FOURTH),
)


def _applied(world: World, plane: ControlPlane) -> None:
    """Apply the credentials as people do: kubectl keeps a copy of them in an annotation."""
    keys = {"client_secret": SECRET, "refresh_token": SEED}
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "life-credentials"}}
    plane.kubectl("apply", "-n", world.namespace, "-f", "-", stdin=json.dumps({**head, "stringData": keys}))


def _of_the_process(world: World, port: int) -> list[tuple[str, str]]:
    """Return what anybody on the machine can see of the running operator."""
    places = [
        (f"/proc/{part}", Path(f"/proc/{world.operator.pid}/{part}").read_text()) for part in ("cmdline", "environ")
    ]
    with urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        return [*places, ("metrics", page.read().decode())]


def _told_at_the_terminal(plane: ControlPlane, namespace: str) -> str:
    command = [sys.executable, "-m", "citrix_oauth_operator", "status", "-n", namespace]
    env = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_whole_life_shows_no_secret(fresh: World, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Seed, failures, refreshes, a kill, a take-over, the end: logs, Events, objects, metrics, process, terminal."""
    fresh.planted |= {SECRET, SEED, SECOND, THIRD, FOURTH, *ACCESS}
    port, spill = free_port(), tmp_path / "spill"
    fresh.operator.env |= {"CITRIX_OAUTH_HTTP_PORT": str(port), "CITRIX_OAUTH_SPILL_DIR": str(spill)}
    server, endpoint = fresh.scripted("life", *LIFE)
    fresh.operator.start()
    _applied(fresh, control_plane)
    fresh.client("life", server)
    fresh.refreshed("life", 1)
    fresh.annotate("life", requested_at="2026-01-01T00:00:00Z")
    fresh.refreshed("life", 2)
    seen = _of_the_process(fresh, port)

    fresh.annotate("life", requested_at="2026-01-02T00:00:00Z")
    eventually(lambda: len(endpoint.requests) == 5, "the request that will be killed", lambda: fresh.tell("life"))
    fresh.operator.kill()
    fresh.operator.env["CITRIX_OAUTH_LOG_FORMAT"] = "json"
    fresh.operator.start()
    fresh.refreshed("life", 3)
    fresh.annotate("life", requested_at="2026-01-03T00:00:00Z")
    told = fresh.stalled("life", "GrantRejected")
    rejected = 'reason="GrantRejected",type="Stalled"'
    eventually(lambda: rejected in dict(_of_the_process(fresh, port))["metrics"], "the metric follows the status")

    sent = [request.form["refresh_token"] for request in endpoint.requests]
    assert sent == [SEED, SEED, SEED, SECOND, THIRD, THIRD, THIRD, FOURTH]
    assert shows(told, "Stalled", "GrantRejected")
    terminal = _told_at_the_terminal(control_plane, fresh.namespace)
    seen += [
        *_of_the_process(fresh, port),
        ("terminal", terminal),
        ("names of spilled answers", str([*spill.iterdir()])),
    ]
    assert "GrantRejected" in terminal
    assert "citrixoauth_replays_in_doubt_total 2.0" in dict(seen)["metrics"]
    for event in ("SeedAdopted", "SentInDoubt", "IntentTakenOver", "GrantRejected"):
        assert f"audit {event} client=" in fresh.operator.log
    assert canary.leaks(fresh, seen) == []
