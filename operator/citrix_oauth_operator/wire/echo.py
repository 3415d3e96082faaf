"""Secrets that come back where words are read: a server may repeat what it was sent, or what it has just issued.

A piece is as bad as the whole, so values are compared in runs of eight characters; in words of fewer no secret fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote_plus

from citrix_oauth_operator.domain.secrecy import SecretText

from .raw import RawAnswer

_RUN = 8


def without_echo(values: Iterable[str], raw: RawAnswer, members: Mapping[str, object]) -> tuple[str, ...]:
    """Return those of `values`, in their order, that hold nothing of a secret sent or received in this exchange."""
    secrets = [text for secret in raw.secrets for text in _forms(secret)]
    secrets += [value for name, value in members.items() if "token" in name and isinstance(value, str)]
    return tuple(value for value in values if not any(_share_a_run(value, secret) for secret in secrets))


def _forms(secret: SecretText) -> set[str]:
    return {secret.reveal(), quote_plus(secret.reveal())}


def _share_a_run(value: str, secret: str) -> bool:
    if len(secret) < _RUN:
        return bool(secret) and value == secret
    return any(value[at : at + _RUN] in secret for at in range(len(value) - _RUN + 1))
