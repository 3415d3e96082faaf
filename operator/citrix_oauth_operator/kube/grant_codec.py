"""The grant Secret's format: one Secret, one JSON state without tokens, one key for each token."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import orjson

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
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
        "binding": _fields(grant.binding),
        "startedAt": rfc3339_micro(grant.started_at),
        "receivedAt": rfc3339_micro(grant.received_at),
        "refreshExpiresAt": grant.refresh_expires_at and rfc3339_micro(grant.refresh_expires_at),
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
    known = {field.name for field in dataclasses.fields(Problem)} - {"retry_after"}
    return Problem(**{**{k: v for k, v in state.items() if k in known}, "reason": Reason(state["reason"])})


def from_data(data: Mapping[str, str]) -> Grant:
    """Return the grant a Secret's data holds.

    Raises:
        GrantUnreadable: a key is missing or cannot be parsed.
    """
    try:
        state = orjson.loads(data["state"])
        refresh_expires = state.get("refreshExpiresAt")
        return Grant(
            chain=_typed(state["chain"], str),
            seq=_typed(state["seq"], int),
            seed=_typed(state["seed"], str),
            refresh_token=SecretText(data["refresh_token"]),
            binding=Binding(**state["binding"]),
            started_at=_time(state["startedAt"]),
            received_at=_time(state["receivedAt"]),
            refresh_expires_at=_time(refresh_expires) if refresh_expires else None,
            token=token_of(state["token"], data["access_token"]) if state.get("token") else None,
            pending=_pending_of(state["pending"]) if state.get("pending") else None,
            rejection=_rejection_of(state["rejection"]) if state.get("rejection") else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GrantUnreadable from None


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError("not what was written")
    return value


def token_of(state: Mapping[str, Any], access_token: str) -> Token:
    """Return the token that `token_state` described."""
    return Token(
        access_token=SecretText(access_token),
        issued_at=_time(state["issuedAt"]),
        expires_at=_time(state["expiresAt"]),
        refresh_at=_time(state["refreshAt"]),
        inputs=state["inputs"],
        scopes=tuple(state["scopes"]),
        authorization=state["authorization"],
    )


def _pending_of(state: Mapping[str, Any]) -> Pending:
    return Pending(
        attempt=state["attempt"],
        seq=_typed(state["seq"], int),
        fingerprint=state["fingerprint"],
        holder=Holder(**state["holder"]),
        first_sent=_time(state["firstSent"]),
        started=_time(state["started"]),
        deadline=_time(state["deadline"]),
        tries=_typed(state["tries"], int),
        doubt=state["doubt"],
        cause=Doubt(state["cause"]) if state.get("cause") in set(Doubt) else None,
        unknown_since=parse_rfc3339(state.get("unknownSince")),
    )


def _rejection_of(state: Mapping[str, Any]) -> Rejection:
    return Rejection(problem_of(state), _time(state["at"]))


def _time(text: str) -> datetime:
    moment = parse_rfc3339(text)
    if moment is None:
        raise ValueError("not a time")
    return moment
