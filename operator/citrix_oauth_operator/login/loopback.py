"""Where the browser returns to: a redirect URI on this machine, and the listener behind it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import secrets
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from citrix_oauth_operator.domain.sign_in import SignIn

from . import pages
from .attempt import Attempt
from .callback import BODY_LIMIT, Declined, Stray, parameters, read
from .pages import Page

DEFAULT_REDIRECT_URI = "http://localhost:7182/callback"
HOLD_SECONDS = 25.0

_PORTS = {"http": 80, "https": 443}
_GOODBYE_SECONDS = 5.0  # for the last page to reach the browser
_NO_SUCH_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})  # a machine without IPv6


class PortTaken(Exception):
    """Another program listens there, or this one may not."""


@dataclass(frozen=True, slots=True)
class Loopback:
    """A redirect URI that leads to this machine (RFC 8252 section 7.3).

    Attributes:
        host: as a browser is told it; `localhost` is listened to on both its addresses.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, redirect_uri: str) -> Self | None:
        """Return where a redirect URI leads, or None: not to this machine."""
        try:
            parts = urlsplit(redirect_uri)
            port = parts.port or _PORTS[parts.scheme]
            host = parts.hostname or ""
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                return None
        except (ValueError, KeyError):
            return None
        return cls(parts.scheme, host, port, parts.path or "/")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that the browser may try."""
        return ("127.0.0.1", "::1") if self.host == "localhost" else (self.host,)

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in a URL."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Listener:
    """Sends one browser off and waits for its return; open as long as its context.

    Args:
        hold: seconds that a browser waits for what comes of the sign-in; then it is told to look at the terminal.

    Attributes:
        start_url: what to open in the browser. It leads to the server by a redirect, so that a missing tunnel or a
            refused certificate shows before the sign-in and not after it.
    """

    def __init__(
        self, attempt: Attempt, at: Loopback, tls: ssl.SSLContext | None = None, hold: float = HOLD_SECONDS
    ) -> None:
        self._attempt, self._at, self._tls, self._hold = attempt, at, tls, hold
        self._start = f"/sign-in/{secrets.token_urlsafe(16)}"
        self.start_url = at.origin + self._start
        self._answer: asyncio.Future[SignIn | Declined] = asyncio.get_running_loop().create_future()
        self._page: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_GOODBYE_SECONDS)

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_LIMIT)
        application.router.add_get(self._start, self._send_off, allow_head=False)
        application.router.add_get(self._at.path, self._returned, allow_head=False)
        application.router.add_post(self._at.path, self._returned)
        application.router.add_route("*", "/{other:.*}", _elsewhere)
        return application

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            PortTaken: on one of the addresses that the browser may try, somebody else would get the code.
        """
        with ExitStack() as opened:
            sockets = [opened.enter_context(one) for one in map(self._listen, self._at.addresses) if one]
            if not sockets:
                raise PortTaken
            await self._runner.setup()
            for one in sockets:
                await web.SockSite(self._runner, one, ssl_context=self._tls).start()
            opened.pop_all()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.conclude(pages.ENDED)
        await self._runner.cleanup()

    def _listen(self, address: str) -> socket.socket | None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            return socket.create_server((address, self._at.port), family=family)
        except OSError as error:
            if error.errno in _NO_SUCH_ADDRESS:
                return None
            raise PortTaken from None

    async def answer(self) -> SignIn | Declined:
        """Wait for the first answer to this attempt; whatever else comes is answered, and changes nothing."""
        return await asyncio.shield(self._answer)

    def conclude(self, page: Page) -> None:
        """Tell every browser that came, and comes, what became of it; the first word holds."""
        if not self._page.done():
            self._page.set_result(page)

    async def _send_off(self, _request: web.Request) -> web.Response:
        if self._answer.done():
            return _shown(await self._outcome())
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={**pages.HEADERS, "Location": self._attempt.url})

    async def _returned(self, request: web.Request) -> web.Response:
        posted = (await request.read()).decode("ascii", "replace")  # a form is ASCII, whatever it says of itself
        text = posted if request.method == "POST" else request.query_string
        found = read(self._attempt, parameters(text))
        if isinstance(found, Stray):
            return _shown(pages.STRAY)
        if not self._answer.done():
            self._answer.set_result(found)
        return _shown(await self._outcome())

    async def _outcome(self) -> Page:
        try:
            return await asyncio.wait_for(asyncio.shield(self._page), self._hold)
        except TimeoutError:
            return pages.ARRIVED


async def _elsewhere(_request: web.Request) -> web.Response:
    return _shown(pages.NOT_HERE)


def _shown(page: Page) -> web.Response:
    return web.Response(status=page.status, text=page.html(), content_type="text/html", headers=pages.HEADERS)
