"""The conditions of a client, as kstatus reads them: Ready always, RefreshFailed or Stalled while true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import endings
from .durations import rfc3339, words
from .model import Token
from .outcome import Outcome
from .problem import Problem, as_sentence
from .reasons import ConditionType, Reason
from .schedule import KUBELET_LAG

Condition = dict[str, Any]

#: The column REASON shows the first condition that is not RefreshFailed.
_ORDER = {
    kind: place for place, kind in enumerate((ConditionType.STALLED, ConditionType.READY, ConditionType.REFRESH_FAILED))
}

MESSAGE_LENGTH = 4096  # of the CRD: a patch that breaks it would be refused for ever


def conditions(outcome: Outcome, now: datetime) -> list[Condition]:
    """Return Ready, and RefreshFailed or Stalled while true, with their transition times kept."""
    wanted = [_ready(outcome, now)]
    if problem := outcome.worst:
        kind = ConditionType.REFRESH_FAILED if problem.transient else ConditionType.STALLED
        if problem.reason is not Reason.PUBLISH_FAILED:
            wanted.append(_condition(kind, "True", problem.reason, sentence(problem, _doubt(outcome))))
    elif outcome.standing:
        wanted += [_standing(condition) for condition in outcome.client.status.conditions if _is_failure(condition)]
    wanted.sort(key=lambda condition: _ORDER[condition["type"]])
    before = {condition["type"]: condition for condition in outcome.client.status.conditions}
    return [_merged(condition, before.get(condition["type"]), outcome.client.generation, now) for condition in wanted]


def _is_failure(condition: Mapping[str, Any]) -> bool:
    return condition["type"] in {ConditionType.REFRESH_FAILED, ConditionType.STALLED}


def _standing(condition: Mapping[str, Any]) -> Condition:
    return {key: condition[key] for key in ("type", "status", "reason", "message")}


def _doubt(outcome: Outcome) -> str:
    pending = outcome.grant.pending if outcome.grant else None
    return endings.repeated(pending, outcome.next_refresh) if pending is not None and pending.doubt else ""


def sentence(problem: Problem, doubt: str = "") -> str:
    """Return message, doubt and remedy as a person reads them."""
    return " ".join(filter(None, (as_sentence(problem.message), doubt if problem.transient else "", problem.advice)))


def _ready(outcome: Outcome, now: datetime) -> Condition:
    token = outcome.token
    if token and outcome.current and now < token.expires_at:
        text = _valid(outcome.secret_name, token, suspended=outcome.suspended)
        return _condition(ConditionType.READY, "True", Reason.TOKEN_VALID, text)
    if (problem := outcome.publish_problem) and problem.reason is Reason.PUBLISH_FAILED:
        return _condition(ConditionType.READY, "False", problem.reason, sentence(problem))
    if (problem := outcome.worst) and not problem.transient:
        return _condition(ConditionType.READY, "False", problem.reason, sentence(problem))
    if token and now >= token.expires_at:
        text = f"The token in Secret {outcome.secret_name} expired at {rfc3339(token.expires_at)}."
        if outcome.suspended:
            text += " spec.suspend is true: no other one is requested; set it to false."
        return _condition(ConditionType.READY, "False", Reason.TOKEN_EXPIRED, text)
    text = "spec.suspend is true: no token is requested." if outcome.suspended else "No token yet."
    return _condition(
        ConditionType.READY,
        "Unknown",
        Reason.PENDING,
        as_sentence(outcome.problem.message) if outcome.problem else text,
    )


def _valid(secret: str, token: Token, *, suspended: bool) -> str:
    text = f"Secret {secret} holds a token that is valid until {rfc3339(token.expires_at)}."
    if suspended:
        return f"{text} spec.suspend is true: no other one is requested."
    if (margin := token.expires_at - token.refresh_at) < KUBELET_LAG:
        text += (
            f" It lives {words(token.lifetime)} only: the next one comes {words(margin)} before its end, and kubelets"
            f" take up to {words(KUBELET_LAG)} to show a changed Secret."
        )
    return text


def _condition(kind: ConditionType, status: str, reason: Reason, message: str) -> Condition:
    return {"type": str(kind), "status": status, "reason": str(reason), "message": message[:MESSAGE_LENGTH]}


def _merged(new: Condition, old: Mapping[str, Any] | None, generation: int, now: datetime) -> Condition:
    same = old is not None and old["status"] == new["status"]
    since = old["lastTransitionTime"] if old is not None and same else rfc3339(now)
    return {**new, "observedGeneration": generation, "lastTransitionTime": since}
