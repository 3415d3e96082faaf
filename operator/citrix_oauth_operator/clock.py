"""Time, as an edge: wall clock for what is stored, boot time for what is waited for."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks that tests move by hand."""

    def now(self) -> datetime:
        """Return the wall clock, UTC; it may jump."""
        ...

    def boottime(self) -> float:
        """Return seconds that never jump and go on while the machine is suspended."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall clock, UTC."""
        return datetime.now(UTC)

    def boottime(self) -> float:
        """Return seconds since boot, suspension included where the system can tell."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
