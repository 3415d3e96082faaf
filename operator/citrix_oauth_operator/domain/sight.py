"""WATCH, the pure half: what one watch event says about when to look at a client."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .durations import parse_rfc3339
from .observed import PastStatus
from .reasons import ConditionType
from .spec import DEFAULT_SERVER

REQUESTED_AT = "citrix-oauth.dev/requested-at"
_ECHO_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client's status says, as metrics repeat it.

    Attributes:
        token_end, grant_end, credentials_end: epoch seconds; None: not known.
        token_start: when the published token was asked for, epoch seconds; None where its end is not known either.
        conditions: type and reason of those that are True.
    """

    token_end: float | None = None
    token_start: float | None = None
    grant_end: float | None = None
    credentials_end: float | None = None
    conditions: tuple[tuple[str, str], ...] = ()


NOTHING_SHOWN = Shown()


@dataclass(frozen=True, slots=True)
class Sight:
    """One client as a watch event shows it.

    Attributes:
        version: changes when a person changed something; our own status writes leave it as it is.
        server: name of the authorization server.
        due: when a client that was served before is to be looked at; None: now.
        expires: end of the published token; None: never served.
    """

    version: tuple[int, str | None]
    server: str
    due: datetime | None
    expires: datetime | None
    shown: Shown = NOTHING_SHOWN


def requested_at(metadata: Mapping[str, Any]) -> str | None:
    """Return what the annotation asks for, cut to what status can echo: a longer one is answered once, too."""
    asked = (metadata.get("annotations") or {}).get(REQUESTED_AT)
    return asked[:_ECHO_LENGTH] if isinstance(asked, str) else None


def sight_of(body: Mapping[str, Any], now: datetime) -> Sight:
    """Read a watch event; trusts the schedule in `status` only for a client that is well and unchanged."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    requested = requested_at(metadata)
    past = PastStatus.parse(status)
    expires = parse_rfc3339(status.get("expirationTime"))
    well = (
        past.observed_generation == metadata.get("generation")
        and past.has(ConditionType.READY)
        and not past.has(ConditionType.STALLED)
        and (requested is None or requested == past.last_handled)
        and past.next_refresh is not None
        and past.next_refresh > now
    )
    return Sight(
        version=(metadata.get("generation", 0), requested),
        server=(spec.get("authorizationServerRef") or {}).get("name") or DEFAULT_SERVER,
        due=past.next_refresh if well else None,
        expires=expires,
        shown=_shown(past, expires),
    )


def _shown(past: PastStatus, expires: datetime | None) -> Shown:
    end = parse_rfc3339(past.raw.get("grantExpirationTime"))
    credentials = parse_rfc3339(past.raw.get("credentialsExpirationTime"))
    true = (condition for condition in past.conditions if condition.get("status") == "True")
    return Shown(
        token_end=expires.timestamp() if expires else None,
        token_start=past.last_refresh.timestamp() if expires and past.last_refresh else None,
        grant_end=end.timestamp() if end else None,
        credentials_end=credentials.timestamp() if credentials else None,
        conditions=tuple((sys.intern(str(c.get("type"))), sys.intern(str(c.get("reason")))) for c in true),
    )
