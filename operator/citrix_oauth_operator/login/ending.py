"""How a sign-in can end, for the person who waits for it."""

from __future__ import annotations

from enum import IntEnum

from citrix_oauth_operator.domain.problem import Problem, as_sentence


class Ending(IntEnum):
    """Exit statuses of `citrix-oauth login` (docs/sign-in.md)."""

    SIGNED_IN = 0
    REFUSED = 1  # by the operator, or by what the client and its server are like
    USAGE = 2  # wrong words, no such client, no cluster
    DECLINED = 3  # by the authorization server, or by the person at it
    PORT_TAKEN = 4
    NO_RIGHTS = 5
    NOBODY_CAME = 6
    NO_OPERATOR = 7
    INTERRUPTED = 130  # as a shell says it of Ctrl-C


class SignInEnded(Exception):
    """It came to nothing; message and remedy are words of ours."""

    def __init__(self, ending: Ending, message: str, remedy: str = "") -> None:
        self.ending, self.message, self.remedy = ending, as_sentence(message), as_sentence(remedy)
        super().__init__(f"{self.message} {self.remedy}".rstrip())

    @classmethod
    def by(cls, problem: Problem) -> SignInEnded:
        """Return the end that a problem of the client is, in the operator's words."""
        return cls(Ending.REFUSED, f"{problem.reason}: {as_sentence(problem.message)}", problem.advice)
