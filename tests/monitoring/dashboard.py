"""The dashboard's panels as Grafana asks for them: variables filled in, ready for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chart.helm import CHART
from tests.monitoring.prometheus import PrometheusServer, Series

FILE = CHART / "files/dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text())


@dataclass(frozen=True, slots=True)
class Query:
    """One target of one panel; `rate_interval` is what Grafana would make of it, such as `20s`."""

    panel: dict[str, Any]
    target: dict[str, Any]

    def expression(self, rate_interval: str) -> str:
        """Return the PromQL that Grafana would send with all variables at All."""
        filled = str(self.target["expr"]).replace("$__rate_interval", rate_interval)
        for variable in DASHBOARD["templating"]["list"]:
            filled = filled.replace(f"${variable['name']}", variable.get("allValue", ""))
        assert "$" not in filled, f"a variable that the dashboard has not: {filled}"
        return filled

    def legend(self, metric: dict[str, str]) -> str:
        """Return the name of a series."""
        text = str(self.target.get("legendFormat", ""))
        for name, value in metric.items():
            text = text.replace(f"{{{{{name}}}}}", value)
        return text

    def now(self, server: PrometheusServer, rate_interval: str) -> list[Series]:
        """Return what the panel shows of this moment."""
        return server.now(self.expression(rate_interval))


def queries() -> Iterator[Query]:
    """Yield every target of every panel."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield Query(panel, target)


def asked_for(panel: dict[str, Any]) -> list[Query]:
    """Return a panel's targets."""
    return [query for query in queries() if query.panel["id"] == panel["id"]]
