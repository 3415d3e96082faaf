"""A burst, and then one in a while: what is rationed here is our own doing, never a server's budget."""

from __future__ import annotations

from dataclasses import dataclass

from .clock import Clock


@dataclass(slots=True)
class Allowance:
    """Counts by the virtual scheduling time of a rate (GCRA).

    Attributes:
        burst: how many at once; each_seconds: the time in which one more is earned.
    """

    clock: Clock
    burst: int
    each_seconds: float
    _full_at: float = 0.0  # boot time [s] when all of the burst is there again

    def rest(self) -> float:
        """Return the seconds until the next one is allowed."""
        return max(0.0, self._full_at - self.clock.boottime() - (self.burst - 1) * self.each_seconds)

    def book(self) -> None:
        """Count one."""
        self._full_at = max(self._full_at, self.clock.boottime()) + self.each_seconds

    def is_full(self) -> bool:
        """Whether nothing needs to be remembered."""
        return self._full_at <= self.clock.boottime()
