"""What one token request ended in: four values, told apart by what they say about the refresh token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from .problem import Problem
from .reasons import Reason
from .secrecy import SecretText


@dataclass(frozen=True, slots=True)
class Granted:
    """The server answered 200 with tokens (RFC 6749 section 5.1).

    Attributes:
        access_token: None when the answer's access token cannot be used.
        lifetime: life of the access token, counted from when the request was sent.
        refresh_token: the new one; None when the server kept the old (RFC 6749 section 6).
        refresh_lifetime: what the server announced for the refresh token, if anything.
        scopes: what the server says it granted; None when it says nothing.
        flaw: what was wrong with a token of the answer; the other one is still good.
        id_token: as it came; nobody has checked it.
        successor_unusable: a new refresh token came that cannot be kept: the old one may be spent.
    """

    access_token: SecretText | None
    lifetime: timedelta
    refresh_token: SecretText | None = None
    refresh_lifetime: timedelta | None = None
    scopes: tuple[str, ...] | None = None
    flaw: Problem | None = None
    id_token: SecretText | None = None
    successor_unusable: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The server said no, definitely; unless the reason is about the grant, the refresh token is unspent."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not one byte of the request reached the wire: free to repeat."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Bytes were written and no answer says what became of them: the refresh token may be spent."""

    problem: Problem


#: The request was held back: another replica leads, or this one ends. Never shown; who meets it looks again.
WITHHELD = NotSent(Problem(Reason.PENDING, "the request was held back"))

Answer = Granted | Refused | NotSent | Uncertain
