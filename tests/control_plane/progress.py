"""What a person sees while the binaries are built: one line that is rewritten on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO


class Progress:
    """Counts steps and their elapsed seconds on a stream, standard error by default. A context manager."""

    def __init__(self, title: str, total: int, stream: TextIO | None = None) -> None:
        self._title, self._total = title, total
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._begun = time.monotonic()
        self._step, self._what = 0, ""

    def __enter__(self) -> Self:
        self._line(self._title)
        return self

    def step(self, what: str) -> None:
        """Begin the next step."""
        self._step, self._what = self._step + 1, what
        if not self._live:
            self._line(self._text())
        self.tick()

    def tick(self) -> None:
        """Show the elapsed time; does nothing without a terminal."""
        if self._live:
            self._stream.write(f"\r\x1b[2K{self._text()}")
            self._stream.flush()

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        how = "failed" if kind else "done"
        self._line(f"{chr(13) + chr(27) + '[2K' if self._live else ''}  {how} after {self._elapsed()} s")

    def _elapsed(self) -> int:
        return round(time.monotonic() - self._begun)

    def _text(self) -> str:
        return f"  {self._what} ({self._step} of {self._total}), {self._elapsed()} s"

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
