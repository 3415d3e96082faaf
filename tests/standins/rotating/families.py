"""Refresh tokens and their families, without I/O: what a rotating server decides about each one it is shown."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Literal

CLIENT_SECRET = "bench-client-secret"

Outcome = Literal["rotated", "repeated", "replay", "revoked", "unknown"]


def seed_of(client_id: str, number: int = 0) -> str:
    """Return a client's first refresh token; each `number` is a sign-in of its own."""
    return f"CANARY-seed-{client_id}-{number}"


def fingerprint(token: str) -> str:
    """Return what a log may hold of a token: 16 hex digits of its SHA-256; the operator's intents hold the first 8."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Token:
    """One refresh token; `successor` is set with its first use."""

    family: str
    spent_at: float | None = None
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a refresh token that was shown: `token` is its successor, if one was given out."""

    outcome: Outcome
    family: str = ""
    token: str = ""


@dataclass(slots=True)
class Families:
    """All refresh tokens ever given out.

    Attributes:
        grace: seconds from its first use in which a spent token gets the same successor again, unless that is spent.
    """

    grace: float = 0.0
    _tokens: dict[str, Token] = field(default_factory=dict)
    _live: dict[str, str] = field(default_factory=dict)
    _revoked: set[str] = field(default_factory=set)

    def spend(self, client_id: str, shown: str, now: float) -> Decision:
        """Take a refresh token; one that was spent before costs its family."""
        token = self._tokens.get(shown) or self._sign_in(client_id, shown)
        if token is None:
            return Decision("unknown")
        if token.family in self._revoked:
            return Decision("revoked", token.family)
        if token.spent_at is None:
            return self._rotate(token, now)
        unused = self._tokens[token.successor].spent_at is None
        if unused and now - token.spent_at < self.grace:
            return Decision("repeated", token.family, token.successor)
        self._revoked.add(token.family)
        return Decision("replay", token.family)

    def live(self) -> dict[str, str]:
        """Return the fingerprint of the one token each family lives by; a revoked family has none."""
        return {family: fingerprint(token) for family, token in self._live.items() if family not in self._revoked}

    def _sign_in(self, client_id: str, shown: str) -> Token | None:
        if not shown.startswith(f"CANARY-seed-{client_id}-"):
            return None
        family = fingerprint(shown)
        self._tokens[shown], self._live[family] = Token(family), shown
        return self._tokens[shown]

    def _rotate(self, token: Token, now: float) -> Decision:
        successor = f"CANARY-{secrets.token_urlsafe(48)}"
        token.spent_at, token.successor = now, successor
        self._tokens[successor] = Token(token.family)
        self._live[token.family] = successor
        return Decision("rotated", token.family, successor)
