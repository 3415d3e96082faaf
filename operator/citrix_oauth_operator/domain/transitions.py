"""Which Events a change of conditions is worth: transitions only, never the steady state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .reasons import ConditionType, Reason


@dataclass(frozen=True, slots=True)
class Note:
    """One Event: its reason is the condition's."""

    kind: str  # Normal | Warning
    reason: str
    message: str


def transitions(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Note]:
    """Return an Event for each trouble that appeared or changed its reason, for a lost token, and for a recovery."""
    before = {condition["type"]: condition for condition in old}
    notes = [
        Note("Warning", condition["reason"], condition["message"])
        for condition in new
        if _is_trouble(condition) and not _same(condition, before.get(condition["type"]))
    ]
    if not notes and (note := _good_news(before, new)):
        notes.append(note)
    return _without_twins(notes)


def _is_trouble(condition: Mapping[str, Any]) -> bool:
    if condition["type"] == ConditionType.READY:
        return bool(condition["status"] == "False")
    return bool(condition["status"] == "True")


def _same(condition: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    return old is not None and (old["status"], old["reason"]) == (condition["status"], condition["reason"])


def _good_news(before: Mapping[str, Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Note | None:
    troubled = any(_is_trouble(condition) for condition in before.values())
    ready = next((c for c in new if c["type"] == ConditionType.READY and c["status"] == "True"), None)
    if ready is None or any(_is_trouble(condition) for condition in new):
        return None
    if troubled:
        return Note("Normal", str(Reason.RECOVERED), ready["message"])
    if before.get(ConditionType.READY, {}).get("status") != "True":
        return Note("Normal", ready["reason"], ready["message"])
    return None


def _without_twins(notes: list[Note]) -> list[Note]:
    """Ready False carries the reason of Stalled: one Event says it."""
    return list({note.reason: note for note in reversed(notes)}.values())
