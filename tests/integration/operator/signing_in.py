"""The two places of a person who signs in: the terminal with `citrix-oauth login`, and the pages in the browser."""

from __future__ import annotations

import io
import re
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from citrix_oauth_operator.cli import main
from tests.control_plane.children import Child
from tests.integration.operator.eventually import GIVE_UP_SECONDS, eventually

_ADDRESS = re.compile(r"^ +(https?://\S+)$", re.MULTILINE)


class Terminal:
    """One run of the command."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def text(self) -> str:
        """What it has said until now."""
        return self._child.log.read_text()

    @property
    def address(self) -> str:
        """The address that it asks a person to open, once it does."""

        def found() -> str:
            match = _ADDRESS.search(self.text)
            assert match or self._child.alive, self.text
            return match[1] if match else ""

        return eventually(found, "an address to open", lambda: self.text)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._child.signal(signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit status and everything it said."""
        status = self._child._process.wait(GIVE_UP_SECONDS)
        assert "Traceback" not in self.text, self.text
        return status, self.text


@dataclass(slots=True)
class Terminals:
    """Runs the command against one cluster."""

    folder: Path
    kubeconfig: Path
    count: int = 0

    @contextmanager
    def login(self, *words: str) -> Iterator[Terminal]:
        """Run the command with these arguments, without a browser of its own."""
        self.count += 1
        command = [sys.executable, "-m", "citrix_oauth_operator", "login", "--no-browser", *words]
        child = Child(f"login-{self.count}", command, self.folder, {"KUBECONFIG": str(self.kubeconfig)})
        try:
            yield Terminal(child)
        finally:
            child.stop(0)


def at_once(kubeconfig: Path, *words: str) -> tuple[int, str]:
    """Run the command where it ends without a browser; return the exit status and what it said.

    In this process, and in a thread: a process of its own takes a second to start, and Playwright's loop runs here.
    """
    said = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(said),
        redirect_stderr(said),
        ThreadPoolExecutor() as pool,
    ):
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return pool.submit(main, ["login", "--no-browser", *words]).result(), said.getvalue()


def enter(page: Page, user: str = "alice", typed: str = "right") -> None:
    """Fill the server's sign-in page in and send it; return when the next page is there, which may look the same."""
    page.fill("input[name=login]", user)
    page.fill("input[name=password]", typed)
    with page.expect_navigation(wait_until="commit"):
        page.click("button[type=submit]", no_wait_after=True)


def agree(page: Page) -> None:
    """Send the consent page; whoever waits for what comes after it does that themselves."""
    page.wait_for_selector("input[name=prompt][value=consent]", state="attached")
    page.click("button[type=submit]", no_wait_after=True)


def cancel(page: Page) -> None:
    """Follow the link that gives up."""
    page.click("a[href$='/abort']", no_wait_after=True)


def shown(page: Page) -> str:
    """Wait for a page of ours; return its text."""
    page.wait_for_selector("main[role=status]")
    return page.inner_text("main")
