"""Durations and times as the API writes them: `1h30m`, RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_YEARS = range(1971, 9000)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(text: str) -> timedelta:
    """Parse `24h`, `1h30m`, `60s`.

    Raises:
        ValueError: not of that form, or empty.
    """
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise ValueError("not a duration like 24h, 30m or 60s")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def rfc3339(moment: datetime) -> str:
    """Format a time as Kubernetes does: UTC, whole seconds, never rounded up."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def rfc3339_micro(moment: datetime) -> str:
    """Format a time as `metav1.MicroTime`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_rfc3339(text: object) -> datetime | None:
    """Parse an RFC 3339 time into UTC; None when it is absent, not one, or so far off that reckoning could fail."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo and moment.year in _YEARS else None


def words(span: timedelta) -> str:
    """Say a duration to a person: `25m`, `1h`, `40s`."""
    seconds = max(0, int(span.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n]
    return "".join(parts[:2]) or "0s"
