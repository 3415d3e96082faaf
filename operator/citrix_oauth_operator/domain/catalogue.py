"""What kinds of servers say when they give no tokens: tables, one a kind, and how a row is found.

A code of the server's own names the reason and the remedy that a person reads. Whether the refresh token is spent is
for the OAuth code and the status to say; makers change their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .reasons import Reason

#: Numbers that servers write in front of their texts; no token fits behind the letters.
_OWN_CODE = re.compile(r"\b(?:AADSTS[0-9]{4,9}|MSIS[0-9]{4,6})\b")
_ENTRA, _LARGEST = "AADSTS", 10**9
_READ = 1024  # characters of a text: the code stands first
_MOST = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an answer, before the facts of that answer are added."""

    reason: Reason
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One kind of server.

    Attributes:
        remedies: by OAuth error code, where there is a better one than the general text.
        errors: OAuth error codes of this kind beyond RFC 6749 that refuse a grant without spending it.
        codes: by the server's own code (AADSTS50076).
        suberrors: by the member `suberror`, where the code is not known.
    """

    remedies: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, Finding] = field(default_factory=dict)
    codes: Mapping[str, Finding] = field(default_factory=dict)
    suberrors: Mapping[str, Finding] = field(default_factory=dict)

    def find(self, members: Mapping[str, object]) -> Finding | None:
        """Return the row of an answer: by the first of its codes that is known, else by its suberror."""
        known = (self.codes[code] for code in own_codes(members) if code in self.codes)
        suberror = members.get("suberror")
        return next(known, None) or (self.suberrors.get(suberror) if isinstance(suberror, str) else None)

    def told(self, members: Mapping[str, object]) -> str | None:
        """Return the code that a person looks up: the one that the row was found by, else the first."""
        codes = list(own_codes(members))
        return next((code for code in codes if code in self.codes), next(iter(codes), None))


def own_codes(members: Mapping[str, object]) -> Iterator[str]:
    """Read the server's own codes: Entra's member `error_codes`, and what stands in the text."""
    numbers = members.get("error_codes")
    for number in numbers[:_MOST] if isinstance(numbers, list) else ():
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < _LARGEST:
            yield f"{_ENTRA}{number}"
    text = members.get("error_description")
    if isinstance(text, str):
        yield from _OWN_CODE.findall(text[:_READ])[:_MOST]


NOTHING_KNOWN = Catalogue()


def rows(prefix: str, numbers: tuple[int, ...], finding: Finding) -> dict[str, Finding]:
    """Return one line of a table that stands for several numbers."""
    return {f"{prefix}{number}": finding for number in numbers}
