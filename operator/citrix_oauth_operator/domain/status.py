"""REPORT, the pure half: fold one Outcome into `status`, and the patch that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .conditions import MESSAGE_LENGTH, conditions, sentence
from .durations import rfc3339
from .outcome import Outcome
from .problem import Problem
from .reasons import CURED_BY_SIGN_IN, ConditionType, Reason

Status = dict[str, Any]

#: Limits of the CRD: a patch that breaks one would be refused for ever.
_REMEDY_LENGTH, _SCOPES, _SCOPE_LENGTH, _SUBJECT_LENGTH = 1024, 64, 256, 256

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
    return told | {"credentialsWarning": warning[:MESSAGE_LENGTH]}


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
        "message": signed_in(outcome)[:MESSAGE_LENGTH],
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
