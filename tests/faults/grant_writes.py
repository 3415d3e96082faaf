"""What a write of a grant Secret says, read off the wire by the proxy: no token, only fingerprints."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.standins.rotating.families import fingerprint

PREFIX = "grant."


@dataclass(frozen=True, slots=True)
class GrantWrite:
    """One state of one grant Secret.

    Attributes:
        token, access: fingerprints of the stored refresh token and access token.
        attempt, intent, doubt: of the stored intent; `intent` is the fingerprint it names (8 digits), "" for none.
        rejected: reason of the stored refusal, "" for none.
    """

    name: str
    chain: str
    seq: int
    token: str
    access: str = ""
    attempt: str = ""
    intent: str = ""
    doubt: bool = False
    rejected: str = ""


def grant_write(body: bytes) -> GrantWrite | None:
    """Read the body of a write; None when it is not a grant Secret."""
    try:
        secret = json.loads(body)
        return of_secret(secret) if secret["metadata"]["name"].startswith(PREFIX) else None
    except (ValueError, KeyError, TypeError):
        return None


def of_secret(secret: dict[str, Any]) -> GrantWrite:
    """Read a grant Secret."""
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    state = json.loads(data["state"])
    pending = state.get("pending") or {}
    return GrantWrite(
        name=secret["metadata"]["name"],
        chain=state["chain"],
        seq=state["seq"],
        token=fingerprint(data["refresh_token"]),
        access=fingerprint(data["access_token"]) if "access_token" in data else "",
        attempt=pending.get("attempt", ""),
        intent=pending.get("fingerprint", ""),
        doubt=bool(pending.get("doubt")),
        rejected=(state.get("rejection") or {}).get("reason", ""),
    )


def published(body: bytes) -> str:
    """Return the fingerprint of the access token in the body of a write of a token Secret; "" for all else."""
    try:
        secret = json.loads(body)
        token = base64.b64decode(secret["data"]["access_token"]).decode()
        return "" if secret["metadata"]["name"].startswith(PREFIX) else fingerprint(token)
    except (ValueError, KeyError, TypeError):
        return ""
