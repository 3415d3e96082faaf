"""What a long run is doing, shown while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """What is going on: one line that is rewritten on a terminal, one line a step elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console, self._begun, self._step = console, time.monotonic(), ""
        self._title = ""
        self._status = console.status("")

    @contextmanager
    def about(self, title: str) -> Iterator[None]:
        """Show whose steps the next ones are."""
        self._title = title
        with self._status:
            yield

    def __call__(self, text: str) -> None:
        """Show the present step; what follows the colon or comma changes too often for a log."""
        elapsed = f"{time.monotonic() - self._begun:4.0f} s  {self._title}: "
        self._status.update(elapsed + text)
        step = text.split(":", maxsplit=1)[0].split(",", maxsplit=1)[0]
        if not self._console.is_terminal and step != self._step:
            self._console.print(elapsed + step)
        self._step = step
