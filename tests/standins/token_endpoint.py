"""A token endpoint that answers exactly the bytes a test wrote down: hostile, broken and slow servers.

Runs in the test's own event loop::

    async with TokenEndpoint() as endpoint:
        endpoint.script(json_reply({"access_token": "at-1"}), reset_after_reading())
        ...
        assert endpoint.requests[0].form["grant_type"] == "refresh_token"
"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qsl

import trustme

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close() sends RST instead of FIN


@dataclass(frozen=True, slots=True)
class Reply:
    """What happens to one request.

    `chunks` are sent as they are, `pause_seconds` apart, `delay_seconds` after the request was read; then `ending`:
    `close` (FIN), `reset` (RST), `stall` (keep the connection open in silence), `keep` (read the next request).
    `refuse` resets the connection as soon as it is accepted, before a byte of the request is read.
    """

    chunks: tuple[bytes, ...] = ()
    ending: Literal["close", "reset", "stall", "keep"] = "close"
    delay_seconds: float = 0
    pause_seconds: float = 0
    refuse: bool = False


def raw_reply(content: bytes, *, delay_seconds: float = 0) -> Reply:
    """Bytes as they are, then FIN."""
    return Reply((content,), delay_seconds=delay_seconds)


def http_reply(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, *, delay_seconds: float = 0
) -> Reply:
    """A well-formed HTTP/1.1 answer around any body; `headers` may override the length."""
    fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return raw_reply("\r\n".join(lines).encode("latin-1") + body, delay_seconds=delay_seconds)


def json_reply(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None, *, delay_seconds: float = 0
) -> Reply:
    """A well-formed JSON answer."""
    fields = {"Content-Type": "application/json", **(headers or {})}
    return http_reply(json.dumps(content).encode(), status, fields, delay_seconds=delay_seconds)


def drip_reply(content: bytes, *, size: int = 1, pause_seconds: float = 0.01) -> Reply:
    """The same bytes, `size` at a time."""
    pieces = tuple(content[at : at + size] for at in range(0, len(content), size))
    return Reply(pieces, pause_seconds=pause_seconds)


def reset_before_reading() -> Reply:
    """RST at once: the server cannot have acted."""
    return Reply(refuse=True)


def reset_after_reading() -> Reply:
    """RST once the whole request was read: the server may have acted."""
    return Reply(ending="reset")


def stall() -> Reply:
    """Read the request and never answer."""
    return Reply(ending="stall")


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in; header names in lower case, the last of equal form fields wins."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def form(self) -> dict[str, str]:
        """The parsed form body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class TokenEndpoint:
    """The server; an asynchronous context manager.

    Args:
        tls: serve https with a certificate of our own CA.
        default: what to do when the script is over; 500 unless told otherwise.

    Attributes:
        url: address of the endpoint; any other path is answered alike.
        ca_pem: the CA to trust; b"" without TLS.
        requests: what was received, oldest first. Connections refused before reading are counted in `refused`.
    """

    def __init__(self, *, tls: bool = False, default: Reply | None = None) -> None:
        self.url = ""
        self.ca_pem = b""
        self.requests: list[Received] = []
        self.refused = 0
        self._default = default or http_reply(b"the script is over", 500)
        self._replies: deque[Reply] = deque()
        self._context = self._certify() if tls else None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def script(self, *replies: Reply) -> None:
        """Append replies; each serves one request, in order of arrival."""
        self._replies.extend(replies)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._context)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._context else 'http'}://127.0.0.1:{port}/core/connect/token"
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _certify(self) -> ssl.SSLContext:
        authority = trustme.CA(organization_name="scripted token endpoint")
        self.ca_pem = authority.cert_pem.bytes()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away; that is its right
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; returns whether another one may follow on this connection."""
        if self._replies and self._replies[0].refuse:
            self._replies.popleft()
            self.refused += 1
            reset(writer)
            return False
        self.requests.append(await read_request(reader))
        reply = self._replies.popleft() if self._replies else self._default
        await asyncio.sleep(reply.delay_seconds)
        for number, chunk in enumerate(reply.chunks):
            await asyncio.sleep(reply.pause_seconds if number else 0)
            writer.write(chunk)
            await writer.drain()
        if reply.ending == "stall":
            await reader.read()  # until the client hangs up
        elif reply.ending == "reset":
            reset(writer)
        return reply.ending == "keep"


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request with a Content-Length body.

    Raises:
        asyncio.IncompleteReadError: the client closed before the request was whole.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = request_line.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)
