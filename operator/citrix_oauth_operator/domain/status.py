"""REPORT, the pure half: fold one Outcome into `status`; conditions as kstatus reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from . import endings
from .durations import rfc3339, words
from .model import Token
from .outcome import Outcome
from .problem import Problem, as_sentence
from .reasons import CURED_BY_SIGN_IN, ConditionType, Reason
from .schedule import KUBELET_LAG

Status = dict[str, Any]

#: The column REASON shows the first condition that is not RefreshFailed.
_ORDER = {
    kind: place for place, kind in enumerate((ConditionType.STALLED, ConditionType.READY, ConditionType.REFRESH_FAILED))
}

#: Limits of the CRD: a patch that breaks one would be refused for ever.
_MESSAGE_LENGTH, _REMEDY_LENGTH, _SCOPES, _SCOPE_LENGTH, _SUBJECT_LENGTH = 4096, 1024, 64, 256, 256

ABANDONED = timedelta(minutes=15)  # after a time that an operator announced, if nothing comes of it

_FAILURE_FIELDS = ("failedAttempts", "lastFailureTime", "lastError")


def kept_elsewhere(outcome: Outcome, now: datetime) -> bool:
    """Whether status is another operator's to write: it is named there, and does what it said it would do by now."""
    problem, due = outcome.problem, outcome.client.status.next_refresh
    another = problem is not None and problem.reason is Reason.CLAIMED_BY_ANOTHER_OPERATOR
    return another and (due is None or now < due + ABANDONED)


def next_status(outcome: Outcome, now: datetime, portal: str = "") -> Status:
    """Return the whole status after `outcome`; equal to the old one when nothing changed.

    Args:
        portal: URL of the sign-in portal; empty for none.
    """
    old, token = outcome.client.status, outcome.token
    status: Status = {
        "observedGeneration": outcome.client.generation,
        "conditions": conditions(outcome, now),
        "secretName": outcome.secret_name,
        **_grant(outcome),
        **_failure(outcome, now),
        **_credentials(outcome, now),
        "login": _login(outcome, now, portal),
        "lastSignIn": _last_sign_in(outcome) or old.raw.get("lastSignIn"),
    }
    if token:
        status["expirationTime"] = rfc3339(token.expires_at)
        status["lastRefreshTime"] = rfc3339(token.issued_at)
        status["scopes"] = [scope for scope in token.scopes if len(scope) <= _SCOPE_LENGTH][:_SCOPES]
    elif old.last_refresh:
        status["lastRefreshTime"] = rfc3339(old.last_refresh)
    if outcome.next_refresh:
        status["nextRefreshTime"] = rfc3339(outcome.next_refresh)
    handled = outcome.client.requested_at if outcome.attempted or _waits_for_a_person(outcome) else None
    if handled := handled or old.last_handled:
        status["lastHandledReconcileAt"] = handled
    return {key: value for key, value in status.items() if value not in ([], None)}


def _credentials(outcome: Outcome, now: datetime) -> Status:
    end = outcome.credentials_end
    if end is None:
        return {}
    told = {"credentialsExpirationTime": rfc3339(end)}
    if not outcome.credentials_are_ending(now):
        return told
    warning = (
        f"The client's credential ends at {rfc3339(end)}. Put the next one into Secret {outcome.marks.credentials_name}"
        " before that (docs/citrixclient.md, section Rollover)."
    )
    return told | {"credentialsWarning": warning[:_MESSAGE_LENGTH]}


def _login(outcome: Outcome, now: datetime, portal: str) -> Status | None:
    """Return how a person signs in, while that helps, and before the grant ends."""
    helps = outcome.problem is not None and outcome.problem.reason in CURED_BY_SIGN_IN
    if not helps and not outcome.grant_is_ending(now):
        return None
    ref = outcome.client.ref
    how = {"command": f"kubectl citrix-oauth login {ref.name} -n {ref.namespace}"}
    return how | ({"url": f"{portal.rstrip('/')}/{ref.namespace}/{ref.name}"} if portal else {})


