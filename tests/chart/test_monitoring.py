"""What the chart brings for Prometheus and Grafana, if asked to."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.chart.helm import CHART, NAMESPACE, RELEASE, Helm, Manifest, Values, of_kind
from tests.monitoring.test_alerts import RULES

KINDS = {"podMonitor": "PodMonitor", "alerts": "PrometheusRule", "dashboard": "ConfigMap"}


def only(helm: Helm, kind: str, monitoring: Values) -> Manifest:
    """Return the one object of a kind."""
    (found,) = of_kind(helm.render({"monitoring": monitoring}), kind)
    return found


@pytest.mark.parametrize("part", KINDS)
def test_each_part_comes_alone_and_only_when_asked_for(helm: Helm, part: str) -> None:
    """A cluster without Prometheus Operator refuses its kinds."""
    assert not {one["kind"] for one in helm.render()} & set(KINDS.values())
    found = {one["kind"] for one in helm.render({"monitoring": {part: True}})}
    assert found & set(KINDS.values()) == {KINDS[part]}


def test_the_monitor_scrapes_the_pods_and_keeps_the_clients_namespaces(helm: Helm) -> None:
    """`namespace` in the metrics would be renamed to `exported_namespace` otherwise, and no alert would fire."""
    manifests = helm.render({"monitoring": {"podMonitor": True, "labels": {"release": "stack"}}})
    (monitor,), (deployment,) = of_kind(manifests, "PodMonitor"), of_kind(manifests, "Deployment")
    template = deployment["spec"]["template"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "http", "path": "/metrics", "honorLabels": True}
    assert endpoint["port"] in [port["name"] for port in template["spec"]["containers"][0]["ports"]]
    assert monitor["metadata"]["labels"]["release"] == "stack"


def test_the_rules_are_those_that_were_tested(helm: Helm) -> None:
    """The names of this release are those that the file has."""
    rule = only(helm, "PrometheusRule", {"alerts": True, "labels": {"release": "stack"}})
    assert (RELEASE, NAMESPACE) == ("citrix-oauth", "citrix-oauth-system")
    assert rule["spec"] == yaml.safe_load(RULES.read_text())
    assert rule["metadata"]["labels"]["release"] == "stack"


def test_the_rules_watch_the_namespace_of_the_release_and_link_your_runbooks(helm: Helm) -> None:
    """Two releases in one cluster are missed separately."""
    rule = only(helm.into("elsewhere"), "PrometheusRule", {"alerts": True, "runbooks": "https://wiki.example/alerts"})
    rules = {one["alert"]: one for one in rule["spec"]["groups"][0]["rules"]}
    absent = rules["CitrixOAuthOperatorAbsent"]
    assert absent["expr"] == 'absent(citrixoauth_build_info{namespace="elsewhere"})'
    links = {one["annotations"]["runbook_url"].partition("#")[0] for one in rules.values()}
    assert links == {"https://wiki.example/alerts"}


def test_the_dashboard_is_the_file(helm: Helm) -> None:
    """Labelled for Grafana's sidecar."""
    found = only(helm, "ConfigMap", {"dashboard": True})
    assert json.loads(found["data"]["citrix-oauth.json"]) == json.loads((CHART / "files/dashboard.json").read_text())
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_labels_of_your_own_never_replace_the_charts(helm: Helm) -> None:
    """A key is there once."""
    monitor = only(
        helm, "PodMonitor", {"podMonitor": True, "labels": {"app.kubernetes.io/name": "x", "release": "stack"}}
    )
    labels = monitor["metadata"]["labels"]
    assert (labels["app.kubernetes.io/name"], labels["release"]) == ("citrix-oauth-operator", "stack")
