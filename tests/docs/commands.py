"""The commands that pages tell people to type: statements of `sh` blocks, and `$ ` lines of `console` blocks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

# What stands under the name of a file is that file, which has tests of its own.
_BLOCK = re.compile(r"(?<! -->\n)^```(sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[str]:
    """Yield the statements of a page, whole ones, in their order."""
    for language, block in _BLOCK.findall(page.read_text()):
        lines = block.splitlines()
        typed = [line[2:] for line in lines if line.startswith("$ ")] if language == "console" else lines
        yield from _statements(typed)


def _statements(lines: Iterable[str]) -> Iterator[str]:
    """A statement ends where the shell understands what it has read so far."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        text = "\n".join(waiting)
        if not line.endswith("\\") and _is_whole(text):
            waiting = []
            if text.strip() and not text.startswith("#"):
                yield text
    if waiting:
        raise ValueError("no shell understands: " + "\n".join(waiting))


def _is_whole(text: str) -> bool:
    read = subprocess.run(["bash", "-n", "-c", text], stderr=subprocess.DEVNULL, check=False)
    return read.returncode == 0
