"""One HTTP exchange with an authorization server, by construction without anything that could repeat or redirect it.

There is neither a client object nor a pool: no cookie jar, redirect, proxy, retry, decompression or kept connection
exists here. What matters to the caller is one question: was a byte of the request written before it failed?
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import cast

import httpcore
import httpx

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach

from . import failures
from .addresses import Resolve, system_resolver
from .network import ConnectDenied, GuardedBackend, HandshakeFailed
from .raw import RawAnswer
from .tls import Contexts, IdentityUnusable, is_identity_refused

__all__ = ["RawAnswer", "Transport"]

DEADLINE_SECONDS = 30.0
BODY_LIMIT = 256 * 1024
CHUNK_LIMIT = 4096  # a body of one-byte chunks costs CPU, not memory
_OURS = {"User-Agent": "citrix-oauth-operator", "Accept-Encoding": "identity", "Connection": "close"}
_FIRST_BYTE = "http11.send_request_headers.started"

#: What may fail before the first byte; anything else there is a bug of ours and may surface: nothing has been spent.
FORESEEN: tuple[type[Exception], ...] = (
    OSError,  # TimeoutError and ssl.SSLError among them
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class _Refused(Exception):
    """The answer's head or size is not acceptable."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Phase:
    """How far one exchange has come; told by the connection's trace hook."""

    def __init__(self, on_sending: Callable[[], None] | None = None) -> None:
        self.sending = False
        self.status: int | None = None
        self._on_sending = on_sending

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        if event == _FIRST_BYTE:
            self.sending = True
            if self._on_sending:
                self._on_sending()


class Transport:
    """Sends requests to authorization servers, within the reach that the admin gave each of them.

    Args:
        deadline: seconds for a whole exchange, from resolving the name to the last byte.
    """

    def __init__(self, *, deadline: float = DEADLINE_SECONDS, resolve: Resolve = system_resolver) -> None:
        self._deadline, self._resolve = deadline, resolve
        self._contexts = Contexts()
        for name in ("httpx", "httpcore"):  # at DEBUG they print URLs and headers, whatever our own level is
            logging.getLogger(name).setLevel(logging.WARNING)

    async def post_form(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        reach: Reach,
        *,
        on_sending: Callable[[], None] | None = None,
    ) -> RawAnswer | NotSent | Uncertain:
        """Post `body`; `on_sending` is called right before the first byte is written."""
        return await self._send(_request("POST", url, headers, body), reach, _Phase(on_sending))

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Get a document; whether it is JSON is for the reader to see."""
        return await self._send(_request("GET", url, {"Accept": "application/json", **headers}), reach, _Phase())

    async def aclose(self) -> None:
        """Forget the TLS contexts; there are no connections to close."""
        self._contexts.clear()

    async def _send(
        self, request: httpcore.Request | None, reach: Reach, phase: _Phase
    ) -> RawAnswer | NotSent | Uncertain:
        if request is None:
            return NotSent(failures.bad_url())
        try:
            context = self._contexts.of(reach.ca_bundle, reach.identity) if request.url.scheme == b"https" else None
        except IdentityUnusable:
            return NotSent(failures.bad_identity())
        except ssl.SSLError:
            return NotSent(failures.bad_ca_bundle())
        backend = GuardedBackend(reach.allowed_addresses, self._resolve)
        request.extensions = {"trace": phase.trace}
        try:
            async with asyncio.timeout(self._deadline), _connected(backend, request.url.origin, context) as connection:
                return await _exchange(connection, request, phase)
        except Exception as error:
            if reach.identity is not None and is_identity_refused(error):
                return NotSent(failures.identity_refused())
            if phase.sending:  # whatever it was, even a bug of ours: the server may have acted
                return Uncertain(error.problem if isinstance(error, _Refused) else failures.no_answer(phase.status))
            if not isinstance(error, FORESEEN):
                raise
            return NotSent(_why_not_sent(error))


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> httpcore.Request | None:
    """Build a request; None when the URL cannot be called."""
    try:
        request = httpx.Request(method, url, headers={**_OURS, **headers}, content=body)
    except (httpx.InvalidURL, UnicodeError):
        return None
    target = request.url
    if target.scheme not in {"http", "https"} or not target.host:
        return None
    address = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
    return httpcore.Request(method, address, headers=request.headers.raw, content=request.content)


@asynccontextmanager
async def _connected(
    backend: GuardedBackend, origin: httpcore.Origin, context: ssl.SSLContext | None
) -> AsyncGenerator[httpcore.AsyncHTTP11Connection]:
    """Open a connection for one request; nothing of an earlier one can be met again, whatever became of it."""
    host = origin.host.decode("ascii")
    stream = await backend.connect_tcp(host, origin.port)
    try:
        if context is not None:
            stream = await stream.start_tls(context, server_hostname=host)
        yield httpcore.AsyncHTTP11Connection(origin, stream)
    finally:
        await stream.aclose()


async def _exchange(connection: httpcore.AsyncHTTP11Connection, request: httpcore.Request, phase: _Phase) -> RawAnswer:
    response = await connection.handle_async_request(request)
    phase.status = response.status
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return RawAnswer(response.status, headers, await _read(response))


async def _read(response: httpcore.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async with aclosing(cast("AsyncGenerator[bytes, None]", aiter(cast("AsyncIterable[bytes]", response.stream)))) as s:
        async for chunk in s:
            size += len(chunk)
            chunks.append(chunk)
            if size > BODY_LIMIT or len(chunks) > CHUNK_LIMIT:
                raise _Refused(failures.too_large(response.status))
    return b"".join(chunks)


def _why_not_sent(error: Exception) -> Problem:
    if isinstance(error, ConnectDenied):
        return failures.address_not_allowed()
    return failures.unreachable(error.words if isinstance(error, HandshakeFailed) else None)
