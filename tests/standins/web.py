"""Stand-ins that are a function from request to reply, on a real socket, in threads of their own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; header names in lower case.

    Attributes:
        certificate: what the client showed when the connection was opened, as DER; None: nothing.
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


@contextmanager
def serving(handle: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free loopback port, one request at a time; the origin is what it yields."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            shown = self.connection.getpeercert(True) if isinstance(self.connection, ssl.SSLSocket) else None
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
