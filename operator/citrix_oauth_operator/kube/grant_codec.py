"""The grant Secret's format: one Secret, one JSON state without tokens, one key for each token."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import orjson

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
from citrix_oauth_operator.domain.kinds import LifetimeModel
from citrix_oauth_operator.domain.model import Binding, Doubt, Grant, Holder, Pending, Rejection, Token
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText

T = TypeVar("T")


class GrantUnreadable(Exception):
    """The grant Secret is not one of ours, or somebody edited it."""

    def __init__(self) -> None:
        super().__init__("the grant Secret cannot be read")


def to_data(grant: Grant) -> dict[str, str]:
    """Return the Secret's data as text."""
    data = {"refresh_token": grant.refresh_token.reveal(), "state": orjson.dumps(_state(grant)).decode()}
    if grant.token:
        data["access_token"] = grant.token.access_token.reveal()
    return data


def _state(grant: Grant) -> dict[str, Any]:
    return {
        "chain": grant.chain,
        "seq": grant.seq,
        "seed": grant.seed,
        "subject": grant.subject,
        "learned": grant.learned,
        **({"wish": grant.wish} if grant.wish else {}),
        "binding": _fields(grant.binding),
        "startedAt": rfc3339_micro(grant.started_at),
        "receivedAt": rfc3339_micro(grant.received_at),
        "refreshExpiresAt": grant.refresh_expires_at and rfc3339_micro(grant.refresh_expires_at),
        "spentAt": grant.spent_at and rfc3339_micro(grant.spent_at),
        "token": grant.token and token_state(grant.token),
        "pending": grant.pending and _pending_state(grant.pending),
        "rejection": grant.rejection
        and {**problem_state(grant.rejection.problem), "at": rfc3339_micro(grant.rejection.at)},
    }


def _fields(value: Binding | Holder | Problem) -> dict[str, Any]:
    """Return the fields of a flat value; `dataclasses.asdict` copies deeply, ten times slower."""
    return {name: getattr(value, name) for name in value.__slots__}


def token_state(token: Token) -> dict[str, Any]:
    """Return everything of a token but the token."""
    return {
        "issuedAt": rfc3339_micro(token.issued_at),
        "expiresAt": rfc3339_micro(token.expires_at),
        "refreshAt": rfc3339_micro(token.refresh_at),
        "inputs": token.inputs,
        "scopes": list(token.scopes),
        "authorization": token.authorization,
        **({"customerID": token.customer_id} if token.customer_id else {}),
    }


def _pending_state(pending: Pending) -> dict[str, Any]:
    return {
        "attempt": pending.attempt,
        "seq": pending.seq,
        "fingerprint": pending.fingerprint,
        "holder": _fields(pending.holder),
        "firstSent": rfc3339_micro(pending.first_sent),
        "started": rfc3339_micro(pending.started),
        "deadline": rfc3339_micro(pending.deadline),
        "tries": pending.tries,
        "doubt": pending.doubt,
        "cause": pending.cause,
        "unknownSince": pending.unknown_since and rfc3339_micro(pending.unknown_since),
    }


def problem_state(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON; `retry_after` is not worth keeping."""
    return {key: value for key, value in _fields(problem).items() if key != "retry_after"}


def problem_of(state: Mapping[str, Any]) -> Problem:
    """Return the problem that `problem_state` wrote; what a newer version wrote beside it is passed over."""
    reason, status = Reason(state["reason"]), state.get("http_status")
    texts: dict[str, Any] = {name: _typed(state[name], str) for name in _TEXTS if state.get(name) is not None}
    return Problem(reason=reason, **texts, http_status=None if status is None else _count(status))


_TEXTS = {field.name for field in dataclasses.fields(Problem)} - {"reason", "http_status", "retry_after"}


def from_data(data: Mapping[str, str]) -> Grant:
    """Return the grant a Secret's data holds; every field has the type it was written with, every time a calendar's.

    Raises:
        GrantUnreadable: a key is missing or cannot be parsed.
    """
    try:
        state = orjson.loads(data["state"])
        return Grant(
            chain=_typed(state["chain"], str),
            seq=_count(state["seq"]),
            seed=_typed(state["seed"], str),
            subject=_typed(state.get("subject", ""), str),
            learned=_learned(state.get("learned")),
            wish=_typed(state.get("wish", ""), str),
            refresh_token=_secret(data["refresh_token"]),
            binding=_flat(Binding, state["binding"]),
            started_at=_time(state["startedAt"]),
            received_at=_time(state["receivedAt"]),
            refresh_expires_at=_time_or_none(state.get("refreshExpiresAt")),
            token=token_of(state["token"], data["access_token"]) if state.get("token") else None,
            pending=_pending_of(state["pending"]) if state.get("pending") else None,
            rejection=_rejection_of(state["rejection"]) if state.get("rejection") else None,
            spent_at=_time_or_none(state.get("spentAt")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GrantUnreadable from None


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError("not what was written")
    return value


def _learned(value: object) -> LifetimeModel:
    """Return what was learned; what a newer version may have learned is not known here."""
    return next((model for model in LifetimeModel if model == value), LifetimeModel.UNKNOWN)


def _count(value: object) -> int:
    number = _typed(value, int)
    if number < 0:
        raise ValueError("below zero")
    return number


def _secret(text: object) -> SecretText:
    if not _typed(text, str):
        raise ValueError("empty")
    return SecretText(_typed(text, str))


def _flat(kind: type[T], state: Mapping[str, object]) -> T:
    """Return a value whose fields are all text."""
    return kind(**{name: _typed(value, str) for name, value in state.items()})


def token_of(state: Mapping[str, Any], access_token: str) -> Token:
    """Return the token that `token_state` described.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: somebody edited it.
    """
    issued_at, expires_at = _time(state["issuedAt"]), _time(state["expiresAt"])
    if expires_at < issued_at:
        raise ValueError("it ended before it began")
    authorization = _typed(state["authorization"], str)
    if not _AUTHORIZATION.fullmatch(authorization):
        raise ValueError("formatting it could fail, or do more than format")
    return Token(
        access_token=_secret(access_token),
        issued_at=issued_at,
        expires_at=expires_at,
        refresh_at=_time(state["refreshAt"]),
        inputs=_typed(state["inputs"], str),
        scopes=tuple(_typed(scope, str) for scope in _typed(state["scopes"], list)),
        authorization=authorization,
        customer_id=_typed(state.get("customerID", ""), str),
    )


_AUTHORIZATION = re.compile(r"[^{}]*\{token\}[^{}]*")


def _pending_of(state: Mapping[str, Any]) -> Pending:
    return Pending(
        attempt=_typed(state["attempt"], str),
        seq=_count(state["seq"]),
        fingerprint=_typed(state["fingerprint"], str),
        holder=_flat(Holder, state["holder"]),
        first_sent=_time(state["firstSent"]),
        started=_time(state["started"]),
        deadline=_time(state["deadline"]),
        tries=_count(state["tries"]),
        doubt=_typed(state["doubt"], bool),
        cause=Doubt(state["cause"]) if state.get("cause") in set(Doubt) else None,
        unknown_since=parse_rfc3339(state.get("unknownSince")),
    )


def _rejection_of(state: Mapping[str, Any]) -> Rejection:
    return Rejection(problem_of(state), _time(state["at"]))


def _time(text: object) -> datetime:
    moment = parse_rfc3339(text)
    if moment is None:
        raise ValueError("not a time")
    return moment


def _time_or_none(text: object) -> datetime | None:
    return None if text is None else _time(text)
