"""A healthy client, from `kubectl apply` to a token Secret that never goes stale."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.control_plane import ControlPlane
from tests.control_plane.children import Child
from tests.integration.operator import canary
from tests.integration.operator.cluster import SERVERS, Object, text_of
from tests.integration.operator.cost import check_cost
from tests.integration.operator.eventually import GIVE_UP_SECONDS, eventually
from tests.integration.operator.reading import condition, kstatus, moment
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PRIVATE_POST

LABELS = {"app.kubernetes.io/managed-by": "citrix-oauth-operator", "citrix-oauth.dev/client-name": "reports"}


@pytest.fixture(scope="module")
def reports(world: World) -> Object:
    """The smallest client, as `kubectl apply` makes it, once it is Ready."""
    spec: Object = {"type": "CitrixCloud", "issuer": world.cloud.issuer, "caBundle": world.ca_bundle}
    spec |= {"allowedAddresses": ["127.0.0.0/8"], "requests": {"minInterval": "1s"}}
    body = {"apiVersion": "citrix-oauth.dev/v1alpha1", "kind": "AuthorizationServer", "spec": spec}
    world.cluster.create(SERVERS, {**body, "metadata": {"name": "citrix-cloud"}})  # in place of the built-in one
    world.made.append((SERVERS, "citrix-cloud"))
    world.signed_in("reports", "citrix-cloud", authorizationServerRef=None)
    return world.ready("reports")


def test_the_token_secret_has_four_keys_and_no_other_secret(world: World, reports: Object) -> None:
    """Pods get a token and its ready header; neither the refresh token nor the client secret."""
    secret = world.secret("reports-token") or {}
    assert secret["type"] == "Opaque"
    token = text_of(secret)
    assert sorted(token) == ["access_token", "authorization", "expires_at", "token_type"]
    assert token["token_type"] == "Bearer"
    assert token["authorization"] == f"Bearer {token['access_token']}"
    assert datetime.fromisoformat(token["expires_at"]) > datetime.now(UTC)
    uid = reports["metadata"]["uid"]
    assert secret["metadata"]["labels"] == {**LABELS, "citrix-oauth.dev/client-uid": uid}
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("CitrixClient", "reports", uid, True)
    grant = world.grant("reports")
    assert grant["type"] == "citrix-oauth.dev/grant"
    assert not {grant["refresh_token"], PRIVATE_POST.secret} & set(token.values())


def test_the_token_opens_the_protected_resource(world: World, reports: Object) -> None:
    """Key `authorization` is the header as it is."""
    assert reports
    with world.cloud.http() as http:
        headers = {"Authorization": world.token("reports")["authorization"]}
        assert http.get(f"{world.cloud.origin}/citrixapi/store/resources", headers=headers).is_success


def test_the_status_and_its_columns_tell_the_whole_story(world: World, reports: Object) -> None:
    """When the token ends, when the next one comes, when a person must sign in again."""
    assert reports
    status = world.now("reports")["status"]
    grant = world.grant("reports")
    assert status["grant"] == {"namespace": world.operator.namespace, "chain": grant["chain"], "seq": grant["seq"]}
    assert {"openid", "wsp", "spa", "leases", "offline_access"} <= set(status["scopes"])
    client = world.now("reports")
    assert moment(client, "lastRefreshTime") < moment(client, "nextRefreshTime") < moment(client, "expirationTime")
    assert {"failedAttempts", "lastError", "lastFailureTime"}.isdisjoint(status)
    row = world.cluster.table(f"/apis/citrix-oauth.dev/v1alpha1/namespaces/{world.namespace}/citrixclients", "reports")
    assert (row["Ready"], row["Reason"], row["Server"]) == ("True", "TokenValid", "citrix-cloud")
    assert (row["Expires"], row["Next"]) == (status["expirationTime"], status["nextRefreshTime"])
    assert row["Secret"] == "reports-token"


def test_tools_read_it_as_current(world: World, reports: Object, control_plane: ControlPlane) -> None:
    """`kubectl wait` and kstatus (Flux) agree, and a client nobody has seen yet is not current."""
    assert kstatus(reports) == "Current"
    unseen = {**reports, "status": {"observedGeneration": -1}}
    assert kstatus(unseen) == "InProgress"
    wait = ("wait", "--for=condition=Ready", "cxc/reports", "--timeout=30s", "-n", world.namespace)
    assert "condition met" in control_plane.kubectl(*wait).stdout


def test_the_status_command_tells_it_as_a_plugin_of_kubectl(
    world: World, reports: Object, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubectl finds the installed program by its name."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    told = control_plane.kubectl("citrix-oauth", "status", "-n", world.namespace, "-o", "json")
    (row,) = json.loads(told.stdout)
    assert (row["name"], row["health"], row["expirationTime"]) == ("reports", "ok", reports["status"]["expirationTime"])


def test_a_watch_of_the_status_ends_with_ctrl_c(
    world: World, reports: Object, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """With the exit status of the last picture, and without a traceback."""
    assert reports
    words = [sys.executable, "-m", "citrix_oauth_operator", "status", "-n", world.namespace, "--watch", "-o", "wide"]
    watch = Child("watch", words, tmp_path, {"KUBECONFIG": str(control_plane.kubeconfig)})
    eventually(lambda: "reports-token" in watch.tail(), "the first picture", watch.tail)
    watch.signal(signal.SIGINT)
    assert watch._process.wait(GIVE_UP_SECONDS) == 0
    assert "Traceback" not in watch.tail()


def test_one_event_tells_that_it_works(world: World, reports: Object) -> None:
    """`kubectl describe` shows it."""
    assert reports
    # an Event follows the status that it tells of
    told = eventually(lambda: world.events("reports"), "an Event", lambda: world.tell("reports"))
    assert [(one["type"], one["reason"]) for one in told] == [("Normal", "TokenValid")]


def test_the_server_object_says_that_it_is_accepted(world: World, reports: Object) -> None:
    """Platform admins see at once whether the operator understands their description."""
    assert reports
    found = eventually(lambda: condition(world.cluster.get(SERVERS, "citrix-cloud"), "Accepted"), "it is judged")
    assert (found["status"], found["reason"]) == ("True", "Accepted")


def test_short_lived_tokens_are_refreshed_in_time_with_four_writes_and_no_event_each(stage: World) -> None:
    """Judged by the server (no replay, one request a refresh) and by the API server's own count of writes."""
    stage.cloud.configure(access_token_life=5)
    stage.signed_in("steady", stage.stand_in("steady"))
    stage.refreshed("steady", 1)
    intent_commit_and_token_then_status = {"PUT secrets": 3, "PATCH citrixclients": 1}
    check_cost(stage, "steady", "refresh_token", intent_commit_and_token_then_status, refreshes=3)
    assert (stage.cloud.stats().replays, stage.cloud.stats().errors) == (0, {})
    lost = [one for one in stage.past("steady") if condition(one, "Ready").get("status") == "False"]
    assert [one for one in lost if not _ended(one)] == []


def _ended(client: Object) -> bool:
    """Whether Ready is lost because the token was over by then, as where the whole machine stands still for seconds."""
    since = datetime.fromisoformat(condition(client, "Ready")["lastTransitionTime"])
    return condition(client, "Ready")["reason"] == "TokenExpired" and since >= moment(client, "expirationTime")


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
