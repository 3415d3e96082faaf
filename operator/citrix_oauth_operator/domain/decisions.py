"""What one pass may do: at most one of these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .problem import Problem
from .sign_in import Login, SignInResult


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing: a person must change something. Looked at again after `recheck`, if that is set."""

    problem: Problem
    recheck: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Send nothing now: something that passes by itself is in the way.

    Attributes:
        tried: whether it counts as an attempt.
    """

    problem: Problem
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before `until`; None: nothing before something changes.

    Attributes:
        standing: whether the failure that status tells of is what is waited out.
    """

    until: datetime | None
    standing: bool = False


@dataclass(frozen=True, slots=True)
class AdoptSeed:
    """Start a new chain with the seed of the credentials Secret; nothing was sent with it before."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Send the stored refresh token; `doubt` when an earlier sending of it may have been answered."""

    doubt: bool = False


@dataclass(frozen=True, slots=True)
class RequestToken:
    """Ask for an access token with the client's own credentials, or the account's."""


@dataclass(frozen=True, slots=True)
class Redeem:
    """Send the code of a sign-in; nothing was sent with it before."""

    login: Login


@dataclass(frozen=True, slots=True)
class EndSignIn:
    """Delete the login Secret and say what came of it; then decide anew, without it."""

    login: Login
    result: SignInResult


Decision = Redeem | EndSignIn | Stall | Fail | Wait | AdoptSeed | Refresh | RequestToken
