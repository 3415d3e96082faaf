"""What `status` tells of clients, as a table, JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import yaml

from citrix_oauth_operator.domain.durations import parse_rfc3339, words
from citrix_oauth_operator.domain.overview import Health, Row

from .terminal import printable

_HEAD = ("", "NAMESPACE", "NAME", "READY", "REASON", "EXPIRES IN", "NEXT IN", "SERVER")
_WIDE = ("SECRET", "SIGN-IN IN", "FAILED")


_MARKS = {Health.STALLED: "!!", Health.TROUBLED: "..", Health.OK: "ok"}


def as_json(found: Sequence[Row]) -> str:
    """Return a list of objects: namespace, name, health, ready, reason, authorizationServer, message, and of status."""
    return json.dumps([_document(row) for row in found], indent=2)


def as_yaml(found: Sequence[Row]) -> str:
    """Return the same as YAML."""
    text: str = yaml.safe_dump([_document(row) for row in found], sort_keys=False, allow_unicode=True)
    return text.rstrip()


def _document(row: Row) -> dict[str, Any]:
    about = {"namespace": row.namespace, "name": row.name, "health": str(row.health), "ready": row.ready}
    about |= {"reason": row.reason, "authorizationServer": row.server}
    return {**about, **({"message": row.message} if row.message else {}), **row.status}


def table(found: Sequence[Row], now: datetime, *, wide: bool = False) -> str:
    """Return the lines a person reads: a row a client, then what to do about the troubled ones."""
    if not found:
        return "no CitrixClient found"
    bodies = (tuple(map(printable, _cells(row, now, wide=wide))) for row in found)
    cells = [(*_HEAD, *_WIDE) if wide else _HEAD, *bodies]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    advice = [line for row in found for line in _advice(row)]
    return "\n".join([*lines, *([""] if advice else []), *advice])


def _cells(row: Row, now: datetime, *, wide: bool) -> tuple[str, ...]:
    narrow = (
        _MARKS[row.health],
        row.namespace,
        row.name,
        row.ready,
        row.reason,
        _left(row.status.get("expirationTime"), now),
        _left(row.status.get("nextRefreshTime"), now),
        row.server,
    )
    if not wide:
        return narrow
    sign_in = _left(row.status.get("grantExpirationTime"), now)
    return (*narrow, row.status.get("secretName", "-"), sign_in, str(row.status.get("failedAttempts", "-")))


def _left(moment: object, now: datetime) -> str:
    time = parse_rfc3339(moment)
    if time is None:
        return "-"
    return words(time - now) if time > now else "over"


def _advice(row: Row) -> list[str]:
    if not row.message:
        return []
    facts = _facts(row.status)
    lines = [f"{row.namespace}/{row.name}: {row.message}", *([f"    {facts}"] if facts else [])]
    return [printable(line) for line in lines]


def _facts(status: Mapping[str, Any]) -> str:
    """Return what support asks for: when, how often, and the server's own codes."""
    error = status.get("lastError") or {}
    facts = {
        "last failure": status.get("lastFailureTime"),
        "tries": status.get("failedAttempts"),
        "oauth error": error.get("oauthError"),
        "http status": error.get("httpStatus"),
        "server code": error.get("serverCode"),
        "transaction id": error.get("transactionId"),
    }
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value)
