"""What httpx lets the Python recipe do besides: bodies that are sent again, asynchronous clients, pauses that grow."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from tests.integration.consumers.secret_folder import SecretFolder
from tests.integration.consumers.test_consumers import RECIPES


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    """The file to copy, imported."""
    spec = importlib.util.spec_from_file_location("citrix_token", RECIPES / "python/citrix_token.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> SecretFolder:
    """What the pod mounts."""
    found = SecretFolder(tmp_path / "citrix")
    found.write("old")
    return found


@pytest.mark.parametrize("content", [b"all of it", [b"all ", b"of it"]], ids=["bytes", "a stream"])
def test_a_body_is_sent_again_as_a_whole(
    recipe: ModuleType, folder: SecretFolder, content: bytes | list[bytes]
) -> None:
    """A stream is read once, and kept."""
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        if request.headers["Authorization"] == "Bearer new":
            return httpx.Response(200)
        folder.write("new")
        return httpx.Response(401)

    with httpx.Client(auth=recipe.CitrixToken(folder.path), transport=httpx.MockTransport(answer)) as client:
        sent = content if isinstance(content, bytes) else iter(content)
        assert client.post("https://api.example/", content=sent).status_code == 200
    assert bodies == [b"all of it"] * 2


async def test_an_asynchronous_client_does_the_same(recipe: ModuleType, folder: SecretFolder) -> None:
    """Reading three small files of memory needs no thread."""

    def answer(request: httpx.Request) -> httpx.Response:
        folder.write("new")
        return httpx.Response(200 if request.headers["Authorization"] == "Bearer new" else 401)

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(auth=recipe.CitrixToken(folder.path), transport=transport) as client:
        assert (await client.get("https://api.example/")).status_code == 200


def test_pauses_double_up_to_a_minute(recipe: ModuleType, folder: SecretFolder) -> None:
    """On a clock of the test's own."""
    now = 0.0
    sent: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        sent.append(now)
        return httpx.Response(401)

    auth = recipe.CitrixToken(folder.path, monotonic=lambda: now)
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
        while len(sent) < 9:
            try:
                client.get("https://api.example/")
            except recipe.TokenNotUsable:
                now += 0.5
    assert [later - before for before, later in itertools.pairwise(sent)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_token_does_not_print_itself(recipe: ModuleType, folder: SecretFolder) -> None:
    """Neither does what fails."""
    assert "old" not in repr(recipe.read(folder.path))
