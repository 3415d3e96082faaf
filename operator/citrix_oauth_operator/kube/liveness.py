"""What the stores ask about processes."""

from __future__ import annotations

from typing import Protocol

from citrix_oauth_operator.domain.model import Holder, Liveness


class LivenessOf(Protocol):
    """Says whether the process that wrote an intent may be alive."""

    def liveness(self, holder: Holder) -> Liveness:
        """Say what is known about a holder."""
        ...
