"""What the chart renders to, read as a security reviewer reads it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from citrix_oauth_operator.cli.checks.rights import of_the_operator
from citrix_oauth_operator.cli.run import add_flags
from tests.chart.helm import NAMESPACE, PORTAL, RELEASE, Helm, Manifest, Values, named, of_kind
from tests.chart.rights import Right, granted
from tests.control_plane import ControlPlane
from tests.integration.crd_schema import KINDS, definition

LISTED: Values = {"watchNamespaces": ["team-a", "team-b"]}
EVERYTHING: Values = {
    **LISTED,
    "replicas": 2,
    "portal": {"enabled": True, "url": "https://sign-in.example.com/citrix/"},
    "admissionPolicy": {"enabled": True},
    "imagePullSecrets": ["registry"],
    "podAnnotations": {"prometheus.io/scrape": "true"},
    "monitoring": {"podMonitor": True, "alerts": True, "dashboard": True},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
VARIANTS = {"the defaults": {}, "listed namespaces": LISTED, "everything": EVERYTHING}
FORBIDDEN_VERBS = {"*", "escalate", "bind", "impersonate", "deletecollection"}


@pytest.fixture(scope="module", params=VARIANTS)
def manifests(helm: Helm, request: pytest.FixtureRequest) -> list[Manifest]:
    """The chart rendered with some values."""
    return helm.render(VARIANTS[request.param])


def deployment(manifests: list[Manifest], name: str = RELEASE) -> dict[str, Any]:
    """Return the Deployment's spec."""
    return dict(named(manifests, "Deployment", name)["spec"])


def pod(manifests: list[Manifest], name: str = RELEASE) -> dict[str, Any]:
    """Return the pod's spec."""
    return dict(deployment(manifests, name)["template"]["spec"])


def container(manifests: list[Manifest], name: str = RELEASE) -> dict[str, Any]:
    """Return the only container."""
    (only,) = pod(manifests, name)["containers"]
    return dict(only)


def rules(manifests: list[Manifest]) -> list[Manifest]:
    """Return all rules of all roles."""
    return [rule for one in manifests if one["kind"] in {"Role", "ClusterRole"} for rule in one["rules"]]


def test_no_right_is_a_wildcard_or_leads_to_more_rights(manifests: list[Manifest]) -> None:
    """Of the operator and the portal; people who edit clients may delete many at once."""
    rights = granted(manifests, RELEASE)
    assert rights
    assert not [one for one in rights + granted(manifests, PORTAL) if one.verb in FORBIDDEN_VERBS]
    assert not [rule for rule in rules(manifests) for words in rule.values() if "*" in words]
    assert {one.group for one in rights} <= {"", "citrix-oauth.dev", "coordination.k8s.io"}


def test_secrets_are_never_listed_or_watched(manifests: list[Manifest]) -> None:
    """By name only, everywhere: a list shows the Secrets that no client names."""
    verbs = {one.verb for one in granted(manifests, RELEASE) if one.resource == "secrets"}
    assert verbs == {"get", "create", "update", "delete"}


def test_all_objects_of_a_namespace_are_in_the_release_or_in_a_listed_one(manifests: list[Manifest]) -> None:
    """Nothing reaches into a namespace that was not named."""
    found = {one["metadata"].get("namespace", NAMESPACE) for one in manifests}
    assert found <= {NAMESPACE, "team-a", "team-b"}


def test_without_a_list_of_namespaces_clients_everywhere_are_served(helm: Helm) -> None:
    """The rights follow the mode."""
    rights = granted(helm.render(), RELEASE)
    assert Right("", "", "secrets", "get") in rights


def test_with_a_list_of_namespaces_no_secret_elsewhere_can_be_read(helm: Helm) -> None:
    """What is left for the whole cluster: AuthorizationServers."""
    rights = granted(helm.render(LISTED), RELEASE)
    assert {one.resource for one in rights if not one.namespace} == {
        "authorizationservers",
        "authorizationservers/status",
    }
    assert {one.namespace for one in rights if one.resource == "secrets"} == {NAMESPACE, "team-a", "team-b"}


@pytest.mark.parametrize("namespaces", [[], ["team-a", "team-b"]], ids=["cluster-wide", "listed"])
def test_the_check_command_asks_for_the_rights_of_the_chart_and_no_others(helm: Helm, namespaces: list[str]) -> None:
    """`citrix-oauth check --as-operator` and the chart mean the same operator."""
    rights = granted(helm.render({"watchNamespaces": namespaces}), RELEASE)
    asked = [
        Right(wanted.namespace, wanted.group, wanted.resource, verb)
        for wanted in of_the_operator(namespaces, NAMESPACE)
        for verb in wanted.verbs
    ]
    assert [one for one in asked if not any(right.allows(one) for right in rights)] == []
    assert [right for right in rights if not any(right.allows(one) for one in asked)] == []


