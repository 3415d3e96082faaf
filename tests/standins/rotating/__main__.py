"""`python -m tests.standins.rotating LATENCY_SECONDS [LOG]` prints two ports, tokens and control, and serves.

Control: GET /stats, PUT /knobs (JSON, see Knobs), GET /live (family: fingerprint), POST /expired (access tokens).
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from tests.standins.rotating.server import Server


def control_of(server: Server) -> web.Application:
    """Return the application of the control port."""

    async def stats(_request: web.Request) -> web.Response:
        return web.json_response(server.counts)

    async def knobs(request: web.Request) -> web.Response:
        server.set(await request.json())
        return web.Response()

    async def live(_request: web.Request) -> web.Response:
        return web.json_response(server.families.live())

    async def expired(request: web.Request) -> web.Response:
        return web.json_response(server.expired(await request.json()))

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.add_routes(
        [web.get("/stats", stats), web.put("/knobs", knobs), web.get("/live", live), web.post("/expired", expired)]
    )
    return app


async def serve(latency: float, log: Path | None) -> None:
    """Serve on free ports of loopback for ever."""
    server = Server(log.open("a") if log else None)
    server.set({"latency": latency})
    tokens = await asyncio.start_server(server.converse, "127.0.0.1", 0, backlog=1024)
    runner = web.AppRunner(control_of(server), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{tokens.sockets[0].getsockname()[1]} {runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await tokens.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Parse the command line and serve."""
    latency, *log = arguments
    asyncio.run(serve(float(latency), Path(log[0]) if log else None))


if __name__ == "__main__":
    main(sys.argv[1:])
