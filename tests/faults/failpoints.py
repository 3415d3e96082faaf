"""Where a process of the campaign kills itself: the seven places of one refresh, and the file that arms one of them.

F1 before the intent, F2 intent stored, F3 request bytes written, F4 body read, F5 spilled, F6 committed, F7 published.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.control_plane.children import json_lines

POINTS = ("F1", "F2", "F3", "F4", "F5", "F6", "F7")

#: Fingerprint of the refresh token that the running request carries; "" outside of one.
presented: ContextVar[str] = ContextVar("presented", default="")


@dataclass(frozen=True, slots=True)
class Armed:
    """A failpoint with the number of passages it lets go."""

    point: str
    after: int = 0


class Failpoints:
    """Files in a folder: `armed` says where to die, `fired` that it happened, `spilled` when answers were safe."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._fired, self._spilled = folder / "armed", folder / "fired", folder / "spilled.jsonl"

    def arm(self, point: str, after: int = 0) -> None:
        """Make the next process that passes `point` for the time number `after` (from 0) die there."""
        self.forget()
        _write(self._armed, {"point": point, "after": after})

    def disarm(self) -> None:
        """Let everybody live."""
        self._armed.unlink(missing_ok=True)

    def forget(self) -> None:
        """Forget an earlier death."""
        self._fired.unlink(missing_ok=True)

    def fired(self) -> dict[str, Any] | None:
        """Return where and when a process died: `point`, `time` (monotonic), `token` (fingerprint), `attempt`."""
        return json.loads(self._fired.read_text()) if self._fired.exists() else None

    def spilled(self) -> dict[str, float]:
        """Return when the answer to each attempt lay in the spill folder."""
        return {each["attempt"]: each["time"] for each in json_lines(self._spilled)}

    def pass_by(self, point: str, token: str = "", attempt: str = "") -> None:
        """Die here if this is the place."""
        try:
            armed = json.loads(self._armed.read_text())
        except (OSError, ValueError):
            return
        if armed["point"] != point:
            return
        if armed["after"] > 0:
            _write(self._armed, {**armed, "after": armed["after"] - 1})
            return
        self._armed.unlink(missing_ok=True)
        _write(
            self._fired,
            {"point": point, "time": time.monotonic(), "token": token or presented.get(), "attempt": attempt},
        )
        os.kill(os.getpid(), signal.SIGKILL)

    def note_spilled(self, attempt: str) -> None:
        """Write down that the answer to an attempt is safe."""
        line = json.dumps({"attempt": attempt, "time": time.monotonic()}) + "\n"
        with self._spilled.open("a") as log:
            log.write(line)


def _write(path: Path, state: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.rename(path)