def test_no_object_of_our_kinds_is_in_the_chart(manifests: list[Manifest]) -> None:
    """An uninstall deletes what a chart brings: no client, no server."""
    assert not [one for one in manifests if one["kind"] in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_crds_are_those_of_the_repository_and_outlive_the_release(helm: Helm, kind: str) -> None:
    """A CRD that goes takes every client with it."""
    wanted = definition(kind)
    (found,) = [one for one in of_kind(helm.render(), "CustomResourceDefinition") if one["spec"] == wanted["spec"]]
    assert found["metadata"]["name"] == wanted["metadata"]["name"]
    assert found["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_second_release_leaves_the_crds_alone(helm: Helm) -> None:
    """One release owns them."""
    assert not of_kind(helm.render({"crds": {"install": False}}), "CustomResourceDefinition")


def test_the_arguments_are_those_of_the_command(manifests: list[Manifest]) -> None:
    """Parsed by the product itself: an unknown flag ends it."""
    verb, *words = container(manifests)["args"]
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_flags(parser, {})
    options = parser.parse_args(words)
    assert verb == "run"
    assert options.operator_namespace == NAMESPACE
    assert options.http_port == container(manifests)["ports"][0]["containerPort"]


def test_the_spill_folder_is_memory_and_outlives_a_container(manifests: list[Manifest]) -> None:
    """An emptyDir belongs to the pod; of memory, so that no token is written to a disk."""
    mounts = {mount["mountPath"]: mount["name"] for mount in container(manifests)["volumeMounts"]}
    (volume,) = [one for one in pod(manifests)["volumes"] if one["name"] == mounts["/spill"]]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Mi"}
    assert "--spill-dir=/spill" in container(manifests)["args"]


def test_the_root_file_system_cannot_be_written(manifests: list[Manifest]) -> None:
    """The restricted profile does not ask for it."""
    assert container(manifests)["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_pod_has_time_to_store_what_it_holds(manifests: list[Manifest]) -> None:
    """SIGTERM waits for commits: more than the product's own limit; a new pod is there before the old one goes."""
    assert pod(manifests)["terminationGracePeriodSeconds"] == 120
    assert deployment(manifests)["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_disruption_budget_comes_with_the_second_replica_only(helm: Helm) -> None:
    """With one replica it would keep nodes from being drained."""
    budgets = [of_kind(helm.render({"replicas": count}), "PodDisruptionBudget") for count in (1, 2)]
    assert [len(found) for found in budgets] == [0, 1]
    assert budgets[1][0]["spec"]["maxUnavailable"] == 1


def test_two_replicas_avoid_one_node_unless_told_otherwise(helm: Helm) -> None:
    """Preferred: a cluster of one node still gets both."""
    assert "affinity" not in pod(helm.render())
    assert list(pod(helm.render({"replicas": 2}))["affinity"]) == ["podAntiAffinity"]
    assert pod(helm.render(EVERYTHING))["affinity"] == {"nodeAffinity": {}}


def test_the_network_policy_opens_probes_names_and_the_listed_ports(helm: Helm) -> None:
    """And can be left to the platform."""
    (policy,) = of_kind(helm.render({"networkPolicy": {"egressPorts": [443]}}), "NetworkPolicy")
    ports = [(port["port"], port["protocol"]) for port in policy["spec"]["egress"][0]["ports"]]
    names = [(53, "UDP"), (53, "TCP"), (5353, "UDP"), (5353, "TCP")]  # judged behind the Service, by the pod's port
    assert ports == [*names, (443, "TCP")]
    assert policy["spec"]["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not of_kind(helm.render({"networkPolicy": {"enabled": False}}), "NetworkPolicy")


def test_every_selector_finds_the_pods(manifests: list[Manifest]) -> None:
    """Deployment, NetworkPolicy, PodDisruptionBudget and Service of a name mean the same pods, and no others."""
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in of_kind(manifests, "Deployment")
    }
    for one in manifests:
        if one["kind"] in {"Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"}:
            selector = one["spec"].get("selector") or one["spec"]["podSelector"]
            selected = selector.get("matchLabels", selector).items()
            meant = [name for name, carried in labels.items() if selected <= carried.items()]
            assert meant == [one["metadata"]["name"]]


def test_the_image_is_named_by_tag_or_by_digest(helm: Helm) -> None:
    """The digest wins: a tag can be moved."""
    digest = f"sha256:{'0' * 64}"
    ways: list[Values] = [{}, {"tag": "1.2.3"}, {"tag": "1.2.3", "digest": digest}]
    images = [container(helm.render({"image": {"repository": "r.example/o", **way}}))["image"] for way in ways]
    version = yaml.safe_load((helm.chart / "Chart.yaml").read_text())["appVersion"]
    assert images == [f"r.example/o:{version}", "r.example/o:1.2.3", f"r.example/o@{digest}"]


def test_pod_security_restricted_lets_the_pod_in(
    manifests: list[Manifest], control_plane: ControlPlane, namespace: str
) -> None:
    """The API server's own judgement, of the pod as the Deployment would make it."""
    control_plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    spec = {**pod(manifests), "serviceAccountName": "default"}
    spec.pop("priorityClassName", None)
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator", "namespace": namespace}}
    create = ("create", "--dry-run=server", "-f", "-")
    control_plane.kubectl(*create, stdin=json.dumps({**body, "spec": spec}))
    if of_kind(manifests, "Service"):
        portal = {**pod(manifests, PORTAL), "serviceAccountName": "default"}
        control_plane.kubectl(*create, stdin=json.dumps({**body, "spec": portal}))
    spec["securityContext"] = {}
    refused = control_plane.kubectl(*create, stdin=json.dumps({**body, "spec": spec}), check=False)
    assert "violates PodSecurity" in refused.stderr


@pytest.mark.parametrize("name", ["123", "true", "1e3"])
def test_a_name_that_yaml_would_take_for_something_else_stays_a_text(helm: Helm, name: str) -> None:
    """Kubernetes takes such names of namespaces, and Helm such names of releases."""
    rendered = replace(helm.into(name), release=name).render({**EVERYTHING, "watchNamespaces": [name]})
    for one in (each for each in rendered if each["kind"] != "CustomResourceDefinition"):
        assert [text for text in _named(one) if not isinstance(text, str)] == [], one["kind"]


def _named(value: object, key: str = "") -> Iterator[object]:
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _named(one, "label" if key.lower().endswith("labels") else inner)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one, key)
    elif key in {"label", "name", "namespace", "serviceAccountName"}:
        yield value
