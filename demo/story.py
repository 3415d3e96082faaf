"""What happened, in order: shown as a list in the live view, printed line by line elsewhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_KEPT = 200


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: when (seconds since the epoch), who did it, and what."""

    at: float
    who: str  # operator | event | secret | kubelet | consumer | server | demo
    what: str
    mood: str = ""  # "", warn, bad


class Story:
    """Collects happenings from all threads."""

    def __init__(self, listener: Callable[[Happening], None] = lambda _: None) -> None:
        self.listener = listener
        self.troubles: list[str] = []
        self._happenings: deque[Happening] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def tell(self, who: str, what: str, mood: str = "") -> None:
        """Note that something happened."""
        happening = Happening(time.time(), who, what, mood)
        with self._lock:
            self._happenings.append(happening)
            self.listener(happening)

    def trouble(self, who: str, what: str) -> None:
        """Note something that must not happen: it fails the demo. Said once, however often it happens."""
        if what not in self.troubles:
            self.troubles.append(what)
            self.tell(who, what, "bad")

    def last(self, number: int) -> list[Happening]:
        """Return the newest happenings, oldest first."""
        with self._lock:
            return list(self._happenings)[-number:] if number > 0 else []
