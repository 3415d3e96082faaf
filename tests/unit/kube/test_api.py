"""The edge to the API server, against one that is busy."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from citrix_oauth_operator.domain.errors import ApiError, Unreachable
from citrix_oauth_operator.kube.access import Access
from citrix_oauth_operator.kube.api import Api, _result


async def _ask_a_busy_server(refusals: int, pauses: tuple[float, ...]) -> dict[str, str]:
    left = [429] * refusals

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"kind": "Status"} if left else {"kind": "Pod"}, status=left.pop() if left else 200)

    application = web.Application()
    application.router.add_get("/pod", answer)
    async with TestServer(application) as server, Api(Access(str(server.make_url("")).rstrip("/")), pauses) as api:
        return await api.get("/pod") or {}


def test_a_busy_api_server_is_asked_again_where_that_is_wanted() -> None:
    """It says 429 for seconds after a CRD was made, and does nothing then."""
    assert asyncio.run(_ask_a_busy_server(2, (0, 0))) == {"kind": "Pod"}


@pytest.mark.parametrize("pauses", [pytest.param((), id="the operator's own"), pytest.param((0, 0), id="a command's")])
def test_patience_ends(pauses: tuple[float, ...]) -> None:
    """The operator's callers have their own back-off."""
    with pytest.raises(ApiError, match="answered 429"):
        asyncio.run(_ask_a_busy_server(3, pauses))


@pytest.mark.parametrize("content", [b"[]", b'"ok"', b"null", b"<html>", b""])
def test_what_is_no_object_came_from_no_api_server(content: bytes) -> None:
    """A proxy or a load balancer in between says 200, too."""
    with pytest.raises(Unreachable):
        _result(200, content)
