"""A proxy before the API server that plays faults and logs what was asked and answered.

`python -m tests.faults.proxy FOLDER KUBECONFIG LOG REPLICA...` listens once for each replica, with the certificate of
the control plane in FOLDER; prints the control port and one port a replica.
Control: PUT /rules (JSON, see Rule).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import aiohttp
from aiohttp import web

from tests.control_plane.credentials import read_kubeconfig
from tests.faults.grant_writes import GrantWrite, grant_write, published
from tests.faults.rules import Rule

_HOP = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}
_BODY_LIMIT = 16 * 1024 * 1024


@dataclass(slots=True)
class Call:
    """One write, in seconds of CLOCK_MONOTONIC.

    Attributes:
        answered: when the API server's answer was here; None: it was not asked.
        status: of its answer; 0 for none.
        fault: what was played; "" for nothing.
        version: resourceVersion of what was written; 0 where nothing was.
        grant: what a grant Secret was to hold.
        published: fingerprint of the access token that a token Secret was to hold.
    """

    replica: str
    verb: str
    path: str
    arrival: float
    answered: float | None = None
    status: int = 0
    fault: str = ""
    version: int = 0
    grant: GrantWrite | None = None
    published: str = ""


class Proxy:
    """Forwards everything to one API server, through the rules."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession, log: TextIO) -> None:
        self.rules: list[Rule] = []
        self._upstream, self._session, self._log = upstream, session, log
        self._changed = asyncio.Event()

    def application(self, replica: str) -> web.Application:
        """Return what one replica talks to."""

        async def forward(request: web.Request) -> web.StreamResponse:
            return await self._forward(replica, request)

        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", forward)
        return app

    async def set_rules(self, request: web.Request) -> web.Response:
        """Replace the rules."""
        self.rules = [Rule(**rule) for rule in await request.json()]
        self._changed.set()  # wakes those who wait in a black hole
        self._changed = asyncio.Event()
        return web.Response()

    async def _forward(self, replica: str, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = Call(replica, request.method, request.path, time.monotonic())
        if "/secrets" in request.path:
            call.grant, call.published = grant_write(body), published(body)
        rule = next((rule for rule in self.rules if rule.hits(replica, request.method, request.path)), None)
        call.fault = rule.action if rule else ""
        try:
            match rule:
                case Rule(action="delay"):
                    await asyncio.sleep(rule.value)
                case Rule(action="status"):
                    return _status(int(rule.value))
                case Rule(action="reset"):
                    return _cut(request)
                case Rule(action="black hole"):
                    await self._lifted(call)
                    return _cut(request)
            return await self._pass_on(request, body, call)
        except aiohttp.ClientError:
            return _cut(request)
        finally:
            if call.verb not in {"GET", "HEAD"}:
                self._log.write(json.dumps(asdict(call)) + "\n")
                self._log.flush()

    async def _pass_on(self, request: web.Request, body: bytes, call: Call) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = self._upstream + request.raw_path
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            if "watch" in request.query:
                return await self._stream(request, answer, call)
            content = await answer.read()
            call.answered, call.status = time.monotonic(), answer.status
            if (call.grant or call.published) and answer.ok:
                call.version = int(json.loads(content)["metadata"]["resourceVersion"])
            if call.fault == "drop answer":
                return _cut(request)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(status=answer.status, headers=kept, body=content)

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse, call: Call) -> web.StreamResponse:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await self._lifted(call)
            await response.write(chunk)
        return response

    async def _lifted(self, call: Call) -> None:
        """Wait while a black hole takes such requests."""
        while any(
            each.action == "black hole" and each.concerns(call.replica, call.verb, call.path) for each in self.rules
        ):
            await self._changed.wait()


def _status(code: int) -> web.Response:
    reasons = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reasons.get(code, ""), "code": code}
    return web.json_response(body, status=code)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def serve(folder: Path, kubeconfig: Path, log: Path, replicas: Sequence[str]) -> None:
    """Serve on free ports of loopback for ever."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(folder / "server.crt", folder / "server.key")
    client_side = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    connector = aiohttp.TCPConnector(ssl=client_side, limit=0)
    nothing = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=nothing, auto_decompress=False) as session:
        proxy = Proxy(read_kubeconfig(kubeconfig)[0], session, log.open("a"))
        control = web.Application()
        control.router.add_put("/rules", proxy.set_rules)
        ports = [await _listen(control, None)]
        ports += [await _listen(proxy.application(name), server_side) for name in replicas]
        sys.stdout.write(" ".join(map(str, ports)) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def _listen(app: web.Application, context: ssl.SSLContext | None) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return int(runner.addresses[0][1])


def main(arguments: Sequence[str]) -> None:
    """Parse the command line and serve."""
    folder, kubeconfig, log, *replicas = arguments
    asyncio.run(serve(Path(folder), Path(kubeconfig), Path(log), replicas))


if __name__ == "__main__":
    main(sys.argv[1:])
