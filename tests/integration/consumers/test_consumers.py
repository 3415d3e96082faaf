"""The recipes for pods, each against a Secret folder that changes as a kubelet changes it, and an API that refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.control_plane.toolchain import go
from tests.integration.consumers.resource import CITRIX, OTHER, UNAUTHORIZED, ProtectedResource, Refusal
from tests.integration.consumers.secret_folder import IN_AN_AGE, LONG_AGO, SecretFolder

RECIPES = Path(__file__).resolve().parents[3] / "examples/consumers"
SWAPS = 50  # while one request is made: half as often as a recipe tries to read
ASKS = 16  # with pauses that double, so many requests would take half a day


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go recipe, compiled; its own test passes."""
    home = tmp_path_factory.mktemp("go")
    environ = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    for arguments in (["vet", "./..."], ["test", "./..."], ["build", "-o", str(home / "fetch"), "."]):
        done = subprocess.run(
            [go(), *arguments], cwd=RECIPES / "go", env=environ, capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stdout + done.stderr
    return home / "fetch"


@dataclass
class Consumer:
    """One running recipe: takes a URL a line, prints a status a line."""

    process: subprocess.Popen[str]
    url: str

    def ask(self) -> str:
        """Let it fetch once; return what it prints."""
        self.start()
        return self.answer()

    def start(self) -> None:
        """Let it fetch once."""
        self._pipe(self.process.stdin).write(f"{self.url}\n")
        self._pipe(self.process.stdin).flush()

    def answer(self) -> str:
        """Return what it prints next."""
        return self._pipe(self.process.stdout).readline().strip()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


@pytest.fixture(params=["python", "go", "sh", "bash"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """Return how a recipe is started."""
    match request.param:
        case "python":
            return [sys.executable, str(RECIPES / "python/fetch.py")]
        case "go":
            return [str(request.getfixturevalue("go_program"))]
        case shell:
            if not (shutil.which(shell) and shutil.which("curl")):
                pytest.skip(f"no {shell} or no curl here")
            return [shell, str(RECIPES / "shell/fetch.sh")]


@pytest.fixture
def folder(tmp_path: Path) -> SecretFolder:
    """What the pod mounts."""
    return SecretFolder(tmp_path / "citrix")


@pytest.fixture
def resource() -> Iterator[ProtectedResource]:
    """The API that the pod calls."""
    with ProtectedResource() as opened:
        yield opened


@pytest.fixture
def consumer(command: list[str], folder: SecretFolder, resource: ProtectedResource) -> Iterator[Consumer]:
    """The recipe, started."""
    with subprocess.Popen(
        [*command, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Consumer(process, resource.url)
        Consumer._pipe(process.stdin).close()


def test_a_new_token_is_used_from_the_next_request_on(
    consumer: Consumer, folder: SecretFolder, resource: ProtectedResource
) -> None:
    """Nothing is kept between requests: no restart, no signal."""
    for token in ("first", "second", "third"):
        folder.write(token)
        resource.good = {token}
        assert consumer.ask() == "200"
    assert resource.seen == ["first", "second", "third"]


@pytest.mark.parametrize("refusal", [UNAUTHORIZED, CITRIX], ids=["401", "Citrix's 400"])
def test_a_refused_token_is_read_once_more(
    consumer: Consumer,
    folder: SecretFolder,
    resource: ProtectedResource,
    refusal: Refusal,
) -> None:
    """The server ended the old token at the refresh, and the kubelet showed the new one meanwhile."""
    folder.write("old")
    resource.good, resource.refusal = {"new"}, refusal
    resource.on_refusal = lambda: folder.write("new")
    assert consumer.ask() == "200"
    assert resource.seen == ["old", "new"]


def test_a_second_refusal_is_the_last(consumer: Consumer, folder: SecretFolder, resource: ProtectedResource) -> None:
    """However often the Secret changes: one request more, not one for each version."""
    tokens = iter(f"bad-{number}" for number in range(9))
    folder.write(next(tokens))
    resource.on_refusal = lambda: folder.write(next(tokens))
    assert consumer.ask() != "200"
    assert resource.seen == ["bad-0", "bad-1"]


def test_an_unchanged_secret_is_left_alone_and_a_changed_one_is_used_at_once(
    consumer: Consumer, folder: SecretFolder, resource: ProtectedResource
) -> None:
    """Pauses that double while nothing changes; the new token ends the pause."""
    folder.write("dead")
    answers = [consumer.ask() for _ in range(ASKS)]
    assert "200" not in answers
    assert 1 <= len(resource.seen) < ASKS
    assert any(answer.startswith("later: ") for answer in answers)
    folder.write("alive")
    resource.good = {"alive"}
    assert consumer.ask() == "200"


def test_another_bad_request_is_no_refusal(
    consumer: Consumer, folder: SecretFolder, resource: ProtectedResource
) -> None:
    """A mistake of the caller is told to the caller, each time."""
    folder.write("token")
    resource.refusal = OTHER
    assert [consumer.ask(), consumer.ask()] == ["400", "400"]
    assert resource.seen == ["token", "token"]


def test_a_token_that_is_over_is_not_sent(
    consumer: Consumer, folder: SecretFolder, resource: ProtectedResource
) -> None:
    """And the person is told where to look."""
    folder.write("over", LONG_AGO)
    assert "kubectl get cxc" in consumer.ask()
    assert resource.seen == []
    folder.write("fresh")
    resource.good = {"fresh"}
    assert consumer.ask() == "200"


def test_a_folder_without_a_token_is_told(consumer: Consumer, resource: ProtectedResource) -> None:
    """A mount with subPath, or of another Secret."""
    assert "mounted as a whole folder" in consumer.ask()
    assert resource.seen == []


def test_a_plain_folder_will_do(consumer: Consumer, folder: SecretFolder, resource: ProtectedResource) -> None:
    """On a developer's machine there is no kubelet."""
    (folder.path / "authorization").write_text("Bearer local")
    (folder.path / "expires_at").write_text("2999-01-01T00:00:00Z")
    resource.good = {"local"}
    assert consumer.ask() == "200"


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        pytest.param("authorization", ("over", LONG_AGO), ("good", IN_AN_AGE), id="while the token is read"),
        pytest.param("expires_at", ("good", IN_AN_AGE), ("over", LONG_AGO), id="while its end is read"),
    ],
)
def test_no_read_is_torn(  # noqa: PLR0913, PLR0917 - three fixtures
    consumer: Consumer,
    folder: SecretFolder,
    resource: ProtectedResource,
    key: str,
    before: tuple[str, str],
    after: tuple[str, str],
) -> None:
    """The Secret changes while one of its keys is being read: the other is never taken from the next version."""
    folder.write(*before)
    resource.good = {"good"}
    slow = folder.slow_key(key)
    consumer.start()
    with slow.open("w") as being_read:  # opens when the recipe opens it
        folder.write(*after)
        being_read.write("Bearer over" if key == "authorization" else IN_AN_AGE)
    assert consumer.answer() == "200"
    assert resource.seen == ["good"]


def test_reads_survive_a_secret_that_changes_all_the_time(
    consumer: Consumer, folder: SecretFolder, resource: ProtectedResource
) -> None:
    """A version that is removed while it is read is no failure."""
    folder.write("good")
    resource.good = {"good"}
    for number in range(60):
        consumer.start()
        for _ in range(SWAPS):
            if len(resource.seen) > number:
                break
            folder.write("good")
            time.sleep(0.001)
        assert consumer.answer() == "200"
