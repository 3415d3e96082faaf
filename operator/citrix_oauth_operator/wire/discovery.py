"""Where a server's endpoints are: by hand, or from its metadata document (OpenID Connect Discovery, RFC 8414)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from authlib.oauth2.rfc8414 import get_well_known_url

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach, url_flaw
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Endpoints, Server

from .raw import RawAnswer
from .strict_json import parse_object

_SECONDS_KEPT = 3600.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
_MOST = 256
_FIELDS = {
    "token": "token_endpoint",
    "authorization": "authorization_endpoint",
    "revocation": "revocation_endpoint",
    "keys": "jwks_uri",
}


class DocumentTransport(Protocol):
    """What fetches a document."""

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Get the document at `url`."""


@dataclass(frozen=True, slots=True)
class _Known:
    found: Endpoints | Problem
    until: float
    pause: float = _SHORTEST_PAUSE  # the next failure is kept this long


class Discovery:
    """Finds endpoints and remembers them: an hour, failures for 5 to 60 s; an edited server is another server."""

    def __init__(self, transport: DocumentTransport, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport, self._clock = transport, clock
        self._known: dict[Server, _Known] = {}
        self._fetches: dict[Server, asyncio.Task[Endpoints | Problem]] = {}

    async def endpoints(self, server: Server) -> Endpoints | Problem:
        """Return the endpoints of `server`; one fetch serves all who ask meanwhile, whoever of them gives up."""
        if server.endpoints.token or server.issuer is None:
            return server.endpoints
        known = self._known.get(server)
        if known is not None and self._clock() < known.until:
            return known.found
        fetch = self._fetches.get(server)
        if fetch is None:
            fetch = self._fetches[server] = asyncio.create_task(self._fetch(server, server.issuer))
            fetch.add_done_callback(lambda _: self._fetches.pop(server, None))
        return await asyncio.shield(fetch)

    async def aclose(self) -> None:
        """Give up what is being fetched."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    async def _fetch(self, server: Server, issuer: str) -> Endpoints | Problem:
        found = await self._look_up(server, issuer)
        before, now = self._known.pop(server, None), self._clock()
        if isinstance(found, Problem):
            pause = before.pause if before else _SHORTEST_PAUSE
            self._known[server] = _Known(found, now + pause, min(2 * pause, _LONGEST_PAUSE))
        else:
            self._known[server] = _Known(found, now + _SECONDS_KEPT)
        while len(self._known) > _MOST:
            self._known.pop(next(iter(self._known)))  # the longest unchanged: servers that were edited since
        return found

    async def _look_up(self, server: Server, issuer: str) -> Endpoints | Problem:
        answer = await self._transport.get_json(
            issuer.rstrip("/") + "/.well-known/openid-configuration", {}, server.reach
        )
        if isinstance(answer, RawAnswer) and answer.status == 404:  # noqa: PLR2004
            url: str = get_well_known_url(issuer.rstrip("/"), external=True)
            answer = await self._transport.get_json(url, {}, server.reach)
        if isinstance(answer, NotSent):
            return answer.problem
        if isinstance(answer, Uncertain):
            return _failed("could not be read", answer.problem.http_status)
        return _endpoints(answer, server)


def _endpoints(answer: RawAnswer, server: Server) -> Endpoints | Problem:
    document = parse_object(answer.body) if answer.status == 200 else None  # noqa: PLR2004
    if document is None:
        return _failed("is not there, or is not JSON", answer.status)
    if document.members.get("issuer") != server.issuer:
        return _failed("names another issuer", remedy="write spec.issuer exactly as the server does, slash or none")
    found: dict[str, str] = {}
    for field, name in _FIELDS.items():
        url = getattr(server.endpoints, field) or document.members.get(name) or ""
        if not isinstance(url, str):
            return _failed(f"holds a {name} that is not a URL")
        flaw = _endpoint_flaw(url, server)
        if flaw and field == "keys":
            url = ""  # only a sign-in needs them
        elif flaw:
            return _failed(f"holds a {name} that {flaw}", remedy=_HOSTS)
        found[field] = url
    if not found["token"]:
        return _failed("holds no token_endpoint", remedy="set spec.endpoints.token of the AuthorizationServer")
    names_issuer = document.members.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(**found, issuer=server.issuer or "", names_issuer=names_issuer)


_HOSTS = "if that is meant, an admin adds the host to spec.allowedHosts of the AuthorizationServer"


def _endpoint_flaw(url: str, server: Server) -> str | None:
    if not url:
        return None
    if flaw := url_flaw(url, server.reach):
        return flaw
    host, own = urlsplit(url).hostname or "", urlsplit(server.issuer or "").hostname
    if host == own or any(host_matches(host, pattern) for pattern in server.reach.allowed_hosts):
        return None
    return "lives on a host that is not allowed"


def host_matches(host: str, pattern: str) -> bool:
    """Whether a host is meant by `login.example.com`, or by `*.example.com` at any depth below it."""
    host, pattern = host.lower(), pattern.lower()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _failed(flaw: str, status: int | None = None, remedy: str = "") -> Problem:
    return Problem(
        Reason.DISCOVERY_FAILED,
        f"the metadata document of the authorization server {flaw}",
        remedy or "check spec.issuer of the AuthorizationServer, or set spec.endpoints.token",
        http_status=status,
    )
