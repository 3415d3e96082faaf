"""One conversation with StoreFront: requests within the server's reach, cookies kept, answers read coarsely."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

from citrix_oauth_operator.domain.answers import Answer, NotSent, Refused, Uncertain
from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.problems import THROTTLED
from citrix_oauth_operator.domain.reach import Reach, host_flaw
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.refusals import retry_after

from . import messages, words
from .challenge import Challenge, parse_challenge

_COOKIE = re.compile(r"(?:^|,)\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128})=([^;,\s\"]{0,4096})")
_MOST_COOKIES = 16
_UNAUTHORIZED, _THROTTLED, _UNAVAILABLE = 401, 429, 503


class Wire(Protocol):
    """What carries single requests."""

    async def post_form(
        self, url: str, body: bytes, headers: Mapping[str, str], reach: Reach
    ) -> RawAnswer | NotSent | Uncertain:
        """Post once."""

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Get once; `headers` say what is accepted."""


class Unserved(Exception):
    """The conversation ends without a token."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("StoreFront gave no token")
        self.answer = answer

    @classmethod
    def over(cls, problem: Problem) -> Unserved:
        """Return the end that a problem is."""
        return cls(Refused(problem))


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: its status, its message if it is XML, its CitrixAuth challenge if it is a 401."""

    raw: RawAnswer
    root: Element | None
    challenge: Challenge | None

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.raw.status


@dataclass(slots=True)
class Talk:
    """Sends requests to the hosts that an admin allows, and to no other."""

    wire: Wire
    base_url: str
    reach: Reach
    now: Callable[[], datetime]
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def allowed(self, urls: Sequence[str]) -> list[str]:
        """Return those of `urls` that may be called, in their order; relative ones are of the base URL.

        Raises:
            Unserved: none of them may.
        """
        absolute = [urljoin(self.base_url, url) for url in urls]
        kept = [url for url in absolute if self._may_call(url)]
        if not kept:
            raise Unserved.over(words.NO_LOCATION if urls else words.NO_CHALLENGE)
        return kept

    def _may_call(self, url: str) -> bool:
        return host_flaw(url, self.base_url, self.reach) is None

    async def get(self, url: str, token: str | None = None) -> RawAnswer | NotSent | Uncertain:
        """Get a resource, with a service token or without."""
        headers = {"Accept": messages.RESOURCES}
        if token is not None:
            headers["Authorization"] = f"CitrixAuth {token}"
        return await self.wire.get_json(url, headers, self.reach)

    async def post(  # noqa: PLR0913 - one request
        self,
        url: str,
        body: bytes,
        kind: str,
        accept: Sequence[str],
        headers: Mapping[str, str] | None = None,
        *,
        identity: ClientKey | None = None,
    ) -> RawAnswer | NotSent | Uncertain:
        """Post one message, with a certificate or without."""
        host = audience_key(url)
        sent = {"Content-Type": kind, "Accept": ", ".join(accept), **(headers or {})}
        if cookies := self._cookies.get(host):
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        answer = await self.wire.post_form(url, body, sent, replace(self.reach, identity=identity))
        if isinstance(answer, RawAnswer):
            self._keep(host, answer.headers.get("set-cookie", ""))
        return answer

    def _keep(self, host: str, header: str) -> None:
        """Keep cookies for the host that set them; dates hold commas, names of cookies do not."""
        kept = self._cookies.setdefault(host, {})
        for match in _COOKIE.finditer(header):
            if match[1] in kept or len(kept) < _MOST_COOKIES:
                kept[match[1]] = match[2]

    def heard(self, raw: RawAnswer) -> Heard:
        """Read an answer."""
        challenge = parse_challenge(raw.headers.get("www-authenticate", "")) if raw.status == _UNAUTHORIZED else None
        return Heard(raw, messages.parse_xml(raw.body), challenge)

    def failure(self, heard: Heard) -> Problem:
        """Return what an answer without any use says."""
        raw = heard.raw
        wait = retry_after(raw, self.now())
        if raw.status == _THROTTLED:
            return replace(THROTTLED, http_status=raw.status, retry_after=wait)
        found = words.ERROR if raw.status >= 500 else words.NOT_STOREFRONT  # noqa: PLR2004
        return replace(found, http_status=raw.status, retry_after=wait)


def audience_key(url: str) -> str:
    """Return what cookies are kept by."""
    return urlsplit(url).netloc.lower()


def said_nothing(heard: Heard) -> bool:
    """Whether an answer shows that nobody judged a password: asked to wait, or sent to the wrong place."""
    return heard.status in {_THROTTLED, _UNAVAILABLE} or heard.status in _MISPLACED


_MISPLACED = frozenset({*range(300, 400), 404, 405, 406, 415})
