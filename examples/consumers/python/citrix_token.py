"""Use the access token of a mounted token Secret with httpx. Copy this file; it needs nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds


class TokenNotUsable(Exception):
    """No request was sent: there is no token, it is over, or it was refused a moment ago. Try again later."""


@dataclass(frozen=True)
class Token:
    """One version of the Secret; the value of the header, and when it ends."""

    authorization: str = field(repr=False)
    expires_at: datetime


def read(folder: Path) -> Token:
    """Read all keys of one version: the kubelet swaps the link `..data`, so follow it once, not once a key."""
    for _ in range(100):
        link = folder / "..data"
        version = link.resolve() if link.is_symlink() else folder
        try:
            authorization, expires_at = ((version / key).read_text() for key in ("authorization", "expires_at"))
        except FileNotFoundError:  # swapped and removed meanwhile: follow the link again
            continue
        return Token(authorization, datetime.fromisoformat(expires_at))
    raise TokenNotUsable(f"{folder} holds no token; is the Secret mounted as a whole folder?")


class CitrixToken(httpx.Auth):
    """Sends the token; refused, reads once more; then leaves the API alone until the Secret changes or a pause ends."""

    requires_request_body = True  # so that it can be sent a second time
    requires_response_body = True  # Citrix says in the body that a token is refused

    def __init__(self, folder: str | Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._monotonic = Path(folder), monotonic
        self._refused: Token | None = None
        self._pause, self._until = 0.0, 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token that may be good (called by httpx)."""
        token = self._usable()
        request.headers["Authorization"] = token.authorization
        response = yield request
        if _is_refusal(response):
            fresh = self._usable()
            if fresh != token:
                request.headers["Authorization"] = fresh.authorization
                response = yield request
            if _is_refusal(response):
                self._back_off(fresh)

    def _usable(self) -> Token:
        token = read(self._folder)
        if token.expires_at <= datetime.now(UTC):
            raise TokenNotUsable(f"the token ended at {token.expires_at}; `kubectl get cxc` says why")
        if token == self._refused and self._monotonic() < self._until:
            raise TokenNotUsable("the API refused this token, and the Secret has not changed since")
        return token

    def _back_off(self, token: Token) -> None:
        again = token == self._refused
        self._pause = min(self._pause * 2, LONGEST_PAUSE) if again else FIRST_PAUSE
        self._refused, self._until = token, self._monotonic() + self._pause


def _is_refusal(response: httpx.Response) -> bool:
    """Whether the token was refused: 401 (RFC 6750), or Citrix's 400 with `invalid_grant`."""
    if response.status_code == httpx.codes.BAD_REQUEST:
        try:
            return bool(response.json()["error"] == "invalid_grant")
        except (ValueError, KeyError, TypeError):
            return False
    return response.status_code == httpx.codes.UNAUTHORIZED
