"""The operator as a process among others: restarts, signals, neighbours, a cluster that is not ready for it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control_plane import ControlPlane
from tests.control_plane.children import free_port
from tests.control_plane.plane import is_external
from tests.integration.crd_schema import CRDS
from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, tokens
from tests.integration.operator.cluster import SERVERS, Cluster, Object, clients, secrets
from tests.integration.operator.eventually import eventually, never
from tests.integration.operator.process import SERVING, Operator
from tests.integration.operator.reading import condition, is_well, moment, shows
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import Fault
from tests.standins.token_endpoint import json_reply

ASKED = "2026-01-01T00:00:00Z"
OF_THE_LEASE = "LeadershipReleased", "could not be released"  # the latter where the API server takes its time
GOOD = json_reply(tokens())


def refreshes(world: World) -> int:
    """Return how many refresh tokens the server has seen."""
    return world.cloud.stats().token_requests.get("refresh_token", 0)


def test_a_restart_with_valid_tokens_asks_for_nothing_and_writes_nothing(fresh: World) -> None:
    """An update of the operator must not be felt by any server."""
    fresh.operator.start()
    server = fresh.stand_in("restart")
    for name in ("one", "two", "three"):
        fresh.signed_in(name, server)
    for name in ("one", "two", "three"):
        fresh.ready(name)
    fresh.operator.stop()
    before = fresh.cluster.writes()
    fresh.operator.start()
    never(lambda: fresh.cluster.writes() - before, "a write after a restart", 3)
    assert refreshes(fresh) == 3
    fresh.cluster.delete(secrets(fresh.namespace), "two-token")
    eventually(lambda: fresh.token("two"), "it works all the same", lambda: fresh.tell("two"))


@pytest.mark.skipif(is_external(), reason="an external cluster's administrator may have no token")
def test_a_pods_own_credentials_are_enough(fresh: World, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Watches and requests alike: there is no kubeconfig in a pod."""
    fresh.operator.env |= {**control_plane.as_in_a_pod(tmp_path / "pod"), "KUBECONFIG": str(tmp_path / "nowhere")}
    fresh.operator.start()
    fresh.signed_in("pod", fresh.stand_in("pod"))
    fresh.ready("pod")


