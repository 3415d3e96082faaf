"""What one pass came to: the only thing that status, Events, metrics and the queue learn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .kinds import LifetimeModel
from .model import Grant, Token
from .observed import Client
from .problem import Problem
from .sign_in import SignInResult
from .storefront import PasswordEnding

CREDENTIALS_NOTICE = timedelta(days=14)  # an administrator has to make another one, and somebody to bring it
LONGEST_NOTICE = timedelta(hours=2)  # before the end of a grant


@dataclass(frozen=True, slots=True)
class Marks:
    """What is remembered of a pass: versions of Secrets, as a poll compares them, and whether there was trouble."""

    secret_name: str = ""
    secret_version: str = ""
    credentials_name: str = ""
    credentials_version: str = ""
    troubled: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a pass.

    Attributes:
        secret_name: name of the token Secret.
        token: the access token that the token Secret holds now; None when it holds none of ours.
        current: whether that token was made from the current inputs.
        grant: the grant as it is stored now.
        problem: why no newer token was obtained, if there is a reason a person should know.
        publish_problem: why the token Secret does not hold what it should.
        standing: nothing new: the failure that status tells of is being waited out.
        attempted: whether a try ended in this pass, well or badly.
        next_refresh: when the next request is due; None: when a person changes something.
        look_again: when the client is to be looked at, for any reason.
        at: when the pass ended; it may be told later. None: now.
        sign_in: what came of a sign-in in this pass.
        credentials_end: when the client's secret or certificate ends, as far as somebody said so.
        password_endings: what a logon of this pass announced.
        grant_end: when a person must sign in again, as far as known, and how sure that is.
    """

    client: Client
    operator_namespace: str
    secret_name: str
    token: Token | None = None
    current: bool = False
    grant: Grant | None = None
    problem: Problem | None = None
    publish_problem: Problem | None = None
    standing: bool = False
    attempted: bool = False
    suspended: bool = False
    next_refresh: datetime | None = None
    look_again: datetime | None = None
    grant_end: tuple[datetime, str] | None = None
    sign_in: SignInResult | None = None
    credentials_end: datetime | None = None
    marks: Marks = Marks()
    at: datetime | None = None
    password_endings: tuple[PasswordEnding, ...] = ()

    @property
    def ending_from(self) -> datetime | None:
        """When a person is to be told that the grant ends: in good time, however short it lives."""
        if self.grant_end is None or self.grant is None:
            return None
        end, model = self.grant_end
        moves = model == LifetimeModel.SLIDING or (
            model == LifetimeModel.UNKNOWN and self.grant.refresh_expires_at is not None
        )
        begin = self.grant.received_at if moves else self.grant.started_at
        return end - min(LONGEST_NOTICE, (end - begin) / 4)

    def grant_is_ending(self, now: datetime) -> bool:
        """Whether it is time to sign in again."""
        begin = self.ending_from
        return begin is not None and now >= begin

    def credentials_are_ending(self, now: datetime) -> bool:
        """Whether it is time to put another credential into the Secret."""
        return self.credentials_end is not None and now >= self.credentials_end - CREDENTIALS_NOTICE

    @property
    def worst(self) -> Problem | None:
        """The problem that status shows: the grant's first, for it needs a person most."""
        return self.problem or self.publish_problem
