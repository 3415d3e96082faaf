"""A refused credential closes the session of all watchers: each begins anew, whatever it was doing just then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import kopf
import pytest
from aiohttp import web
from kopf._cogs.clients.api import iter_jsonlines

from citrix_oauth_operator import handlers


@pytest.fixture
async def response() -> AsyncIterator[aiohttp.ClientResponse]:
    """A watch that says nothing, through a session that is closed as soon as it has begun."""
    over = asyncio.Event()

    async def watch(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await over.wait()
        return answer

    app = web.Application()
    app.router.add_get("/", watch)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        begun = await session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    yield begun
    begun.close()
    over.set()
    await runner.cleanup()


async def test_who_comes_to_read_a_stream_that_was_closed_hears_of_a_broken_connection(
    response: aiohttp.ClientResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what kopf expects of a stream; any other error ends the process."""
    monkeypatch.setattr(aiohttp.StreamReader, "_wait", handlers._wait)  # and is put back afterwards
    handlers.configure(kopf.OperatorSettings())
    with pytest.raises(aiohttp.ClientConnectionError):
        await anext(iter_jsonlines(response.content))