def test_sigterm_waits_for_the_answer_and_stores_it(fresh: World) -> None:
    """The server has rotated already: an exit before the commit would cost a person's sign-in."""
    fresh.operator.start()
    fresh.signed_in("flight", fresh.stand_in("flight"))
    fresh.ready("flight")
    fresh.cloud.faults([Fault(when="after", kind="delay", delay_ms=3000, grant_type="refresh_token")])
    fresh.annotate("flight", requested_at=ASKED)
    eventually(lambda: fresh.cloud.stats().rotations == 2, "the server has rotated", lambda: fresh.tell("flight"))
    fresh.operator.terminate()
    assert fresh.operator.wait() == 0
    grant = fresh.grant("flight")
    assert (grant["seq"], grant["pending"]) == (2, None)
    assert fresh.token("flight")["access_token"] == grant["access_token"]
    fresh.operator.start()
    fresh.annotate("flight", requested_at="2026-01-02T00:00:00Z")
    fresh.refreshed("flight", 3)
    assert (fresh.cloud.stats().replays, fresh.cloud.stats().errors) == (0, {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("when", ["serving", "waiting"])
def test_the_end_is_one_line(fresh: World, tmp_path: Path, number: signal.Signals, when: str) -> None:
    """Exit status 0, and no word about the insides of a framework; also while the cluster is not there yet."""
    operator = fresh.operator
    if when == "waiting":
        operator = Operator(_nowhere(tmp_path), tmp_path, "nowhere", [])
        operator.launch()
        eventually(lambda: "waiting: " in operator.log, "it waits", lambda: operator.log)
    else:
        operator.start()
        eventually(lambda: "LeadershipGained" in operator.log, "it leads", lambda: operator.log)
    operator.signal(number)
    assert operator.wait() == 0
    last = operator.log.partition("ending: ")[2].splitlines()[1:]
    assert [line for line in last if not any(words in line for words in OF_THE_LEASE)] == []
    assert operator.log.count("ending: ") == 1


def _nowhere(folder: Path) -> Path:
    """Return a kubeconfig that leads to a port where nobody listens."""
    config = folder / "nowhere"
    cluster = {"server": f"http://127.0.0.1:{free_port()}"}
    names = {"cluster": "a", "user": "a"}
    config.write_text(
        json.dumps(
            {
                "clusters": [{"name": "a", "cluster": cluster}],
                "users": [{"name": "a", "user": {}}],
                "contexts": [{"name": "a", "context": names}],
                "current-context": "a",
            }
        )
    )
    return config


def test_a_kill_between_two_refreshes_is_not_noticed(fresh: World) -> None:
    """Everything that matters is in the API server."""
    fresh.cloud.configure(access_token_life=4)
    fresh.operator.start()
    fresh.signed_in("killed", fresh.stand_in("killed"))
    seq = fresh.refreshed("killed", 2)["status"]["grant"]["seq"]
    eventually(lambda: _is_frozen_at_rest(fresh, "killed"), "no request under way", lambda: fresh.tell("killed"))
    fresh.operator.kill()
    fresh.operator.start()
    fresh.refreshed("killed", seq + 2)
    assert (fresh.cloud.stats().replays, fresh.cloud.stats().errors) == (0, {})


def _is_frozen_at_rest(world: World, name: str) -> bool:
    """Freeze the operator; let it go on where it has a request under way."""
    world.operator.freeze()
    if at_rest := world.grant(name)["pending"] is None:
        return at_rest
    world.operator.thaw()
    return False


def test_a_second_operator_keeps_its_hands_off(fresh: World, control_plane: ControlPlane, tmp_path: Path) -> None:
    """It names the other one's namespace in one Event, sends nothing, stores nothing, and leaves status alone."""
    fresh.cloud.configure(access_token_life=4)
    fresh.operator.start()
    fresh.signed_in("claimed", fresh.stand_in("claimed"))
    seq = fresh.refreshed("claimed", 1)["status"]["grant"]["seq"]
    intruder = Operator(control_plane.kubeconfig, tmp_path, f"{fresh.prefix}-intruder", [fresh.namespace])
    intruder.start()
    try:
        told = eventually(lambda: _told_elsewhere(fresh), "an Event", lambda: intruder.log)
        assert {fresh.operator.namespace, intruder.namespace} <= set(_words(told[0]["message"]))
        fresh.annotate("claimed", requested_at=ASKED)
        eventually(lambda: fresh.grant("claimed")["seq"] >= seq + 2, "the first goes on", lambda: fresh.tell("claimed"))
        assert fresh.cluster.items(secrets(intruder.namespace)) == []
    finally:
        intruder.stop()
        control_plane.kubectl("delete", "namespace", intruder.namespace, "--wait=false")
    fresh.refreshed("claimed", seq + 3)
    assert len(_told_elsewhere(fresh)) == 1
    assert not any(shows(one, "Stalled", "ClaimedByAnotherOperator") for one in fresh.past("claimed"))
    assert fresh.now("claimed")["status"]["grant"]["namespace"] == fresh.operator.namespace
    assert (fresh.cloud.stats().replays, fresh.cloud.stats().errors) == (0, {})
    assert not any(word in intruder.log for word in canary.canaries(fresh))


def _told_elsewhere(world: World) -> list[Object]:
    return [one for one in world.events("claimed") if one["reason"] == "ClaimedByAnotherOperator"]


def _words(text: str) -> list[str]:
    return [word.strip(".,;()'`") for word in text.split()]


def test_suspension_stops_requests_and_keeps_the_grant(stage: World) -> None:
    """The token ends in its time; resuming needs no person."""
    stage.cloud.configure(access_token_life=3)
    stage.signed_in("paused", stage.stand_in("paused", refreshToken={"lifetime": "24h"}))
    stage.ready("paused")
    stage.suspend("paused")
    expired = eventually(lambda: _not_ready(stage, "paused"), "the token ends", lambda: stage.tell("paused"))
    before = refreshes(stage)
    assert expired == "TokenExpired"
    never(lambda: refreshes(stage) != before, "a request while suspended")
    paused = stage.now("paused")
    assert "nextRefreshTime" not in paused["status"]
    assert moment(paused, "grantExpirationTime") > moment(paused, "expirationTime")
    stage.change("paused", suspend=False)
    stage.ready("paused")
    stage.suspend("paused")  # the next test counts requests
    assert (stage.cloud.stats().replays, stage.cloud.stats().errors) == (0, {})


def _not_ready(world: World, name: str) -> str:
    found = condition(world.now(name), "Ready")
    return str(found["reason"]) if found["status"] == "False" else ""


def test_a_person_may_ask_for_a_refresh_now(stage: World, control_plane: ControlPlane) -> None:
    """By annotation or command; echoed in status, so that the one who asked knows when it was done."""
    stage.signed_in("asked", stage.stand_in("asked"))
    stage.ready("asked")
    stage.annotate("asked", requested_at=ASKED)
    assert stage.refreshed("asked", 2)["status"]["lastHandledReconcileAt"] == ASKED
    command = [sys.executable, "-m", "citrix_oauth_operator", "refresh", "asked", "-n", stage.namespace]
    subprocess.run(command, env={**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)}, check=True)
    stage.refreshed("asked", 3)
    never(lambda: refreshes(stage) != 3, "more than was asked for", 1)
    assert stage.now("asked")["metadata"]["annotations"]["citrix-oauth.dev/requested-at"] != ASKED


def test_only_the_watched_namespace_is_served(stage: World, control_plane: ControlPlane, namespace: str) -> None:
    """What another operator may serve is not touched, not even its status."""
    server, endpoint = stage.scripted("watched", default=GOOD)
    stage.planted |= {ACCESS, NEW}
    spec = {"clientID": "scripted==", "authorizationServerRef": {"name": server}, "clientAuthentication": "None"}
    body = {"apiVersion": "citrix-oauth.dev/v1alpha1", "kind": "CitrixClient", "metadata": {"name": "abroad"}}
    stage.cluster.create(clients(namespace), {**body, "spec": spec})
    stage.seeded("at-home", server)
    stage.ready("at-home")
    never(lambda: len(endpoint.requests) != 1, "a request for somebody else's client", 1)
    abroad = control_plane.kubectl("get", "cxc", "abroad", "-n", namespace, "-o", "jsonpath={.status}").stdout
    assert abroad == '{"observedGeneration":-1}'


def test_a_deleted_server_object_is_noticed_and_comes_back(stage: World) -> None:
    """Nothing is sent meanwhile; the published token stays valid until its end."""
    server, endpoint = stage.scripted("deleted", default=GOOD)
    stage.planted |= {ACCESS, NEW}
    stage.seeded("orphan", server)
    stage.ready("orphan")
    stage.cluster.delete(SERVERS, server)
    assert condition(stage.stalled("orphan", "AuthorizationServerNotFound"), "Ready")["status"] == "True"
    stage.server("deleted", endpoints={"token": endpoint.url})
    stage.ready("orphan")
    assert len(endpoint.requests) == 1


@pytest.fixture(scope="module")
def bare() -> Iterator[ControlPlane]:
    """A control plane without our kinds."""
    if is_external():
        pytest.skip("needs a control plane of its own")
    with ControlPlane() as plane:
        yield plane


def test_without_its_kinds_the_operator_says_so_and_waits(bare: ControlPlane, tmp_path: Path, stage: World) -> None:
    """CRDs may be installed after the operator; nobody restarts anything."""
    operator = Operator(bare.kubeconfig, tmp_path, "citrix-oauth-system", [])
    operator.launch()
    eventually(lambda: "apply the CRDs" in operator.log, "it says what is missing", lambda: operator.log)
    assert operator.alive
    assert "citrixclients" in operator.log
    bare.kubectl("apply", "--server-side", "-f", str(CRDS))
    eventually(lambda: SERVING in operator.log, "it serves", lambda: operator.log)
    endpoint = stage.endpoints.open(default=GOOD)
    with Cluster(bare.kubeconfig) as cluster:
        _apply_a_client(cluster, endpoint.url)
        place = clients("default")
        eventually(lambda: is_well(cluster.get(place, "late")), "its first client is well", lambda: operator.log)
    operator.stop()


def _apply_a_client(cluster: Cluster, token_url: str) -> None:
    head = {"apiVersion": "citrix-oauth.dev/v1alpha1"}
    server = {"type": "OIDC", "endpoints": {"token": token_url}, "allowedAddresses": ["127.0.0.0/8"]}
    cluster.create(SERVERS, {**head, "kind": "AuthorizationServer", "metadata": {"name": "late"}, "spec": server})
    data = {"refresh_token": base64.b64encode(b"CANARY-seed-late").decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late-credentials"}, "data": data}
    cluster.create(secrets("default"), secret)
    spec = {"clientID": "late==", "authorizationServerRef": {"name": "late"}, "clientAuthentication": "None"}
    spec |= {"credentialsSecretRef": {"name": "late-credentials"}}
    client = {**head, "kind": "CitrixClient", "metadata": {"name": "late"}, "spec": spec}
    cluster.create(clients("default"), client)


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
