"""JSON objects from strangers: nothing in a body raises past here, and no odd corner costs the members beside it.

Decisions, where RFC 8259 leaves the reader alone:
- UTF-8 only; a byte order mark is skipped (section 8.1).
- Of a repeated name the last one counts, as in nearly every parser, so also in the ones the server was tested with;
  the name is remembered, so that a caller can refuse to trust it.
- NaN and infinities are no JSON: read as null. Whole numbers beyond 18 digits become an infinity.
- Nesting too deep for the parser: everything below the first level is read as null, the first level survives.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from citrix_oauth_operator.domain.secrecy import StaysHere

_DIGITS = 18
# Strings first, so that a bracket in one is not counted; possessive and with an optional end, so that it stays linear.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Document(StaysHere):
    """A JSON object.

    Attributes:
        repeated: names that stood there more than once.
    """

    members: Mapping[str, object] = field(repr=False)
    repeated: frozenset[str] = frozenset()


def parse_object(body: bytes) -> Document | None:
    """Read a JSON object; None for everything else, whatever the bytes."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    try:
        return _parse(text)
    except RecursionError:
        return _parse_shallow(text)
    except ValueError:
        return None


def _parse_shallow(text: str) -> Document | None:
    try:
        return _parse(_first_level(text))
    except (ValueError, RecursionError):
        return None


def _parse(text: str) -> Document | None:
    repeated: frozenset[str] = frozenset()

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal repeated  # the outermost object is closed last, so its names are what remains
        members = dict(pairs)
        counts = Counter(name for name, _ in pairs) if len(pairs) > len(members) else {}
        repeated = frozenset(name for name, count in counts.items() if count > 1)
        return members

    members = json.loads(text, object_pairs_hook=collect, parse_int=_whole, parse_constant=lambda _: None)
    return Document(members, repeated) if isinstance(members, dict) else None


def _whole(digits: str) -> int | float:
    if len(digits.lstrip("-")) <= _DIGITS:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf


def _first_level(text: str) -> str:
    """Put null in the place of every array and object inside the outermost one."""
    kept: list[str] = []
    depth, start = 0, 0
    for match in _TOKEN.finditer(text):
        if match[0] in {"{", "["}:
            depth += 1
            if depth == 2:  # noqa: PLR2004
                kept.append(text[start : match.start()])
        elif match[0] in {"}", "]"}:
            if depth == 2:  # noqa: PLR2004
                kept.append("null")
                start = match.end()
            depth -= 1
    return "".join([*kept, text[start:]])
