"""A life of the chart in a real cluster: the operator has no right but its ServiceAccount's, and needs each of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.chart.helm import CHART, NAMESPACE, Helm, Values
from tests.chart.rights import Right, asked, refused, superfluous
from tests.chart.stay import USER, Stay, Surroundings, install, may
from tests.control_plane import ControlPlane
from tests.control_plane.connect import connect
from tests.control_plane.plane import is_external
from tests.integration.operator.bad_day_cases import error, tokens
from tests.integration.operator.cluster import Cluster, clients, secrets
from tests.integration.operator.eventually import eventually
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PRIVATE_POST, CitrixCloud
from tests.standins.token_endpoint import json_reply

pytestmark = pytest.mark.skipif(is_external(), reason="needs the audit log of a control plane of its own")

TEAMS = ("team-a", "team-b")
AFTER_A_DAY = {Right(NAMESPACE, "", "secrets", "delete", "grant-of-a-deleted-client")}  # no test waits for the sweep
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MODES: dict[str, tuple[Values, tuple[str, ...]]] = {
    "cluster-wide": ({}, TEAMS[:1]),
    "listed namespaces": ({"watchNamespaces": list(TEAMS)}, TEAMS),
    "cluster-wide behind the admission policy": ({"admissionPolicy": {"enabled": True}}, TEAMS[:1]),
}


@pytest.fixture
def control_plane() -> Iterator[ControlPlane]:
    """A control plane of the test's own, which keeps an audit log: releases and CRDs belong to the whole cluster."""
    with ControlPlane(audited=True) as plane:
        yield plane


@pytest.fixture
def around(control_plane: ControlPlane, citrix_cloud: CitrixCloud, tmp_path: Path) -> Iterator[Surroundings]:
    """An empty cluster with two teams, and authorization servers."""
    for team in TEAMS:
        control_plane.kubectl("create", "namespace", team)
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(control_plane.kubeconfig))
        endpoints = stack.enter_context(Endpoints())
        yield Surroundings(control_plane, cluster, citrix_cloud, endpoints, tmp_path)


@pytest.fixture
def current(helm: Helm, control_plane: ControlPlane) -> Helm:
    """Helm with the chart as it is, in this cluster."""
    return replace(helm, kubeconfig=control_plane.kubeconfig)


@pytest.fixture
def previous(current: Helm, tmp_path: Path) -> Helm:
    """Helm with the chart as a version before it may have been: an older number, a CRD with a column less."""
    chart = tmp_path / "previous"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "0.0.1"}))
    path = chart / "files/crds/citrixclients.yaml"
    crd = yaml.safe_load(path.read_text())
    crd["spec"]["versions"][0]["additionalPrinterColumns"].pop()
    path.write_text(yaml.safe_dump(crd, sort_keys=False))
    return replace(current, chart=chart)


@pytest.mark.parametrize("mode", MODES)
def test_a_whole_life_needs_every_right_and_no_other(
    mode: str, around: Surroundings, previous: Helm, current: Helm
) -> None:
    """First token, refresh, repair, upgrade, uninstall; then the audit log is compared with the Roles."""
    around.cloud.configure(access_token_life=8)
    values, namespaces = MODES[mode]
    with install(previous, values, around) as stay:
        _probes_are_answered(stay)
        _people_may_what_their_roles_say(stay, namespaces[0])
        if "admissionPolicy" in values:
            _writes_only_its_own_secrets(stay, namespaces[0])
        teams = [_everyday_life(stay, namespace) for namespace in namespaces]
        _upgrade(stay, current, teams)
        _nobody_notices_the_uninstall(stay, teams)
        current.install(values)  # what stayed is taken over
        events = around.plane.audit_events()
        assert not refused(events, USER)
        assert superfluous(stay.rights, asked(events, USER) | AFTER_A_DAY) == []


def _probes_are_answered(stay: Stay) -> None:
    for probe in ("livenessProbe", "readinessProbe"):
        httpx.get(stay.pod.probe(probe), trust_env=False, timeout=60).raise_for_status()


def _people_may_what_their_roles_say(stay: Stay, namespace: str) -> None:
    """Kubernetes' own roles know our kinds; where credentials are sent stays with cluster admins."""
    for role in ("view", "edit"):
        binding = ("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er", "-n", namespace)
        stay.around.plane.kubectl(*binding)
        stay.around.plane.kubectl("create", "clusterrolebinding", role, *binding[3:5])
    group, cluster = "citrix-oauth.dev", stay.around.cluster
    read, write = (Right(namespace, group, "citrixclients", verb) for verb in ("list", "create"))
    server = Right("", group, "authorizationservers", "get")
    for user, right in (("viewer", read), ("viewer", server), ("editer", read), ("editer", write)):
        eventually(lambda user=user, right=right: may(cluster, user, right), f"{user}: {right}")  # type: ignore[misc]
    assert not may(cluster, "viewer", write)
    assert not may(cluster, "editer", server._replace(verb="update"))


def _everyday_life(stay: Stay, namespace: str) -> World:
    """Everything that makes the operator ask the API server for something."""
    with stay.team(namespace) as team:
        only_here = {"from": "Selector", "selector": {"matchLabels": _home(team)}}
        team.signed_in("moved", f"{team.prefix}-cloud", deletionPolicy="Revoke")
        team.stalled("moved", "AuthorizationServerNotFound")
        team.signed_in("reports", team.stand_in("cloud", allowedNamespaces=only_here))
        team.ready("reports")
        _restored(team)
        _renamed(team)
        _signed_in_anew(team)
        _refused_then_taken(team)
        _deleted(team)
    return team


