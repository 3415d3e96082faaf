"""Each invariant of the write protocol is guarded: a small fault, planted into a copy of the product, is caught.

A patch in patches/ is a unified diff below two lines: what it breaks, and `caught by:` the tests that must fail. One
that no longer applies fails here: whoever changes the protocol brings its fault along.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
PATCHES = sorted((Path(__file__).parent / "patches").glob("*.patch"))
TESTS_FAILED = 1  # pytest's exit status; others mean that nothing was tested


@dataclass(frozen=True, slots=True)
class Mutation:
    """One planted fault.

    Attributes:
        breaks: what, in words.
        caught_by: files of tests, of which one at least fails.
    """

    patch: Path | None
    breaks: str
    caught_by: tuple[str, ...]

    @property
    def id(self) -> str:
        """What is planted, as a sentence."""
        return self.breaks


def mutation(patch: Path) -> Mutation:
    """Read the head of a patch."""
    breaks, caught_by, *_ = patch.read_text().splitlines()
    return Mutation(patch, breaks, tuple(caught_by.removeprefix("caught by: ").split()))


MUTATIONS = [mutation(patch) for patch in PATCHES]
NOTHING = Mutation(None, "nothing", tuple(sorted({file for each in MUTATIONS for file in each.caught_by})))
Runs = dict[Mutation, "Future[subprocess.CompletedProcess[str]]"]


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Run what was selected, as many at once as there are cores."""
    selected = [
        item.callspec.params["planted"]
        for item in request.session.items
        if hasattr(item, "callspec") and "planted" in item.callspec.params
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {each: pool.submit(run, each, tmp_path_factory.mktemp("product")) for each in selected}
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(900)  # they share the processor, and the first one waits for its turn
@pytest.mark.parametrize("planted", MUTATIONS, ids=[each.id for each in MUTATIONS])
def test_a_planted_fault_is_caught(planted: Mutation, runs: Runs) -> None:
    """The copy with the fault fails the tests that the patch names."""
    done = runs[planted].result()
    assert done.returncode == TESTS_FAILED, f"{planted.id} was not caught:\n{done.stdout[-3000:]}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("planted", [NOTHING], ids=["nothing"])
def test_without_a_fault_nothing_is_caught(planted: Mutation, runs: Runs) -> None:
    """The tests fail because of the faults, not because they run on a copy."""
    done = runs[planted].result()
    assert done.returncode == 0, done.stdout[-3000:]


def run(planted: Mutation, product: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests a fault is for against a copy of the product that has it."""
    shutil.copytree(ROOT / "operator", product / "operator", ignore=shutil.ignore_patterns("__pycache__"))
    if planted.patch:
        apply(planted.patch, product)
    path = f"pythonpath={product / 'operator'} {ROOT}"
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=line", "-o", path, *planted.caught_by]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def apply(patch: Path, product: Path) -> None:
    """Apply a patch to a copy."""
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(product.parent)}  # no repository around it is meant
    command = ["git", "apply", "-C1", str(patch)]
    done = subprocess.run(command, cwd=product, env=env, capture_output=True, text=True, check=False)
    assert not done.returncode, f"{patch.name} no longer applies; bring it along:\n{done.stderr}"
