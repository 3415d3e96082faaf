"""What a person at the terminal can put right."""

from __future__ import annotations


class Mistake(Exception):
    """One sentence that says what is wrong and what to type instead."""
