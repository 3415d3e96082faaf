"""The table of values in the chart's README, made from values.yaml: `python -m tests.chart.values_table` writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

from tests.chart.helm import CHART

README = CHART / "README.md"
_BEGIN, _END = "<!-- values: made from values.yaml -->\n", "<!-- end of values -->\n"
_LINE = re.compile(r"^(?P<indent> *)(?P<key>[a-zA-Z]+): ?(?P<value>[^#]*?) *(?:# (?P<reason>.*))?$")


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield every value as it is written: path, default as JSON, and the reason beside or above it."""
    path: list[str] = []
    above: list[str] = []
    for line in (CHART / "values.yaml").read_text().splitlines():
        if line.lstrip().startswith("#"):
            above.append(line.lstrip("# "))
        elif match := _LINE.match(line):
            path[len(match["indent"]) // 2 :] = [match["key"]]
            if match["value"]:
                yield ".".join(path), json.dumps(yaml.safe_load(match["value"])), match["reason"] or " ".join(above)
            above = []


def table() -> str:
    """Return the table in Markdown."""
    lines = [f"| `{path}` | `{default}` | {reason} |" for path, default, reason in rows()]
    return "\n".join(["| value | default | why |", "| --- | --- | --- |", *lines, ""])


def renewed(readme: str) -> str:
    """Return the README with the table as it should be."""
    before, _, rest = readme.partition(_BEGIN)
    return f"{before}{_BEGIN}{table()}{_END}{rest.partition(_END)[2]}"


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
