"""Clients as a person looks them over: one value a client, the troubled ones first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .reasons import ConditionType
from .spec import DEFAULT_SERVER


class Health(StrEnum):
    """What a person has to do about a client: act, wait and see, nothing."""

    STALLED = "stalled"
    TROUBLED = "troubled"
    OK = "ok"


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
    return sorted(map(row_of, clients), key=lambda row: (order.index(row.health), row.namespace, row.name))


def row_of(client: Mapping[str, Any]) -> Row:
    """Read one client, as the API server has it."""
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
        ((client.get("spec") or {}).get("authorizationServerRef") or {}).get("name") or DEFAULT_SERVER,
        "" if well else worst["message"],
        {name: status[name] for name in (*_REPEATED, *_OF_FAILURES) if status.get(name)},
    )
