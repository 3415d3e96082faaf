"""A token endpoint that rotates strictly: no grace, and a replay revokes the whole family."""

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.answers import Answer, NotSent, Uncertain
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.grants.exchange import read
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import Crash
from tests.unit.people import claims, signed

LIFE = timedelta(minutes=30)
NOT_SENT = NotSent(Problem(Reason.SERVER_UNREACHABLE, "the server cannot be reached"))
UNKNOWN = Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "the answer was lost"))

#: lost: rotated, not answered. dropped: neither. kept: the refresh token stays. The process may die, too.
Play = Literal["ok", "lost", "dropped", "not sent", "kept", "crash before", "crash after"]


def error(code: str, status: int = 400, **headers: str) -> RawAnswer:
    """Return an answer with an OAuth error code."""
    dashed = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawAnswer(status, dashed, json.dumps({"error": code}).encode())


class StrictServer:
    """Knows which refresh tokens live, counts replays, and plays what the script says, then `otherwise`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.script: list[Play | Unread] = []
        self.sent: list[tuple[datetime, str]] = []
        self.replays = self.issued = 0
        self.on_replay: Callable[[], None] = lambda: None
        self.on_request: Callable[[], None] = lambda: None
        self.extra: dict[str, object] = {}
        self.seconds = 0.0
        self.otherwise: Play | Unread = "ok"
        self.codes: list[str] = []
        self.id_token: Callable[[Inputs], str | None] = lambda _inputs: signed(claims(clock))
        self._family: dict[str, int] = {}
        self._live: set[str] = set()
        self._families = 0

    @property
    def gaps(self) -> list[float]:
        """Seconds between the requests, one after the other."""
        times = [at for at, _ in self.sent]
        return [(later - at).total_seconds() for at, later in itertools.pairwise(times)]

    def sign_in(self) -> str:
        """Start a family; return its first refresh token."""
        self._families += 1
        return self._issue(self._families)

    def revoke(self) -> None:
        """Forget every grant, as an admin may."""
        self._live.clear()

    def is_live(self, token: str) -> bool:
        """Whether a refresh token would be taken."""
        return token in self._live

    def family(self, token: str) -> int:
        """Return which sign-in a refresh token goes back to."""
        return self._family[token]

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Answer one refresh."""
        del inputs
        play = self.script.pop(0) if self.script else self.otherwise
        if play == "crash before":
            raise Crash
        if play == "not sent":
            return NOT_SENT
        self.sent.append((self._clock.now(), token.reveal()))
        self.on_request()
        await asyncio.sleep(self.seconds)
        if not isinstance(play, str):
            return play
        if play == "dropped":
            return UNKNOWN
        answer = self._judge(token.reveal(), keep=play == "kept")
        if play == "crash after":
            raise Crash
        return UNKNOWN if play == "lost" else answer

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Answer one code: it works once, and a replay revokes what came of it (RFC 6749 section 4.1.2)."""
        code = sign_in.code.reveal()
        play = self.script.pop(0) if self.script else self.otherwise
        if play == "crash before":
            raise Crash
        if play == "not sent":
            return NOT_SENT
        self.codes.append(code)
        self.on_request()
        await asyncio.sleep(self.seconds)
        if not isinstance(play, str):
            return play
        if play == "dropped":
            return UNKNOWN
        if self.codes.count(code) > 1:
            self.revoke()
            return error("invalid_grant")
        answer = self._tokens(None if play == "kept" else self.sign_in(), id_token=self.id_token(inputs))
        if play == "crash after":
            raise Crash
        return UNKNOWN if play == "lost" else answer

    def read(self, inputs: Inputs, unread: Unread, grant: str = "refresh_token") -> Answer:
        """Read an answer as the real endpoint does."""
        del grant
        return read(unread, inputs.server, self._clock.now())

    async def request(self, inputs: Inputs) -> Answer:
        """Answer one client-credentials request."""
        play = self.script.pop(0) if self.script else self.otherwise
        self.sent.append((self._clock.now(), inputs.spec.client_id))
        return self.read(inputs, self._tokens(None) if isinstance(play, str) else play)

    def _judge(self, token: str, *, keep: bool) -> RawAnswer:
        if token not in self._live:
            if token in self._family and not keep:
                self._replayed(self._family[token])
            return error("invalid_grant")
        if keep:
            return self._tokens(None)
        self._live.discard(token)
        return self._tokens(self._issue(self._family[token]))

    def _tokens(self, refresh_token: str | None, **more: str | None) -> RawAnswer:
        self.issued += 1
        rotated = {"refresh_token": refresh_token} if refresh_token else {}
        life = int(LIFE.total_seconds())
        tokens = {"access_token": f"CANARY-at-{self.issued}", "expires_in": life, "scope": "openid offline_access"}
        return RawAnswer(200, {}, json.dumps({**tokens, **rotated, **more, **self.extra}).encode())

    def _replayed(self, family: int) -> None:
        self.replays += 1
        self._live = {token for token in self._live if self._family[token] != family}
        self.on_replay()

    def _issue(self, family: int) -> str:
        token = f"CANARY-rt-{len(self._family) + 1}"
        self._family[token] = family
        self._live.add(token)
        return token
