"""The challenge of StoreFront's services: `WWW-Authenticate: CitrixAuth …` (CitrixAuth Authentication Scheme).

The documents' own samples are irregular: a space before a comma, no comma at all between two parameters, an unquoted
URL, folded lines, a space at the beginning of a value. All of these are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from citrix_oauth_operator.domain.storefront import Audience

SCHEME = "CitrixAuth"  # "The extension auth-scheme is CitrixAuth and is case-sensitive"
_LONGEST = 16 * 1024
_MOST_LOCATIONS = 16
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(
    rf"(?P<name>{_WORD})[ \t]*=[ \t]*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s,\"]*))"
    r"|(?P<word>[^\s,=\"]+)|[\s\S]"
)
_FOLD = re.compile(r"[\r\n\t ]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge, as far as it can be read.

    Attributes:
        realm: id of the service that wants a token.
        template: what the token request must echo; empty in current versions.
        reason: why a token is asked for, one of twelve words or anything else.
        locations: where the token can be asked for, best first.
        root: of the protection space; a hint for caches alone, never sent anywhere.
    """

    realm: str
    template: str = ""
    reason: str = ""
    locations: tuple[str, ...] = ()
    root: str = ""


def parse_challenge(header: str) -> Challenge | None:
    """Return the first usable CitrixAuth challenge of a `WWW-Authenticate` header; None when there is none."""
    return next(filter(None, map(_challenge, _parameters(header[:_LONGEST]))), None)


def _parameters(header: str) -> Iterator[dict[str, str]]:
    """Return the parameters of each CitrixAuth challenge; those of other schemes are passed over."""
    current: dict[str, str] = {}
    found: list[dict[str, str]] = []
    for part in _PART.finditer(_FOLD.sub(" ", header)):
        if word := part["word"]:
            current = {}
            if word == SCHEME:
                found.append(current)
        elif name := part["name"]:
            quoted = part["quoted"]
            value = part["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            current.setdefault(name.lower(), value.strip())
    yield from found


def _challenge(parameters: dict[str, str]) -> Challenge | None:
    realm = parameters.get("realm", "")
    if not realm or not all(map(_PRINTABLE.fullmatch, parameters.values())):
        return None
    locations = [url.strip() for url in parameters.get("locations", "").split("|")]
    return Challenge(
        realm=realm,
        template=parameters.get("reqtokentemplate", ""),
        reason=parameters.get("reason", ""),
        locations=tuple(filter(None, locations))[:_MOST_LOCATIONS],
        root=parameters.get("serviceroot-hint", ""),
    )


def audience_of(url: str, realm: str = "") -> Audience:
    """Return the protection space that a challenge to `url` opens: the audience of that request, and the realm."""
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return Audience(parts.scheme, (parts.hostname or "").lower(), parts.port or default, realm)
