"""The dashboard as a file: what a review of its JSON would miss."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from tests.monitoring.dashboard import DASHBOARD, queries
from tests.unit.report.test_metrics import PROMISED

ROOT = Path(__file__).parents[2]
PANELS = DASHBOARD["panels"]
NOT_SHOWN = {"citrixoauth_credentials_expiration_timestamp_seconds"}  # a matter of weeks: status and an Event tell it


def test_no_panel_lies_on_another_or_beside_the_page() -> None:
    """Grafana would push them about. The page is 24 wide."""
    fields = [
        {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
        for p in (panel["gridPos"] for panel in PANELS)
    ]
    assert not [pair for pair in itertools.combinations(fields, 2) if pair[0] & pair[1]]
    assert {x for field in fields for x, _ in field} == set(range(24))


def test_every_panel_says_what_it_shows_under_a_number_of_its_own() -> None:
    """The description is the little i beside the title."""
    assert [panel["id"] for panel in PANELS] == list(range(1, len(PANELS) + 1))
    assert [panel["title"] for panel in PANELS if not panel["description"].endswith(".")] == []


def test_every_promised_metric_of_clients_and_work_is_shown_and_no_other() -> None:
    """A new metric gets its place, or its reason here."""
    named = {name for query in queries() for name in re.findall(r"citrixoauth_\w+", query.target["expr"])}
    base = {re.sub(r"_bucket$", "", name) for name in named}
    assert base == set(PROMISED) - NOT_SHOWN


def test_the_page_shows_the_picture() -> None:
    """`make picture` draws it anew."""
    assert "![" in (ROOT / "docs/dashboard.md").read_text()
    assert (ROOT / "docs/dashboard.png").read_bytes().startswith(b"\x89PNG")
