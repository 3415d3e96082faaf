"""Real Chromium, without a screen: Debian's package (or Chrome, where that is), steered by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium", "google-chrome")
CI = "CI"  # set there: what is not installed fails


def program() -> Path:
    """Find the browser; skips the test where there is none, but never in CI."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found:
        return Path(found)
    message = f"no {PROGRAMS[0]} on PATH; tools/debian-packages installs it"
    if os.environ.get(CI):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one browser. Playwright's loop runs in this thread meanwhile: the module that uses it has no async tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program())
        yield browser
        browser.close()
