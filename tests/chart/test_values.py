"""The values: each has a reason, a place in the schema and a row in the table; unknown ones are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from citrix_oauth_operator import __version__
from tests.chart.helm import CHART, IMAGE, Helm, HelmRefused, Values
from tests.chart.rights_table import PAGE
from tests.chart.rights_table import renewed as renewed_rights
from tests.chart.values_table import README, renewed, rows
from tests.control_plane.build import HELM_VERSION, OAUTH2_PROXY_VERSION, Source, helm_source, oauth2_proxy_source
from tests.integration.crd_schema import CRDS

DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
FREE = ("resources", "portal.resources")  # what Kubernetes defines is Kubernetes' to check


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in values.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path


def test_the_chart_is_clean(helm: Helm) -> None:
    """Strict: warnings count."""
    assert "0 chart(s) failed" in helm.lint(IMAGE)


def test_chart_and_product_are_of_one_version() -> None:
    """The default tag of the image is the chart's appVersion."""
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (about["version"], about["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize(
    ("source", "pinned"),
    [
        (helm_source(), f"helm.sh/helm/v4 v{HELM_VERSION} "),
        (oauth2_proxy_source(), f"github.com/oauth2-proxy/oauth2-proxy/v7 v{OAUTH2_PROXY_VERSION} "),
    ],
    ids=["Helm", "oauth2-proxy"],
)
def test_the_tests_use_the_version_they_name(source: Source, pinned: str) -> None:
    """The cache of built programs goes by it."""
    assert pinned in (source.module / "go.mod").read_text()


def test_the_crds_have_one_source() -> None:
    """A link, not a copy: Helm packs what it leads to."""
    assert (CHART / "files/crds").resolve() == CRDS


def test_every_value_has_a_reason() -> None:
    """A reviewer reads values.yaml first."""
    found = list(rows())
    assert [path for path, _, _ in found] == list(_leaves(DEFAULTS))
    assert [path for path, _, reason in found if not reason] == []


def test_the_table_of_the_readme_is_that_of_the_values() -> None:
    """`python -m tests.chart.values_table` renews it."""
    assert README.read_text() == renewed(README.read_text())


def test_the_tables_of_rights_are_those_of_the_chart(helm: Helm) -> None:
    """`python -m tests.chart.rights_table` renews them; what a right is for is in there, too."""
    assert PAGE.read_text() == renewed_rights(PAGE.read_text(), helm)


def test_the_schema_knows_exactly_these_values() -> None:
    """`global` is Helm's own; what is in `resources` is the API server's to check."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    known = set(_leaves(_properties(schema))) - {"global"}
    assert known == {path for path in _leaves(DEFAULTS) if not path.startswith(FREE)} | set(FREE)


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _properties(value) for key, value in schema.get("properties", {}).items()}


WRONG: dict[str, Values] = {
    "a misspelt value": {"watchNamespace": ["team-a"]},
    "a misspelt inner value": {"crds": {"instal": False}},
    "three replicas": {"replicas": 3},
    "a namespace that cannot exist": {"watchNamespaces": ["Team_A"]},
    "a namespace twice": {"watchNamespaces": ["team-a", "team-a"]},
    "a pattern of namespaces": {"watchNamespaces": ["team-*"]},
    "a digest without its algorithm": {"image": {"repository": "r", "digest": "0" * 64}},
    "a port by name": {"networkPolicy": {"egressPorts": ["https"]}},
    "an unknown log level": {"logLevel": "trace"},
    "a portal without an address": {"portal": {"enabled": True}},
    "a portal without TLS": {"portal": {"enabled": True, "url": "http://sign-in.example.com"}},
    "a tag that is none": {"image": {"repository": "r", "tag": "1.0\nprivileged"}},
    "an image with a space": {"image": {"repository": "r x"}},
    "a misspelt resource": {"resources": {"limit": {"memory": "1Gi"}}},
    "a misspelt affinity": {"affinity": {"podAntiAfinity": {}}},
    "a runbook that adds a line of its own": {"monitoring": {"runbooks": "x\n      for: 9h"}},
    "a runbook that ends in a comment": {"monitoring": {"runbooks": "https://wiki.example/ #alerts"}},
    "a label of dashboards that is two": {"monitoring": {"dashboardLabel": "a: b\n    c"}},
    "a priority class that cannot exist": {"priorityClassName": "System Critical"},
    "no image": {"image": {"repository": ""}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_is_refused_before_anything_is_sent(helm: Helm, wrong: str) -> None:
    """A value that does nothing is worse than an error."""
    with pytest.raises(HelmRefused):
        helm.render(WRONG[wrong])
