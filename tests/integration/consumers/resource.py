"""A small protected resource: takes some tokens, refuses the others as RFC 6750 or as Citrix does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Refusal = tuple[HTTPStatus, dict[str, str]]

UNAUTHORIZED: Refusal = (HTTPStatus.UNAUTHORIZED, {})
CITRIX: Refusal = (HTTPStatus.BAD_REQUEST, {"error": "invalid_grant", "error_description": "Access token is invalid."})
OTHER: Refusal = (HTTPStatus.BAD_REQUEST, {"error": "invalid_request"})


class ProtectedResource:
    """Remembers which tokens it saw, in order. A context manager.

    Attributes:
        good: the tokens it takes.
        refusal: what it answers to the others, after it has called `on_refusal`.
    """

    def __init__(self) -> None:
        self.good: set[str] = set()
        self.seen: list[str] = []
        self.refusal: Refusal = UNAUTHORIZED
        self.on_refusal: Callable[[], None] = lambda: None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._http.server_port}/"

    def _answer(self, authorization: str) -> Refusal:
        token = authorization.removeprefix("Bearer ")
        self.seen.append(token)
        if token in self.good:
            return HTTPStatus.OK, {}
        self.on_refusal()
        return self.refusal

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        resource = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content = resource._answer(self.headers.get("Authorization", ""))
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
