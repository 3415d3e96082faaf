"""Every command of the pages is typed into a real cluster here, or is on a list that says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane import ControlPlane
from tests.control_plane.plane import is_external
from tests.docs.commands import commands
from tests.docs.test_pages import PAGES, named
from tests.docs.walk import Walker, walker
from tests.integration.operator.eventually import eventually
from tests.standins.citrix_cloud import CitrixCloud
from tools.site.markdown import ROOT

# The pages in an order in which a person could follow them; what runs already is not installed once more.
WALKED = (
    "docs/install.md",
    "docs/start.md",
    "docs/security.md",
    "docs/sign-in.md",
    "docs/consuming.md",
    "docs/alerts.md",
    "docs/cli.md",
    "README.md",
    "docs/operations.md",
)
NOT_TYPED = {
    r"make demo$": "tests/integration/test_demo.py runs it",
    r"make (venv|unit|test|check|format)\b": "who runs the tests has just done it",
    r"make faults\b|\.venv/bin/python -m tests\.faults": "an hour; `make test` plays a slice of it",
    r"\.venv/bin/python -m pytest tests/(faults|mutations)": "part of `make test`",
    r"make image ": "needs a builder of images; tests/node builds it where it can",
    r"kubectl citrix-oauth login ": "needs a browser: test_from_nothing.py has one",
    r"kubectl \S+ \S+ logs ": "the control plane has no node, so no pod has a log",
    r"(cosign|docker) ": "needs a release, and none has been made (docs/releasing.md)",
}
INSTALL = (
    "helm install citrix-oauth charts/citrix-oauth-operator \\\n"
    "  --namespace citrix-oauth-system --create-namespace \\\n"
    "  --set image.repository=registry.example/citrix-oauth-operator"
)
READY = "kubectl wait --for=condition=Ready cxc/reports --timeout=2m"


def reason_not_to(statement: str) -> str | None:
    """Why a statement is not typed; None: it is."""
    return next((reason for pattern, reason in NOT_TYPED.items() if re.match(pattern, statement)), None)


def on(page: str) -> list[str]:
    """The statements of a page that are typed."""
    return [one for one in commands(ROOT / page) if not reason_not_to(one)]


def test_no_page_has_a_command_that_nobody_types() -> None:
    """A page with commands is walked, or each of its commands is on the list."""
    left = {named(path): on(named(path)) for path in PAGES if named(path) not in WALKED}
    assert {page: statements for page, statements in left.items() if statements} == {}


def test_the_list_of_commands_not_typed_has_no_entry_too_many() -> None:
    """An entry that matches nothing hides the next mistake; and each make target is there."""
    every = [one for path in PAGES for one in commands(path)]
    assert [pattern for pattern in NOT_TYPED if not any(re.match(pattern, one) for one in every)] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for one in every for word in re.findall(r"^make ([a-z]+)", one)} <= targets


def test_statements_are_read_as_a_shell_reads_them(tmp_path: Path) -> None:
    """Continued lines and loops are one, comments and outputs none."""
    page = tmp_path / "page.md"
    shell = "a \\\n  b\nc |\n  d  # e\n\n# f\nwhile g; do\n  h\ndone\n"
    page.write_text(f"```sh\n{shell}```\n```console\n$ i\nj\n```\n```text\nk\n```\n")
    assert list(commands(page)) == ["a \\\n  b", "c |\n  d  # e", "while g; do\n  h\ndone", "i"]


def test_two_commands_lead_to_the_first_token() -> None:
    """What the page claims, counted."""
    typed = on("docs/start.md")
    until = typed[: typed.index(READY)]
    assert until == [INSTALL, "kubectl apply --server-side -f examples/10-smallest.yaml"]


@pytest.fixture(scope="module")
def walk(citrix_cloud: CitrixCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    """A cluster of the module's own: releases and CRDs belong to the whole of it."""
    if is_external():
        pytest.skip("deletes CRDs and namespaces: needs a control plane of its own")
    with ControlPlane() as plane, walker(plane, citrix_cloud, tmp_path_factory.mktemp("walk")) as walking:
        yield walking


def test_the_pages_do_what_they_say(walk: Walker) -> None:
    """Each in its turn; then the operator's namespace has been moved, and the grant goes on."""
    chain = ""
    for page in WALKED:
        statements = on(page)
        if statements[0] == INSTALL:
            walk.sign_in()
            statements = statements[bool(walk.pods) :]
        if page == "docs/operations.md":
            chain = _grant(walk)["chain"]
        for statement in statements:
            if statement.startswith("kubectl -n team-a get secret"):  # the command before it has waited for the browser
                walk.plane.kubectl("wait", "--for=condition=Ready", "cxc/reports", "-n", "team-a", "--timeout=90s")
            walk.type(statement)
    moved = _grant(walk)
    assert (moved["namespace"], moved["chain"]) == ("citrix-oauth", chain)
    walk.type("citrix-oauth refresh reports")
    eventually(lambda: _grant(walk)["seq"] > moved["seq"], "a refresh from the new namespace", lambda: walk.log)
    walk.type(READY)
    assert walk.cloud.stats().replays == 0


def _grant(walk: Walker) -> dict[str, Any]:
    found = walk.plane.kubectl("get", "cxc", "reports", "-o", "jsonpath={.status.grant}").stdout
    return dict(json.loads(found))