def _home(team: World) -> dict[str, str]:
    return {"kubernetes.io/metadata.name": team.namespace}


def _restored(team: World) -> None:
    team.cluster.delete(secrets(team.namespace), "reports-token")
    eventually(lambda: team.token("reports"), "the token Secret is restored", lambda: team.tell("reports"))


def _renamed(team: World) -> None:
    team.ready("moved")
    team.change("moved", secret={"name": "elsewhere"})
    eventually(lambda: team.secret("elsewhere"), "the new name", lambda: team.tell("moved"))
    eventually(lambda: team.secret("moved-token") is None, "the old one goes", lambda: team.tell("moved"))


def _signed_in_anew(team: World) -> None:
    chain = team.ready("moved")["status"]["grant"]["chain"]
    team.set_keys("moved", refresh_token=team.cloud.sign_in(PRIVATE_POST.id).refresh_token)
    eventually(lambda: team.grant("moved")["chain"] != chain, "a new chain", lambda: team.tell("moved"))
    team.ready("moved")


def _refused_then_taken(team: World) -> None:
    """A refusal is marked twice, then the server takes the credential and the mark goes."""
    no = error("invalid_client", 401)
    server, endpoint = team.scripted("moody", no, no, default=json_reply(tokens()))
    team.seeded("moody", server)
    team.stalled("moody", "ClientRejected")
    team.annotate("moody", requested_at="2026-01-01T00:00:00Z")
    eventually(lambda: len(endpoint.requests) == 2, "a second try", lambda: team.tell("moody"))
    team.annotate("moody", requested_at="2026-01-02T00:00:00Z")
    team.ready("moody")


def _deleted(team: World) -> None:
    revoked = team.grant("moved")["refresh_token"]
    team.delete("moved")
    assert team.cloud.refresh(revoked, PRIVATE_POST.id).json()["error"] == "invalid_grant"
    eventually(lambda: team.secret("elsewhere") is None, "its token Secret is collected")


def _upgrade(stay: Stay, current: Helm, teams: list[World]) -> None:
    """The CRDs are the new ones, and the grants go on."""
    crds, columns = stay.around.cluster, _columns(stay)
    seq = {team.prefix: team.ready("reports")["status"]["grant"]["seq"] for team in teams}
    stay.upgrade(current)
    assert len(_columns(stay)) == len(columns) + 1
    assert stay.helm.revisions()[0] == "0.0.1"
    assert {one["metadata"]["annotations"]["helm.sh/resource-policy"] for one in crds.items(CRDS)} == {"keep"}
    for team in teams:
        team.operator = stay.pod
        team.refreshed("reports", seq[team.prefix] + 2)
    assert stay.around.cloud.stats().replays == 0


def _writes_only_its_own_secrets(stay: Stay, namespace: str) -> None:
    """What the policy is for: a write under the operator's own name that the operator would never make."""
    admin, place = stay.around.cluster, secrets(namespace)
    labels = {"app.kubernetes.io/managed-by": "citrix-oauth-operator"}
    theirs: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}}
    labelled = {**theirs, "metadata": {"name": "labelled", "labels": labels}}
    impersonating = {
        "name": "login",
        "labels": labels,
        "annotations": {"kubernetes.io/service-account.name": "default"},
    }
    login = {**theirs, "metadata": impersonating, "type": "kubernetes.io/service-account-token"}
    admin.create(place, theirs)
    with connect(stay.pod.kubeconfig) as operator:
        dry, said = {"dryRun": "All"}, "the operator may write only"
        unlabelled = {**theirs, "metadata": {"name": "unlabelled"}}
        eventually(lambda: said in operator.post(place, json=unlabelled, params=dry).text, "the policy is in force")
        for refusal in (
            operator.put(f"{place}/theirs", json={**labelled, "metadata": {"name": "theirs", "labels": labels}}),
            operator.delete(f"{place}/theirs"),
            operator.post(place, json=login, params=dry),
        ):
            assert said in refusal.text
        operator.post(place, json=labelled, params=dry).raise_for_status()


def _columns(stay: Stay) -> list[object]:
    crd = stay.around.cluster.get(CRDS, "citrixclients.citrix-oauth.dev")
    assert crd is not None
    return list(crd["spec"]["versions"][0]["additionalPrinterColumns"])


def _nobody_notices_the_uninstall(stay: Stay, teams: list[World]) -> None:
    """Kinds, clients, tokens and grants stay; nothing else does."""
    stay.pod.stop()
    stay.helm.uninstall()
    plane = stay.around.plane
    ours = ("-l", "app.kubernetes.io/instance", "-A", "-o", "name")
    kinds = "deploy,sa,role,rolebinding,clusterrole,clusterrolebinding,networkpolicy,pdb"
    kinds += ",validatingadmissionpolicy,validatingadmissionpolicybinding"
    assert not plane.kubectl("get", kinds, *ours).stdout
    for team in teams:
        assert {one["metadata"]["name"] for one in team.cluster.items(clients(team.namespace))} == {"reports", "moody"}
        assert team.token("reports")
        assert team.cluster.get(secrets(NAMESPACE), f"grant.{team.namespace}.reports")
