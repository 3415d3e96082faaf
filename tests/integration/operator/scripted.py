"""Scripted token endpoints, served from one thread for tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.standins.token_endpoint import Reply, TokenEndpoint


class Endpoints:
    """Opens endpoints; all of them end with it. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="token endpoints", daemon=True)
        self._open: list[TokenEndpoint] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, *script: Reply, default: Reply | None = None) -> TokenEndpoint:
        """Return a running endpoint that plays `script`, then answers with `default`."""
        endpoint = TokenEndpoint(default=default)
        endpoint.script(*script)
        asyncio.run_coroutine_threadsafe(endpoint.__aenter__(), self._loop).result()
        self._open.append(endpoint)
        return endpoint

    async def _close(self) -> None:
        for endpoint in self._open:
            await endpoint.__aexit__(None, None, None)
