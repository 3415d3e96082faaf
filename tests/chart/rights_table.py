"""The tables of rights in docs/security.md, made from the chart: `python -m tests.chart.rights_table` writes them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.chart.helm import NAMESPACE, RELEASE, Helm, Values
from tests.chart.rights import Right, granted
from tests.control_plane.build import helm

PAGE = Path(__file__).parents[2] / "docs/security.md"
MODES: dict[str, Values] = {"cluster-wide": {}, "listed namespaces": {"watchNamespaces": ["team-a"]}}
PLACES = {"": "the whole cluster", NAMESPACE: "its own namespace", "team-a": "each listed namespace"}
_CREDENTIALS = "credentials and sign-ins, by the client's name for them; the token Secret; its old name after a rename"
_GRANTS = "grants, which hold the refresh tokens; deleted a day after their client"
WHY = {
    ("cluster-wide", "", "secrets"): f"{_CREDENTIALS}; {_GRANTS}",
    ("listed namespaces", NAMESPACE, "secrets"): _GRANTS,
    ("listed namespaces", "team-a", "secrets"): _CREDENTIALS,
}
WHY_ANYWHERE = {
    "authorizationservers": "where tokens come from",
    "authorizationservers/status": "whether a description was understood",
    "citrixclients": "what is wanted; the finalizer of `deletionPolicy: Revoke`",
    "citrixclients/status": "what was found and done",
    "configmaps": "used seeds and refused credentials; no secret in them",
    "events": "one for each transition",
    "leases": "which replica works",
    "namespaces": "its UID, to which grants are bound; its labels, for `allowedNamespaces`",
}


def table(mode: str, rights: Iterable[Right]) -> str:
    """Return one mode's table in Markdown; a right without a reason is a KeyError."""
    rows: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        rows.setdefault((right.namespace, right.resource), []).append(right.verb)
    lines = [
        f"| {PLACES[place]} | `{resource}` | {', '.join(verbs)} | {_why(mode, place, resource)} |"
        for (place, resource), verbs in sorted(rows.items(), key=lambda row: (list(PLACES).index(row[0][0]), row[0][1]))
    ]
    return "\n".join(["| in | resource | verbs | for |", "| --- | --- | --- | --- |", *lines, ""])


def _why(mode: str, place: str, resource: str) -> str:
    return WHY.get((mode, place, resource)) or WHY_ANYWHERE[resource]


def renewed(page: str, chart: Helm) -> str:
    """Return the page with the tables as they should be."""
    for mode, values in MODES.items():
        begin, end = f"<!-- rights: {mode} -->\n", "<!-- end of rights -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{table(mode, granted(chart.render(values), RELEASE))}{end}{rest.partition(end)[2]}"
    return page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        PAGE.write_text(renewed(PAGE.read_text(), Helm(helm(), Path(home))))
