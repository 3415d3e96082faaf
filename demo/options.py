"""What the environment says about a run of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SHORTEST_LIFE = 10  # seconds; below, there is no moment between two refreshes that is safe for a kill
_FIRST_KILL = 25.0  # seconds into a demo without an end


@dataclass(frozen=True, slots=True)
class Options:
    """How long it runs (None: until interrupted) and how long the server lets an access token live, in seconds."""

    seconds: float | None = None
    token_life: int = 20

    @property
    def kill_after(self) -> float:
        """When the operator is killed: at a third of the time."""
        return self.seconds / 3 if self.seconds else _FIRST_KILL


def options_of(environ: Mapping[str, str]) -> Options:
    """Read DEMO_SECONDS and DEMO_TOKEN_LIFE.

    Raises:
        ValueError: one of them is not a number that makes sense; the message says which and what would.
    """
    seconds = _number(environ, "DEMO_SECONDS", least=1)
    life = _number(environ, "DEMO_TOKEN_LIFE", least=SHORTEST_LIFE)
    return Options(seconds, int(life or 20))


def _number(environ: Mapping[str, str], name: str, least: int) -> float | None:
    text = environ.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not least <= number < float("inf"):
        raise ValueError(f"{name} must be a number of seconds, {least} at least, not {text!r}")
    return number
