"""Failures of the API server, told apart by what happens next; their texts are fixed."""

from __future__ import annotations


class ApiError(Exception):
    """The API server did not do what was asked.

    ApiError           any answer with an error status
    ├── Conflict       409: the object changed or exists; read again
    │   └── Withheld   nothing was asked: this process may not begin a token request now
    ├── NotFound       404
    └── Unreachable    no complete answer: a write may have been applied
    """

    def __init__(self, status: int | None = None) -> None:
        super().__init__(f"API server answered {status}" if status else "no answer from the API server")
        self.status = status


class Conflict(ApiError):
    """The precondition failed, or an object of that name exists."""


class Withheld(Conflict):
    """This process may not begin a request now: another one leads, or this one ends. Look again when it may."""


class NotFound(ApiError):
    """There is no such object, or no such namespace."""


class Unreachable(ApiError):
    """The outcome is unknown; settle it by reading."""
