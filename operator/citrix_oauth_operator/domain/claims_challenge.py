"""What a server wants of the next sign-in: a claims request (OpenID Connect Core section 5.5), read narrowly.

Entra ID sends one where a policy wants more than the last sign-in showed ("Claims challenges and claims requests").
It is shown in status and goes into a browser's address, so only what such requests are made of is taken.
"""

from __future__ import annotations

import json
import re

LONGEST = 1024  # characters
_TOP = frozenset({"access_token", "id_token", "userinfo"})
_DEEPEST, _MOST = 4, 16  # of objects in objects; of members or values in one
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_TEXT = re.compile(r"[A-Za-z0-9_.:/+@-]{1,128}")
_LARGEST = 10**12


def claims_challenge(text: object) -> str | None:
    """Return the request as compact JSON; None for what is none, or holds anything that none needs."""
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found or not found.keys() <= _TOP or not _plain(found, _DEEPEST):
        return None
    compact = json.dumps(found, separators=(",", ":"))
    return compact if len(compact) <= LONGEST else None


def _plain(value: object, deeper: int) -> bool:
    match value:
        case None | bool():
            return True
        case int():
            return abs(value) < _LARGEST
        case str():
            return bool(_TEXT.fullmatch(value))
        case dict() | list():
            names = value if isinstance(value, dict) else ()
            inner = list(value.values()) if isinstance(value, dict) else value
            named = all(_NAME.fullmatch(name) for name in names)
            return named and deeper > 0 and len(inner) <= _MOST and all(_plain(one, deeper - 1) for one in inner)
        case _:
            return False
