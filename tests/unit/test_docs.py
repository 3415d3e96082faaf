"""What the documents promise about the code is checked: they are read more often than it."""

import re
from pathlib import Path

import pytest

from citrix_oauth_operator.cli import main
from citrix_oauth_operator.domain.reasons import ConditionType, Reason
from citrix_oauth_operator.domain.ways_out import IN_SHORT, PAGE, Section
from tests.unit.domain.test_reasons import EVENTS, UNUSED
from tests.unit.said import SAID

ROOT = Path(__file__).resolve().parents[2]
RECIPES = [
    f"examples/consumers/{name}"
    for name in ("deployment.yaml", "python/citrix_token.py", "go/token.go", "shell/citrix-token.sh")
]
CLIENT_PAGE = (ROOT / "docs/citrixclient.md").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained(reason: Reason) -> None:
    """A person who meets a reason finds it on the page of the kind."""
    assert f"`{reason}`" in CLIENT_PAGE


@pytest.mark.parametrize("kind", [ConditionType.READY, ConditionType.REFRESH_FAILED, ConditionType.STALLED])
def test_every_condition_has_a_section(kind: ConditionType) -> None:
    """One section a condition."""
    assert re.search(rf"^### {kind}\b", CLIENT_PAGE, re.MULTILINE)


def test_the_readme_is_short() -> None:
    """It says what, how and where to read on."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 85


def test_the_lifecycle_names_every_stage_where_it_is() -> None:
    """The ten steps name their modules, and the modules exist."""
    page = (ROOT / "docs/lifecycle.md").read_text()
    package = ROOT / "operator/citrix_oauth_operator"
    named = {name for name in re.findall(r"`([a-z_/]+\.py)`", page) if "test" not in name}
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (package / name).exists()] == []


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_the_page_shows_each_recipe_as_it_is(recipe: str) -> None:
    """Who copies from the page copies what the tests have run."""
    page = (ROOT / "docs/consuming.md").read_text()
    shown = re.search(rf"<!-- file: {re.escape(recipe)} -->\n```[a-z]+\n(.*?)```\n", page, re.DOTALL)
    assert shown, f"docs/consuming.md does not show {recipe}"
    assert shown[1] == (ROOT / recipe).read_text(), f"copy {recipe} into docs/consuming.md again"


def test_every_command_has_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    """And none that is not there."""
    with pytest.raises(SystemExit):
        main(["--help"])
    verbs = set(re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE))
    assert {"run", "status", "version"} <= verbs
    assert verbs == set(re.findall(r"^## (\w+)$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))


REASONS_PAGE = (ROOT / "docs/reasons.md").read_text()


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_its_section_with_a_cause_and_the_operators_words(reason: Reason) -> None:
    """What a person finds there is what the condition's message says."""
    section = re.search(rf"^### {reason}\n\n(.*?)(?=^##|\Z)", REASONS_PAGE, re.MULTILINE | re.DOTALL)
    assert section, f"docs/reasons.md has no section {reason}"
    cause, _, said = section[1].partition("\n> ")
    assert cause.strip()
    assert said.strip() == SAID.get(reason, ""), f"docs/reasons.md, {reason}: > {SAID.get(reason, '')}"


def test_what_is_said_is_said_for_every_problem() -> None:
    """Reasons without a problem are states, and one word that none has."""
    states = {Reason.TOKEN_VALID, Reason.TOKEN_EXPIRED, Reason.PENDING, Reason.ACCEPTED, Reason.RECOVERED}
    assert set(SAID) == set(Reason) - UNUSED - EVENTS - states


@pytest.mark.parametrize("section", Section)
def test_each_way_out_has_its_section_which_begins_with_what_check_prints(section: Section) -> None:
    """Remedies and `citrix-oauth check` send people there."""
    found = re.search(rf"^## {section}\n\n> (.*)$", (ROOT / PAGE).read_text(), re.MULTILINE)
    assert found, f"{PAGE} has no section {section} with a line in short"
    assert found[1] == IN_SHORT[section]
