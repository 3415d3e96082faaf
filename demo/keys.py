"""Single keys from the terminal, without waiting for them."""

from __future__ import annotations

import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self


class Keys:
    """Reads keys without Enter and without echo while it is open; gives none when input is no terminal."""

    def __init__(self) -> None:
        self._saved: list[Any] | None = None

    def __enter__(self) -> Self:
        if sys.stdin.isatty():
            self._saved = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        if self._saved:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)

    def pressed(self) -> str:
        """Return the key pressed since the last call, or ""."""
        if self._saved and select.select([sys.stdin], [], [], 0)[0]:
            return sys.stdin.read(1).lower()
        return ""
