"""The proxy in front of the portal, as an OIDC proxy is: https, a session in a Lax cookie, the user's token sent on."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import trustme

COOKIE = "front"
STRANGER = "front: sign in first"
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host", "authorization"}


class Front:
    """Listens on a port of localhost; whoever opens `/front/NAME` is that user from then on. A context manager.

    Args:
        upstream: the portal's port.
        tokens: bearer tokens by user.
    """

    def __init__(self, port: int, upstream: int, tokens: Mapping[str, str]) -> None:
        self.origin = f"https://localhost:{port}"
        self._server = _Server(port, upstream, tokens)
        self._thread = threading.Thread(target=self._server.serve_forever, name="front", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """Serves https; of what a browser breaks off it says nothing."""

    daemon_threads = True

    def __init__(self, port: int, upstream: int, tokens: Mapping[str, str]) -> None:
        super().__init__(("localhost", port), _Handler)
        self.upstream, self.tokens = upstream, tokens
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Begin a session, or pass on."""
        _, place, user = [*self.path.split("/"), "", ""][:3]
        if place == "front":
            cookie = f"{COOKIE}={user}; Path=/; Secure; HttpOnly; SameSite=Lax"
            self._answer(303, {"Location": "/", "Set-Cookie": cookie}, b"")
        else:
            self._pass_on()

    def do_POST(self) -> None:
        """Pass on."""
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        session = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        is_answer = (self.command, self.path) == ("POST", "/callback")  # let through without a session
        if session is None and not is_answer:
            self._answer(403, {}, STRANGER.encode())
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        if session is not None and session.value in self.server.tokens:
            headers["Authorization"] = f"Bearer {self.server.tokens[session.value]}"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        with closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
