"""What `status` tells of clients: one value a client, shown as a table, JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import yaml

from citrix_oauth_operator.domain.durations import parse_rfc3339, words
from citrix_oauth_operator.domain.reasons import ConditionType
from citrix_oauth_operator.domain.spec import DEFAULT_SERVER

_HEAD = ("", "NAMESPACE", "NAME", "READY", "REASON", "EXPIRES IN", "NEXT IN", "SERVER")
_WIDE = ("SECRET", "SIGN-IN IN", "FAILED")


class Health(StrEnum):
    """What a person has to do about a client: act, wait and see, nothing."""

    STALLED = "stalled"
    TROUBLED = "troubled"
    OK = "ok"


_MARKS = {Health.STALLED: "!!", Health.TROUBLED: "..", Health.OK: "ok"}


#: What a row repeats of a client's status, under the names it has there.
_REPEATED = ("secretName", "expirationTime", "nextRefreshTime", "grantExpirationTime")
_OF_FAILURES = ("failedAttempts", "lastFailureTime", "lastError")


@dataclass(frozen=True, slots=True)
class Row:
    """One client.

    Attributes:
        reason, message: of the condition that is worst; no message where all is well.
        status: some fields of its status, as they are there.
    """

    namespace: str
    name: str
    health: Health
    ready: str
    reason: str
    server: str
    message: str
    status: Mapping[str, Any]


def rows(clients: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Read clients, the troubled ones first."""
    order = list(Health)
    return sorted(map(_row, clients), key=lambda row: (order.index(row.health), row.namespace, row.name))


def _row(client: Mapping[str, Any]) -> Row:
    metadata, status = client["metadata"], client.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    ready = conditions.get(ConditionType.READY, {"status": "Unknown", "reason": "Pending", "message": ""})
    stalled = conditions.get(ConditionType.STALLED)
    worst = stalled or conditions.get(ConditionType.REFRESH_FAILED) or ready
    well = worst is ready and ready["status"] == "True"
    return Row(
        metadata["namespace"],
        metadata["name"],
        Health.STALLED if stalled else Health.OK if well else Health.TROUBLED,
        ready["status"],
        worst["reason"],
        (client["spec"].get("authorizationServerRef") or {}).get("name") or DEFAULT_SERVER,
        "" if well else worst["message"],
        {name: status[name] for name in (*_REPEATED, *_OF_FAILURES) if status.get(name)},
    )


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
    cells = [(*_HEAD, *_WIDE) if wide else _HEAD, *(_cells(row, now, wide=wide) for row in found)]
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
    return [f"{row.namespace}/{row.name}: {row.message}", *([f"    {facts}"] if facts else [])]


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
