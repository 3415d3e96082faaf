"""The token endpoint of the benchmark, a process of its own: rotation, replay counting, 50 ms of latency.

`python -m tests.benchmarks.token_server LATENCY_SECONDS` prints its port and serves until it is killed:
POST /token, GET /stats, PUT /life (seconds that the next access tokens live, as the body).
"""

import asyncio
import secrets
import sys
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web
from multidict import MultiMapping

CLIENT_SECRET = "bench-client-secret"
ACCESS_TOKEN_BYTES = 900  # 1200 characters, about what a JWT of Citrix Cloud has


def seed_of(client_id: str) -> str:
    """Return the first refresh token of a client."""
    return f"seed-{client_id}"


@dataclass(slots=True)
class TokenServer:
    """Knows each client's one valid refresh token; every other one it ever gave out is a replay."""

    latency: float
    life: int = 3600
    current: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    async def token(self, request: web.Request) -> web.Response:
        """Answer a token request."""
        form = await request.post()
        answer = self._grant(form)
        await asyncio.sleep(self.latency)
        if "error" in answer:
            self.counts["errors"] += 1
            return web.json_response(answer, status=400)
        self.counts["grants"] += 1
        return web.json_response(answer)

    async def stats(self, _request: web.Request) -> web.Response:
        """Tell the counters."""
        return web.json_response(self.counts)

    async def set_life(self, request: web.Request) -> web.Response:
        """Set how long access tokens live from now on."""
        self.life = int(await request.text())
        return web.Response()

    def _grant(self, form: MultiMapping[str | bytearray | bytes | web.FileField]) -> dict[str, str | int]:
        client_id = str(form.get("client_id", ""))
        if form.get("client_secret") != CLIENT_SECRET:
            return {"error": "invalid_client"}
        answer: dict[str, str | int] = {
            "access_token": secrets.token_urlsafe(ACCESS_TOKEN_BYTES),
            "token_type": "Bearer",
            "expires_in": self.life,
        }
        match form.get("grant_type"):
            case "client_credentials":
                return answer
            case "refresh_token":
                rotated = self._rotate(client_id, str(form.get("refresh_token", "")))
                return {**answer, "refresh_token": rotated} if rotated else {"error": "invalid_grant"}
            case _:
                return {"error": "unsupported_grant_type"}

    def _rotate(self, client_id: str, sent: str) -> str:
        """Return the next refresh token, or "" when the one that was sent is not the current one."""
        if sent != self.current.get(client_id, seed_of(client_id)):
            self.counts["replays"] += sent in self.used
            return ""
        self.used.add(sent)
        self.current[client_id] = secrets.token_urlsafe(48)
        return self.current[client_id]


async def serve(latency: float) -> None:
    """Serve on a free port of loopback for ever."""
    server = TokenServer(latency)
    app = web.Application()
    app.add_routes(
        [web.post("/token", server.token), web.get("/stats", server.stats), web.put("/life", server.set_life)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
