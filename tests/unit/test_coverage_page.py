"""The page that says which test covers which statement of the sources names no test that is not there."""

from __future__ import annotations

import re

import pytest

from tests.unit.named_tests import ROOT, there_is

PAGE = (ROOT / "docs/coverage.md").read_text()
ROWS = re.findall(r"^\| (?!statement \||---)(.+) \| (.+) \|$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`([^`]+::[^`]+)`", PAGE)))


def answered(said: str) -> bool:
    """Whether a cell names a test first, or says why there is none."""
    return bool(re.match(r"`tests/\S+\.py::test_\w+`|No test: \S|Not covered yet: issue \d+, point \d+$", said))


def test_the_page_is_read_as_a_whole() -> None:
    """Each line of a table is a row: a cell with a bar in it would be passed over."""
    heads = PAGE.count("| statement | covered by |")
    lines = sum(line.startswith("|") for line in PAGE.splitlines())
    assert (heads, len(ROWS) + 2 * heads) == (PAGE.count("\n### "), lines)


def test_every_statement_has_an_answer() -> None:
    """A test, a reason, or where it is being built."""
    assert [statement for statement, said in ROWS if not answered(said)] == []


def test_no_statement_is_there_twice() -> None:
    """Two rows for one statement would be answered differently one day."""
    statements = [statement for statement, _ in ROWS]
    assert sorted(set(statements)) == sorted(statements)


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_exists(named: str) -> None:
    """By its file and its function."""
    assert there_is(named), f"{named} is gone"


@pytest.mark.parametrize("said", ["", "yes", "Not covered yet", "No test:", "`tests/unit/x.py`", "see `a::test_b`"])
def test_a_cell_that_says_nothing_is_no_answer(said: str) -> None:
    """The reader of the page itself."""
    assert not answered(said)
