"""Real Chromium, without a screen: Debian's package (or Chrome, where that is), steered by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.integration.operator.eventually import GIVE_UP_SECONDS

PROGRAMS = ("chromium", "google-chrome")
_PATIENCE = GIVE_UP_SECONDS * 1000  # ms
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
        browser = playwright.chromium.launch(executable_path=program(), timeout=_PATIENCE)
        yield browser
        browser.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:  # noqa: ANN401 - Playwright's
    """Return a browser of somebody's own that believes every certificate, and waits for pages as long as tests do."""
    context = browser.new_context(ignore_https_errors=True, **options)
    context.set_default_timeout(_PATIENCE)
    return context
