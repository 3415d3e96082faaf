"""What the proxy before the API server does to requests."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

Action = Literal["delay", "drop answer", "status", "reset", "black hole"]


@dataclass(slots=True)
class Rule:
    """One fault for the requests it matches; the first rule that hits wins.

    Attributes:
        action: `delay` waits `value` seconds; `status` answers `value` without asking the API server; `reset` cuts the
            connection before asking; `drop answer` lets the API server act and cuts the connection then; `black hole`
            keeps the request, and every open watch, in silence for as long as the rule stands.
        verb, path: regular expressions, matched from the beginning; "" matches all.
        replica: of this one only; "" for all.
        share: of the requests that match.
        left: how often it still hits; None: no end.
    """

    action: Action
    value: float = 0.0
    verb: str = ""
    path: str = ""
    replica: str = ""
    share: float = 1.0
    left: int | None = None

    def concerns(self, replica: str, verb: str, path: str) -> bool:
        """Whether the rule is about such a request."""
        mine = not self.replica or self.replica == replica
        return mine and bool(re.match(self.verb, verb)) and bool(re.match(self.path, path))

    def hits(self, replica: str, verb: str, path: str) -> bool:
        """Draw whether this request is hit."""
        if self.left == 0 or not self.concerns(replica, verb, path) or random.random() >= self.share:  # noqa: S311
            return False
        self.left = None if self.left is None else self.left - 1
        return True
