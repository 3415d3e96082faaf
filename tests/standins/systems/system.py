"""A system that checks who asks: a token endpoint, and an API that takes the living tokens of this endpoint alone."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from tests.standins.systems.proofs import Proof, Shown
from tests.standins.web import Reply, Request

API = "/api/things"
_FORM = "application/x-www-form-urlencoded"
#: Stands in each text of a refusal, where it must stay.
WORDS = "CANARY-words-of-the-server"


class System:
    """A server that does what RFC 6749 says and no more: the refresh token is replaced, and the old one dies.

    Kinds differ in what they override; each says where it has that from.

    Args:
        proof: what is registered for the client; put another one there, and the first is forgotten.
        life: of its access tokens, in seconds.

    Attributes:
        origin: where it is served.
        policy: blocks the next tokens, though the credentials are right.
        issued: every token ever made.
        asked: path of each token request.
        last: the headers of the last token request.
    """

    token_path: ClassVar[str] = "/token"
    client_id: ClassVar[str] = "b3BlcmF0b3I="
    scheme: ClassVar[str] = "Bearer "

    def __init__(self, proof: Proof, life: int = 2) -> None:
        self.proof, self.life = proof, life
        self.origin = ""
        self.policy = False
        self.issued: list[str] = []
        self.asked: list[str] = []
        self.last: dict[str, str] = {}
        self._ends: dict[str, float] = {}
        self._grants: set[str] = set()
        self._seen: set[str] = set()
        self._deciding = threading.RLock()

    def handle(self, request: Request) -> Reply:
        """Answer one request; what a test does to the server happens before it or after it."""
        with self._deciding:
            return self._handle(request)

    def _handle(self, request: Request) -> Reply:
        if request.method == "GET" and request.path == API:
            return self.serve_api(request)
        if request.method != "POST" or request.path != self.token_path:
            return Reply(404, {})
        self.asked.append(request.path)
        self.last = request.headers
        pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        if request.headers.get("content-type") != _FORM or len(form) != len(pairs):
            return self.refuse("request", request)
        return self._token(request, form)

    def sign_in(self) -> str:
        """Return the refresh token of somebody's sign-in."""
        token = self._secret()
        self._grants.add(token)
        return token

    def revoke(self) -> None:
        """End every grant there is."""
        with self._deciding:
            self._grants.clear()

    def expire(self) -> None:
        """End every access token there is."""
        self._ends.clear()

    def lives(self, token: str) -> bool:
        """Whether an access token is one of ours, and not over."""
        return self._ends.get(token, 0.0) > time.monotonic()

    def serve_api(self, request: Request) -> Reply:
        """Answer a protected call (RFC 6750): the scheme letter by letter, then a living token."""
        given = request.headers.get("authorization", "")
        if given.startswith(self.scheme) and self.lives(given.removeprefix(self.scheme)):
            return answer(200, {"things": []})
        return Reply(401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def members(self, form: Mapping[str, str], access_token: str, refresh_token: str | None) -> dict[str, Any]:
        """Return the members of a success (RFC 6749 section 5.1)."""
        del form
        plain = {"access_token": access_token, "token_type": "Bearer", "expires_in": self.life}
        return {**plain, **({"refresh_token": refresh_token} if refresh_token else {})}

    def refuse(self, cause: str, request: Request) -> Reply:
        """Return a refusal; causes are `request`, `grant`, `grant_type`, `scope`, `policy` and the kinds of proofs."""
        del request
        error = {"request": "invalid_request", "grant_type": "unsupported_grant_type", "scope": "invalid_scope"}
        named = error.get(cause) or ("invalid_grant" if cause in {"grant", "policy"} else "invalid_client")
        return answer(401 if named == "invalid_client" else 400, {"error": named, "error_description": WORDS})

    def flaw(self, request: Request, form: Mapping[str, str]) -> str:
        """Return what else is wrong with a request, as a cause; "" for nothing."""
        del request, form
        return ""

    def succeed(self, token: str) -> str | None:
        """Return what replaces a refresh token that was used; None: nothing does."""
        self._grants.discard(token)
        return self.sign_in()

    def _token(self, request: Request, form: Mapping[str, str]) -> Reply:
        shown = Shown(request, form, self.client_id, self.origin + self.token_path, self._seen)
        if shown.ways > 1:
            return self.refuse("request", request)
        if not self.proof.holds(shown):
            return self.refuse(self.proof.kind, request)
        if flaw := self.flaw(request, form):
            return self.refuse(flaw, request)
        grant_type, successor = form.get("grant_type"), None
        if grant_type not in {"refresh_token", "client_credentials"}:
            return self.refuse("grant_type", request)
        if self.policy:
            return self.refuse("policy", request)
        if grant_type == "refresh_token":
            if form.get("refresh_token") not in self._grants:
                return self.refuse("grant", request)
            successor = self.succeed(form["refresh_token"])
        token = self._secret()
        self._ends[token] = time.monotonic() + self.life
        return answer(200, self.members(form, token, successor))

    def _secret(self) -> str:
        token = f"CANARY-{secrets.token_urlsafe(32)}"
        self.issued.append(token)
        return token


def answer(status: int, members: object, headers: Mapping[str, str] | None = None) -> Reply:
    """Return JSON, as nobody may keep it (RFC 6749 section 5.1)."""
    fields = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
    return Reply(status, fields, json.dumps(members).encode())
