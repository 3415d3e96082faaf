"""What the web server takes, however the network cuts it into pieces."""

from __future__ import annotations

import asyncio

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from citrix_oauth_operator.login.portal.serve import web_server
from tests.unit.login.portal.stage import Stage


class Wire(asyncio.Transport):
    """The server's end of a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is sent."""
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        """It stays open."""
        return False

    def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(("size", "status"), [(60_000, 200), (70_000, 400)], ids=["as they come", "beyond measure"])
async def test_headers_may_be_as_large_as_tokens_and_proxys_cookies_make_them(size: int, status: int) -> None:
    """Somebody in many groups; nobody knows where the network cuts a request."""
    wire, server = Wire(), ServerState()
    protocol = H11Protocol(web_server(Stage().portal).config, server, {})
    protocol.connection_made(wire)
    protocol.data_received(b"GET /-/healthz HTTP/1.1\r\nHost: portal\r\nCookie: a=%b" % (b"x" * size))
    if not wire.sent:
        protocol.data_received(b"\r\nConnection: close\r\n\r\n")
        await asyncio.gather(*server.tasks)
    assert wire.sent.startswith(b"HTTP/1.1 %d " % status)
