"""The README's matrix of systems and features: no cell without a test, no test without its cell."""

from __future__ import annotations

import re

import pytest

from citrix_oauth_operator.domain.kinds import ServerType
from tests.unit.named_tests import ROOT, there_is

INDEX = (ROOT / "docs/systems/index.md").read_text()
BACKED = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `(tests/[^`|]+)` \|$", INDEX, re.MULTILINE)


def matrix() -> dict[tuple[str, str], str]:
    """Return each cell of the README by system and feature."""
    _, _, section = (ROOT / "README.md").read_text().partition("\n## Systems\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    name = re.compile(r"\[([^\]]+)\]\([^)]+\)")
    return {
        (name.sub(r"\1", row[0]), feature): cell
        for row in rows
        for feature, cell in zip(head[1:], row[1:], strict=True)
    }


def test_a_cell_says_yes_or_no() -> None:
    """Nothing between."""
    cells = matrix()
    assert len(cells) == len(ServerType) * 9
    assert set(cells.values()) == {"✓", "-"}


def test_what_the_matrix_says_is_what_is_tested() -> None:
    """Each ✓ has its line on the page of systems, and each line its ✓."""
    told = [(system, feature) for system, feature, _ in BACKED]
    assert sorted(told) == sorted({cell for cell, said in matrix().items() if said == "✓"})


@pytest.mark.parametrize(("system", "feature", "named"), BACKED)
def test_the_test_behind_a_cell_is_there(system: str, feature: str, named: str) -> None:
    """By file, function and case."""
    assert there_is(named), f"{system}, {feature}: {named} is gone"


@pytest.mark.parametrize(
    "named",
    [
        "tests/unit/nothing.py::test_x",
        "tests/unit/test_matrix.py::test_nothing",
        "tests/unit/test_matrix.py::test_a_cell_says_yes_or_no[no such case]",
    ],
)
def test_a_test_that_is_not_there_is_missed(named: str) -> None:
    """The check itself: it can fail."""
    assert not there_is(named)
