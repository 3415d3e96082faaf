"""The workflows: they parse, hold no right that they do not name, and run what they were reviewed with."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(path.name for path in (ROOT / ".github/workflows").iterdir())
_PINNED = re.compile(r"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def text(name: str) -> str:
    """Return a workflow as it is written."""
    return (ROOT / ".github/workflows" / name).read_text()


def jobs(name: str) -> dict[str, Any]:
    """Return a workflow's jobs."""
    return dict(yaml.safe_load(text(name))["jobs"])


def test_there_are_a_workflow_for_changes_and_one_for_releases() -> None:
    """The other tests look at each."""
    assert WORKFLOWS == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(name: str) -> None:
    """A tag can be moved by whoever gets at the action's repository."""
    used = re.findall(r"^ *(?:- )?uses: *(.*)$", text(name), re.MULTILINE)
    steps = [step["uses"] for job in jobs(name).values() for step in job["steps"] if "uses" in step]
    assert [line.partition(" ")[0] for line in used] == steps != []
    assert [line for line in used if not _PINNED.match(line)] == []


def test_one_action_has_one_pin() -> None:
    """An update that forgets a place is half an update."""
    used = {line for name in WORKFLOWS for line in re.findall(r"uses: *(\S+@\S+)", text(name))}
    assert len(used) == len({line.partition("@")[0] for line in used})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_job_names_its_rights_and_its_end(name: str) -> None:
    """None by default; writing is for the job that publishes alone."""
    assert yaml.safe_load(text(name))["permissions"] == {}
    for title, job in jobs(name).items():
        assert job["timeout-minutes"] <= 60
        rights = job["permissions"]
        writes = {"packages": "write", "id-token": "write"} if title == "publish" else {}
        assert rights == {"contents": "read", **writes}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_checkout_leaves_a_credential_behind(name: str) -> None:
    """What a job runs afterwards could push with it."""
    checkouts = [
        step
        for job in jobs(name).values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert len(checkouts) == len(jobs(name))
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_is_checked_is_what_a_developer_checks(name: str) -> None:
    """And the project's own commands are there."""
    lines = [line for job in jobs(name).values() for step in job["steps"] for line in step.get("run", "").splitlines()]
    assert ".ci/run" in lines
    own = [line.split()[0] for line in lines if line.startswith((".ci/", "tools/"))]
    assert [path for path in own if not os.access(ROOT / path, os.X_OK)] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_that_outsiders_write_is_put_into_a_script(name: str) -> None:
    """`${{ }}` in a script is text of whoever named a branch; the environment is data."""
    assert [step for job in jobs(name).values() for step in job["steps"] if "${{" in step.get("run", "")] == []


def test_a_release_has_sbom_provenance_and_signatures_and_is_checked_before() -> None:
    """What a platform team asks for."""
    publish = jobs("release.yml")["publish"]
    assert publish["needs"] == "check"
    (image,) = [step for step in publish["steps"] if step.get("id") == "image"]
    assert (image["with"]["sbom"], image["with"]["provenance"]) == (True, "mode=max")
    assert publish["steps"][-1]["run"] == 'cosign sign --yes "$IMAGE" "$CHART"'
    assert {value.partition("@")[2] for value in publish["steps"][-1]["env"].values()} == {
        "${{ steps.image.outputs.digest }}",
        "${{ steps.chart.outputs.digest }}",
    }
