"""The documentation as a site: built strictly, read with a real browser, without any other host."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.site.markdown import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WITH_DIAGRAMS = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if "```mermaid" in path.read_text())


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it; a warning fails it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_build_brings_every_page(site: Path) -> None:
    """Those of docs/, and those that they link to elsewhere."""
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert [str(page) for page in sorted(pages) if not (site / page).is_file()] == []
    assert (site / "repository/charts/citrix-oauth-operator").is_dir()
    assert (site / "repository/examples/10-smallest.yaml").is_file()


@pytest.mark.parametrize("name", ["index", "start", *WITH_DIAGRAMS])
def test_a_page_shows_everything_without_any_other_host(name: str, address: str, browser: Browser) -> None:
    """Fonts, scripts, and each diagram, which the browser draws."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/{name}.html", wait_until="networkidle")
    wanted = (ROOT / f"docs/{name}.md").read_text().count("```mermaid")
    page.wait_for_function("count => document.querySelectorAll('div.mermaid').length == count", arg=wanted)
    assert page.locator("pre.mermaid").count() == 0
    assert [url for url in asked if not url.startswith(address)] == []
    page.close()
