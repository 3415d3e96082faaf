"""A client as its page tells of it: what it is for, how it is, when a person is needed again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from citrix_oauth_operator.domain.durations import parse_rfc3339
from citrix_oauth_operator.domain.overview import Health, row_of
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.login.outcome import SURE, until

DESCRIPTION = "kubernetes.io/description"  # https://kubernetes.io/docs/reference/labels-annotations-taints/
_LONGEST = 400


class State(StrEnum):
    """How a client is; the value is what a person reads."""

    NEEDED = "Sign-in needed"
    ENDING = "Ends soon"
    STALLED = "Needs attention"
    TROUBLED = "In trouble"
    NEW = "New"
    WELL = "Well"


@dataclass(frozen=True, slots=True)
class Card:
    """One client.

    Attributes:
        about: what it is for, in its owner's words.
        facts: a term and its text each.
        message: what is wrong, and what helps.
    """

    namespace: str
    name: str
    about: str
    state: State
    facts: tuple[tuple[str, str], ...]
    message: str


def cards(bodies: list[JSON], now: datetime) -> list[Card]:
    """Return the cards of clients, those that need a person first."""
    order = list(State)
    return sorted(
        (card(body, now) for body in bodies), key=lambda one: (order.index(one.state), one.namespace, one.name)
    )


def card(body: JSON, now: datetime) -> Card:
    """Return the card of one client, as the API server has it."""
    row, status = row_of(body), body.get("status") or {}
    return Card(
        row.namespace,
        row.name,
        _plain((body["metadata"].get("annotations") or {}).get(DESCRIPTION)),
        _state(row.health, status),
        tuple(_facts(status, row.server, now)),
        _plain(row.message, 4096),
    )


def _state(health: Health, status: dict[str, Any]) -> State:
    helps = bool(status.get("login"))
    if health is Health.STALLED:
        return State.NEEDED if helps else State.STALLED
    if status.get("observedGeneration", -1) < 0:
        return State.NEW
    if health is Health.TROUBLED:
        return State.TROUBLED
    return State.ENDING if helps else State.WELL


def _facts(status: dict[str, Any], server: str, now: datetime) -> list[tuple[str, str]]:
    token_ends, grant_ends = (parse_rfc3339(status.get(key)) for key in ("expirationTime", "grantExpirationTime"))
    facts = [("Signs in at", server)]
    if end := until(token_ends, now, "until"):
        facts.append(("Token", f"in Secret {_plain(status.get('secretName'))}{end}"))
    if end := until(grant_ends, now, "by"):
        facts.append(("Next sign-in", f"{end.strip()}{SURE.get(str(status.get('grantExpirationModel')), '')}"))
    return facts


def _plain(text: object, longest: int = _LONGEST) -> str:
    """Return a text that others wrote without what only a terminal or a browser would see."""
    return "".join(filter(str.isprintable, text))[:longest] if isinstance(text, str) else ""
