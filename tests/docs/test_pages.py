"""The pages as they lie in the repository: links, what is made from elsewhere, Markdown that all understand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.site.markdown import ROOT, anchors, links
from tools.site.reference import CRDS, FOLDER, page
from tools.site.words import renewed

PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "charts").rglob("*.md")),
]
_FENCE = re.compile(r"^ *(```|~~~)")
_BLOCK = re.compile(r"(- |\d+\. |\|)")


def named(path: Path) -> str:
    """A page's name in the repository."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_somewhere_and_to_a_heading_that_is_there(path: Path) -> None:
    """Relative ones, as a Git host follows them; MkDocs checks the same for the site."""
    broken = []
    for target, anchor in links(path.read_text()):
        found = (path.parent / target) if target else path
        if not found.exists() or (anchor and anchor not in anchors(found.read_text())):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_links_in_code_are_no_links_and_headings_are_numbered_as_git_hosts_do() -> None:
    """The reader of pages itself."""
    text = "# A `b`: [c](d.md)\n## A b c\n[x](y.md#z) [w](https://w.example) [v](#a-b-c-1)\n```\n# no\n[n](n.md)\n```\n"
    assert list(links(text)) == [("d.md", ""), ("y.md", "z"), ("", "a-b-c-1")]
    assert anchors(text) == {"a-b-c", "a-b-c-1"}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_page_is_read_alike_on_a_git_host_and_on_the_site(path: Path) -> None:
    """Lists and tables begin after a blank line, what is in a list stands four spaces in, and code is fenced."""
    inside, before, wrong = False, "", []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            goes_on = not before.strip() or re.match(r"- |\d+\. |\||  |<!--|#", before)
            if _BLOCK.match(line) and not goes_on:
                wrong.append(f"{number}: a blank line before it")
            if re.match(r" {1,3}(\||- |\d+\. |```)", line):
                wrong.append(f"{number}: four spaces, or none")
            if line.startswith("    ") and not before.strip() and not _BLOCK.match(line.lstrip()):
                wrong.append(f"{number}: a fence (```sh, ```console, ```text) instead of spaces")
        before = line
    assert wrong == []


@pytest.mark.parametrize("kind", CRDS)
def test_the_reference_is_that_of_the_crd(kind: str) -> None:
    """`python -m tools.site.reference` renews it."""
    assert (FOLDER / f"{kind}.md").read_text() == page(kind)


@pytest.mark.parametrize("system", ["adfs", "citrix-cloud-api", "citrix-workspace", "entra-id", "netscaler"])
def test_a_systems_page_shows_the_operators_own_words(system: str) -> None:
    """`python -m tools.site.words` renews them."""
    text = (ROOT / f"docs/systems/{system}.md").read_text()
    assert "| the server says | reason | the operator says |" in text
    assert text == renewed(text)


def test_every_example_is_on_the_page_of_examples() -> None:
    """A newcomer looks there."""
    shown = {target for target, _ in links((ROOT / "docs/examples.md").read_text())}
    assert [
        path.name for path in sorted((ROOT / "examples").glob("*.yaml")) if f"../examples/{path.name}" not in shown
    ] == []
