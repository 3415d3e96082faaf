"""`citrix-oauth status`: every client at a glance, the troubled ones first."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from citrix_oauth_operator.domain.durations import parse_rfc3339, words
from citrix_oauth_operator.domain.errors import NotFound

from .mistake import Mistake

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_HEAD = ("", "NAMESPACE", "NAME", "READY", "REASON", "EXPIRES IN", "NEXT IN", "SERVER")


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser("status", help="show all clients, the troubled ones first, with what to do")
    parser.add_argument("-n", "--namespace", help="only this namespace")
    parser.set_defaults(main=main)


def main(options: argparse.Namespace) -> int:
    """Print the table; exit status 1 when a client needs a person."""
    clients = asyncio.run(_read(options.namespace))
    lines, troubled = render(clients, datetime.now(UTC))
    print("\n".join(lines))  # noqa: T201 - what a person asked for
    return 1 if troubled else 0


async def _read(namespace: str | None) -> list[dict[str, Any]]:
    from citrix_oauth_operator.kube.api import GROUP_PATH, Api, load_configuration  # noqa: PLC0415 - slow to import

    path = f"{GROUP_PATH}/namespaces/{namespace}/citrixclients" if namespace else f"{GROUP_PATH}/citrixclients"
    async with Api(load_configuration()) as api:
        try:
            return await api.list(path)
        except NotFound:
            raise Mistake("the cluster does not know CitrixClients; apply the CRDs (crds/)") from None


def render(clients: list[dict[str, Any]], now: datetime) -> tuple[list[str], bool]:
    """Return the lines a person reads, and whether somebody must act."""
    rows = sorted((_row(client, now) for client in clients), key=lambda row: (row[0] == "ok", row))
    table = [_HEAD, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    advice = [line for client in clients for line in _advice(client)]
    if not clients:
        return ["no CitrixClient found"], False
    return [*lines, *([""] if advice else []), *advice], any(row[0] == "!!" for row in rows)


def _row(client: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    metadata, status = client["metadata"], client.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    ready = conditions.get("Ready", {"status": "Unknown", "reason": "Pending"})
    worst = conditions.get("Stalled") or conditions.get("RefreshFailed") or ready
    mark = "!!" if "Stalled" in conditions else "ok" if worst is ready and ready["status"] == "True" else ".."
    return (
        mark,
        metadata["namespace"],
        metadata["name"],
        ready["status"],
        worst["reason"],
        _left(status.get("expirationTime"), now),
        _left(status.get("nextRefreshTime"), now),
        ((client["spec"].get("authorizationServerRef") or {}).get("name")) or "-",
    )


def _left(moment: object, now: datetime) -> str:
    time = parse_rfc3339(moment)
    if time is None:
        return "-"
    return words(time - now) if time > now else "over"


def _advice(client: Mapping[str, Any]) -> list[str]:
    conditions = {c["type"]: c for c in (client.get("status") or {}).get("conditions") or ()}
    worst = conditions.get("Stalled") or conditions.get("RefreshFailed")
    if worst is None:
        return []
    metadata = client["metadata"]
    facts = _facts(client["status"])
    return [f"{metadata['namespace']}/{metadata['name']}: {worst['message']}", *([f"    {facts}"] if facts else [])]


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