def _last_sign_in(outcome: Outcome) -> Status | None:
    result = outcome.sign_in
    if result is None:
        return None
    told = {
        "secretUID": result.uid,
        "time": rfc3339(result.at),
        "reason": str(result.problem.reason if result.problem else Reason.SIGNED_IN),
        "message": signed_in(outcome)[:_MESSAGE_LENGTH],
        "subject": result.subject[:_SUBJECT_LENGTH] or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def signed_in(outcome: Outcome) -> str:
    """Say what came of the sign-in of this pass."""
    result = outcome.sign_in
    if result is None:
        return ""
    if result.problem is not None:
        return sentence(replace(result.problem, reason=Reason.SIGN_IN_FAILED))  # waiting does not help a sign-in
    who = f"{result.subject} signed in" if result.subject else "Somebody signed in"
    if outcome.grant_end is None:
        return f"{who}."
    return f"{who}; the grant lives until {rfc3339(outcome.grant_end[0])} ({outcome.grant_end[1]})."


def _waits_for_a_person(outcome: Outcome) -> bool:
    return outcome.problem is not None and not outcome.problem.transient


def _grant(outcome: Outcome) -> Status:
    status, grant = outcome.client.status, outcome.grant
    part: Status = {}
    if status.operator_namespace:  # claimed before the first request, under the version that was read; never here
        chain, seq = (grant.chain, max(grant.seq, _seq_of(outcome))) if grant else (status.chain, status.seq)
        part["grant"] = {"namespace": status.operator_namespace, "chain": chain, "seq": seq}
    if outcome.grant_end:
        part["grantExpirationTime"] = rfc3339(outcome.grant_end[0])
        part["grantExpirationModel"] = outcome.grant_end[1]
    return part


def _seq_of(outcome: Outcome) -> int:
    """A seq in status never goes back within a chain: it is what tells a restored backup."""
    status = outcome.client.status
    return status.seq if outcome.grant and status.chain == outcome.grant.chain else 0


def _failure(outcome: Outcome, now: datetime) -> Status:
    problem, old = outcome.worst, outcome.client.status
    if problem is None:
        return {key: old.raw.get(key) for key in _FAILURE_FIELDS} if outcome.standing else {}
    again = old.has(ConditionType.STALLED) or old.has(ConditionType.REFRESH_FAILED)
    fresh = outcome.attempted or not again or old.last_failure is None
    attempts = old.failed_attempts + (1 if outcome.attempted else 0)
    return {
        "failedAttempts": attempts or None,
        "lastFailureTime": rfc3339(now) if fresh or old.last_failure is None else rfc3339(old.last_failure),
        "lastError": last_error(problem),
    }


def last_error(problem: Problem) -> Status:
    """Return `status.lastError`: codes and our own words, nothing a server wrote."""
    fields = {
        "reason": str(problem.reason),
        "oauthError": problem.oauth_error,
        "httpStatus": problem.http_status,
        "serverCode": problem.server_code,
        "transactionId": problem.transaction_id,
        "claims": problem.claims,
        "remedy": problem.advice[:_REMEDY_LENGTH],
    }
    return {key: value for key, value in fields.items() if value}


def conditions(outcome: Outcome, now: datetime) -> list[Status]:
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


def _standing(condition: Mapping[str, Any]) -> Status:
    return {key: condition[key] for key in ("type", "status", "reason", "message")}


def _doubt(outcome: Outcome) -> str:
    pending = outcome.grant.pending if outcome.grant else None
    return endings.repeated(pending, outcome.next_refresh) if pending is not None and pending.doubt else ""


def sentence(problem: Problem, doubt: str = "") -> str:
    """Return message, doubt and remedy as a person reads them."""
    return " ".join(filter(None, (as_sentence(problem.message), doubt if problem.transient else "", problem.advice)))


def _ready(outcome: Outcome, now: datetime) -> Status:
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


def _condition(kind: ConditionType, status: str, reason: Reason, message: str) -> Status:
    return {"type": str(kind), "status": status, "reason": str(reason), "message": message[:_MESSAGE_LENGTH]}


def _merged(new: Status, old: Mapping[str, Any] | None, generation: int, now: datetime) -> Status:
    same = old is not None and old["status"] == new["status"]
    since = old["lastTransitionTime"] if old is not None and same else rfc3339(now)
    return {**new, "observedGeneration": generation, "lastTransitionTime": since}


def merge_patch(old: Mapping[str, Any], new: Status) -> Status:
    """Return the RFC 7396 merge patch from `old` to `new`; empty when they are equal.

    An object in it is written whole: of what two processes write at once, no half of one is mixed with half of another
    (the `seq` of one chain beside the name of another would look like a restored backup).
    """
    removed = {key: None for key in old if key not in new}
    changed = {key: _patched(old.get(key), value) for key, value in new.items() if old.get(key) != value}
    return {**removed, **changed}


def _patched(old: object, new: object) -> object:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**{key: None for key in old if key not in new}, **new}
