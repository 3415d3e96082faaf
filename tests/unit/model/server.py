"""A model of an authorization server: strict, refusing, graceful or non-rotating; it outlives its callers."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Literal

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.grants.token_endpoint import Unread
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import T0, FakeClock
from tests.unit.people import claims, signed
from tests.unit.token_server import NOT_SENT, UNKNOWN, error

#: strict: a replay revokes the family. refuse: it is only refused. grace: for a minute it gets the same successor.
Mode = Literal["strict", "refuse", "grace", "keeps"]
#: lost: rotated, not answered. dropped: neither. broken: rotated, 502. bad successor: one that cannot be kept.
Play = Literal["ok", "lost", "dropped", "broken", "busy", "not sent", "bad successor"]
GRACE = 60.0
ID_TOKEN = signed(claims(FakeClock(), iat=None, exp=(T0 + timedelta(days=99)).timestamp()))  # clocks jump here


@dataclass
class Rotation:
    """One refresh token replaced by the next, or a code by the first.

    Attributes:
        sender: the process whose request it was.
        delivered: whether that process has read the answer, whole and usable.
        excused: whether nobody could have kept the successor.
    """

    family: int
    successor: str
    sender: object
    at: float
    delivered: bool = False
    excused: bool = False


Judged = Callable[[], tuple[RawAnswer, Rotation | None]]


@dataclass
class Server:
    """Knows every refresh token it ever gave, and which of them live."""

    mode: Mode
    now: Callable[[], float]
    script: deque[Play] = field(default_factory=deque)
    seconds: tuple[float, float] = (0.1, 0.1)  # before and after it acts
    family: dict[str, int] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    rotations: dict[str, Rotation] = field(default_factory=dict)
    redeemed: dict[str, Rotation] = field(default_factory=dict)  # by code
    refused: set[str] = field(default_factory=set)
    revoked: set[int] = field(default_factory=set)
    on_replay: Callable[[object, str], None] = lambda _sender, _token: None
    on_code: Callable[[object, str], None] = lambda _sender, _code: None
    _codes: int = 0

    def authorize(self) -> str:
        """Let a person sign in with a browser; return the code."""
        self._codes += 1
        return f"CANARY-code-{self._codes}"

    def sign_in(self) -> str:
        """Begin a family; return its first refresh token."""
        return self._issue(max(self.family.values(), default=0) + 1)

    def revoke(self) -> None:
        """Forget every grant, as an admin may."""
        self.revoked |= set(self.family.values())
        self.live.clear()

    async def refresh(self, sender: object, token: str, read: Callable[[], Awaitable[None]]) -> Unread:
        """Answer one refresh; the server acts whether or not its caller lives to see it."""
        return await self._answer(lambda: None, partial(self._judge, sender, token), read)

    async def redeem(self, sender: object, code: str, read: Callable[[], Awaitable[None]]) -> Unread:
        """Answer one code; no server takes one twice."""
        return await self._answer(partial(self.on_code, sender, code), partial(self._begin, sender, code), read)

    async def _answer(self, sent: Callable[[], None], judge: Judged, read: Callable[[], Awaitable[None]]) -> Unread:
        play = self.script.popleft() if self.script else "ok"
        if play == "not sent":
            return NOT_SENT
        sent()
        task = asyncio.ensure_future(self._serve(judge, play))
        answer, rotation = await asyncio.shield(task)
        await read()  # whoever asked may be suspended, or dead
        if rotation and isinstance(answer, RawAnswer):
            rotation.delivered = True
        return answer

    async def _serve(self, judge: Judged, play: Play) -> tuple[Unread, Rotation | None]:
        await asyncio.sleep(self.seconds[0])
        answer, rotation = self._act(judge, play)
        await asyncio.sleep(self.seconds[1])
        return answer, rotation

    @staticmethod
    def _act(judge: Judged, play: Play) -> tuple[RawAnswer | NotSent | Uncertain, Rotation | None]:
        if play == "dropped":
            return UNKNOWN, None
        if play == "busy":
            return error("slow_down", 429, retry_after="5"), None
        answer, rotation = judge()
        if play == "bad successor" and rotation:
            return _tokens("CANARY line\nbreak"), None
        if play in {"lost", "broken"}:
            return (UNKNOWN if play == "lost" else RawAnswer(502, {}, b"<html>")), None
        return answer, rotation

    def _judge(self, sender: object, token: str) -> tuple[RawAnswer, Rotation | None]:
        if token in self.live:
            if self.mode == "keeps":
                return _tokens(None), None
            self.live.discard(token)
            successor = self._issue(self.family[token])
            self.rotations[token] = Rotation(self.family[token], successor, sender, self.now())
            return _tokens(successor), self.rotations[token]
        spent = self.rotations.get(token)
        if spent and self.mode == "grace" and spent.successor in self.live and self.now() - spent.at <= GRACE:
            return _tokens(spent.successor), spent
        if spent:
            self.on_replay(sender, token)
        if spent and self.mode == "strict":
            self.live = {other for other in self.live if self.family[other] != spent.family}
        self.refused.add(token)
        return error("invalid_grant"), None

    def _begin(self, sender: object, code: str) -> tuple[RawAnswer, Rotation | None]:
        if code in self.redeemed:
            return error("invalid_grant"), None
        first = self.sign_in()
        self.redeemed[code] = Rotation(self.family[first], first, sender, self.now())
        return _tokens(first, id_token=ID_TOKEN), self.redeemed[code]

    def _issue(self, family: int) -> str:
        token = f"CANARY-rt-{family}-{len(self.family) + 1}"
        self.family[token] = family
        self.live.add(token)
        return token


def _tokens(refresh_token: str | None, **more: str) -> RawAnswer:
    tokens = {"access_token": "CANARY-at", "expires_in": 1800, "scope": "openid"}
    rotated = {"refresh_token": refresh_token} if refresh_token else {}
    return RawAnswer(200, {}, json.dumps({**tokens, **rotated, **more}).encode())
