"""What a terminal may be sent: names and messages in a cluster are written by others."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return one line without control characters: no colours, no forged lines, no reversed writing."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
