"""Stand-ins that are a function from request to reply, on a real socket, in threads of their own."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; header names in lower case.

    Attributes:
        certificate: what the client showed when the connection was opened, or on this path, as DER; None: nothing.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


def _shown(connection: socket.socket, *, late: bool) -> bytes | None:
    if not isinstance(connection, ssl.SSLSocket):
        return None
    if late:
        try:
            connection.verify_client_post_handshake()
        except ssl.SSLError:  # the client has said at the beginning that it has none to show
            return None
        connection.do_handshake()
        _wait_for_certificate(connection)
    return connection.getpeercert(True)


def _wait_for_certificate(connection: ssl.SSLSocket) -> None:
    """Let TLS read on, without waiting for anything that the client would say beside its certificate."""
    connection.setblocking(False)
    try:
        while not connection.getpeercert(True):
            if not select.select([connection], [], [], _PATIENCE)[0]:
                raise TimeoutError
            try:
                connection.recv(1)
            except ssl.SSLWantReadError:
                continue
    finally:
        connection.setblocking(True)


@contextmanager
def serving(
    handle: Callable[[Request], Reply], tls: ssl.SSLContext | None = None, late: Container[str] = ()
) -> Iterator[str]:
    """Serve on a free loopback port, one request at a time; the origin is what it yields.

    Args:
        late: paths on which a certificate is asked for once the request is read, as IIS does; of TLS 1.3 alone.
    """
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                shown = _shown(self.connection, late=self.path in late)
            except OSError:  # ssl.SSLError is one: the alert is all that the client hears
                self.close_connection = True
                return
            with lock:
                reply = handle(Request(self.command, self.path, headers, body, shown))
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:  # the handshake is the handler's part, so that nobody holds up the next one
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
