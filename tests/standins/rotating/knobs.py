"""What may be changed while the server runs, and the faults it plays."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any, Literal

FaultKind = Literal[
    "drop before", "500 before", "429 before", "drop after", "500 after", "truncate after", "stall after", "reset after"
]
BEFORE: tuple[FaultKind, ...] = ("drop before", "500 before", "429 before")
AFTER: tuple[FaultKind, ...] = ("drop after", "500 after", "truncate after", "stall after", "reset after")


@dataclass(slots=True)
class Fault:
    """A fault for a share of all requests, `left` times at most; before or after the server has rotated."""

    kind: FaultKind
    share: float = 1.0
    left: int | None = None

    def hits(self) -> bool:
        """Draw whether the next request is hit."""
        if self.left == 0 or random.random() >= self.share:  # noqa: S311 - no secret
            return False
        self.left = None if self.left is None else self.left - 1
        return True


@dataclass(slots=True)
class Knobs:
    """How the server behaves.

    Attributes:
        latency: seconds from the request to the answer.
        commit_at: share of the latency that passes before the commit; 0 is the cruellest to a client that dies.
        abandons: a request whose client is gone before the commit is dropped; many servers commit all the same.
        life: of the next access tokens, in seconds.
        grace: see Families.
        dead: connections are reset as they come.
        held: requests wait until it is turned off.
        stall_seconds: how long a stalled answer takes to end in nothing.
    """

    latency: float = 0.05
    commit_at: float = 0.0
    abandons: bool = False
    life: int = 3600
    grace: float = 0.0
    dead: bool = False
    held: bool = False
    stall_seconds: float = 3600.0
    faults: list[Fault] = field(default_factory=list)

    def changed(self, changes: dict[str, Any]) -> Knobs:
        """Return the knobs after a change; raises TypeError for a name that no knob has."""
        if "faults" in changes:
            changes = {**changes, "faults": [Fault(**fault) for fault in changes["faults"]]}
        return replace(self, **changes)

    def take(self, kinds: tuple[FaultKind, ...]) -> FaultKind | None:
        """Return the fault that hits a request now, if any of these kinds does."""
        return next((fault.kind for fault in self.faults if fault.kind in kinds and fault.hits()), None)
