"""A string that cannot be printed, logged, formatted or pickled by accident."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

MASK = "<secret>"


class StaysHere:
    """A value that is never pickled or copied deeply: it holds a token, perhaps as bytes that nobody has read."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is never pickled or copied out of the process")


class SecretText(StaysHere):
    """A token, client secret or password.

    Every way in which a value usually reaches a log, an exception text, an Event or a core file shows `MASK`.
    The only way to the value is `reveal()`, which is easy to find in a review.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value: only where it is put on the wire or into a Secret."""
        return self._value

    def fingerprint(self, digits: int = 8) -> str:
        """Return the first `digits` hex digits of the SHA-256: enough to compare, useless to spend."""
        return hashlib.sha256(self._value.encode()).hexdigest()[:digits]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((SecretText, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK
