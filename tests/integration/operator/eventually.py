"""Waiting for a condition: the limit only says when to give up hope, it never decides what is right."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

GIVE_UP_SECONDS = 180.0
_PAUSE_SECONDS = 0.1


def eventually(look: Callable[[], T], what: str, explain: Callable[[], object] = lambda: "") -> T:
    """Look until there is something true to see, and return it.

    Args:
        what: what is waited for, in words.
        explain: called when it never came, for the failure's text.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}\n{explain()}")
        time.sleep(_PAUSE_SECONDS)
    return seen


def never(look: Callable[[], object], what: str, seconds: float = 2.0) -> None:
    """Look for a while and fail when it happens after all."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = look()
        assert not seen, f"{what}: {seen}"
        time.sleep(_PAUSE_SECONDS)
