"""One client, as the queue knows it."""

from __future__ import annotations

from dataclasses import dataclass

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Marks
from citrix_oauth_operator.domain.sight import NOTHING_SHOWN, Shown

NEVER = float("inf")


@dataclass(slots=True)
class Actor:
    """One client in the queue."""

    ref: ClientRef
    server: str
    version: tuple[int, str | None]
    expires: float = 0.0
    due: float = NEVER
    running: bool = False
    waiting: bool = False  # in `ReadyClients` or parked
    woken: bool = False
    failures: int = 0
    looked: float = 0.0  # boot time of the last pass's end
    marks: Marks | None = None  # of the last pass; tokens are not kept
    shown: Shown = NOTHING_SHOWN

    @property
    def first(self) -> bool:
        """Whether this client has no token and was not looked at yet."""
        return not self.expires and not self.looked
