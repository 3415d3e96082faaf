"""One HTTP exchange with an authorization server, by construction without anything that could repeat or redirect it.

There is no client object: no cookie jar, redirect, proxy, retry, decompression or kept connection exists here. What
matters to the caller is one question: was a byte of the request written before it failed?
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import aclosing
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
from .tls import Contexts

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


class _SentBefore(Exception):
    """The library was about to send a request for the second time."""


class _Phase:
    """How far one exchange has come; told by the pool's trace hook."""

    def __init__(self, on_sending: Callable[[], None] | None = None) -> None:
        self.sending = False
        self.status: int | None = None
        self._on_sending = on_sending

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        if event == _FIRST_BYTE:
            if self.sending:  # a pool may try again on another connection; ours never gets the chance
                raise _SentBefore
            self.sending = True
            if self._on_sending:
                self._on_sending()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in cast("AsyncIterable[bytes]", self._response.stream):
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class _OneExchange(httpx.AsyncBaseTransport):
    """A pool of its own for every request: nothing of an earlier one can be met again, whatever became of it."""

    def __init__(self, context: ssl.SSLContext | None, backend: GuardedBackend) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_keepalive_connections=0, retries=0, network_backend=backend
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        await self._pool.aclose()


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
        phase = _Phase(on_sending)
        return await self._send(_request(phase, "POST", url, headers, body), reach, phase)

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Get a document; whether it is JSON is for the reader to see."""
        phase = _Phase()
        return await self._send(_request(phase, "GET", url, {"Accept": "application/json", **headers}), reach, phase)

    async def aclose(self) -> None:
        """Forget the TLS contexts; there are no connections to close."""
        self._contexts.clear()

    async def _send(
        self, request: httpx.Request | None, reach: Reach, phase: _Phase
    ) -> RawAnswer | NotSent | Uncertain:
        if request is None:
            return NotSent(failures.bad_url())
        try:
            context = self._contexts.of(reach.ca_bundle) if request.url.scheme == "https" else None
        except ssl.SSLError:
            return NotSent(failures.bad_ca_bundle())
        exchange = _OneExchange(context, GuardedBackend(reach.allowed_addresses, self._resolve))
        try:
            async with asyncio.timeout(self._deadline):
                return await _exchange(exchange, request, phase)
        except Exception as error:
            if phase.sending:  # whatever it was, even a bug of ours: the server may have acted
                return Uncertain(error.problem if isinstance(error, _Refused) else failures.no_answer(phase.status))
            if not isinstance(error, FORESEEN):
                raise
            return NotSent(_why_not_sent(error))
        finally:
            await exchange.aclose()


def _request(
    phase: _Phase, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Request | None:
    try:
        return httpx.Request(method, url, headers={**_OURS, **headers}, content=body, extensions={"trace": phase.trace})
    except (httpx.InvalidURL, UnicodeError):
        return None


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, phase: _Phase) -> RawAnswer:
    response = await transport.handle_async_request(request)
    phase.status = response.status_code
    headers = {name.lower(): value for name, value in response.headers.items()}
    return RawAnswer(response.status_code, headers, await _read(response))


async def _read(response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async with aclosing(cast("AsyncGenerator[bytes, None]", aiter(cast("_Body", response.stream)))) as stream:
        async for chunk in stream:
            size += len(chunk)
            chunks.append(chunk)
            if size > BODY_LIMIT or len(chunks) > CHUNK_LIMIT:
                raise _Refused(failures.too_large(response.status_code))
    return b"".join(chunks)


def _why_not_sent(error: Exception) -> Problem:
    if isinstance(error, ConnectDenied):
        return failures.address_not_allowed()
    return failures.unreachable(error.words if isinstance(error, HandshakeFailed) else None)
