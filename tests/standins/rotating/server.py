"""The server: plain HTTP over asyncio streams, so that it knows when the last byte left and when the client went."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from tests.standins.rotating.families import CLIENT_SECRET, Families, fingerprint
from tests.standins.rotating.knobs import AFTER, BEFORE, FaultKind, Knobs
from tests.standins.token_endpoint import read_request, reset

ACCESS_TOKEN_BYTES = 900  # 1200 characters, about what a JWT of Citrix Cloud has
_GOODBYE_SECONDS = 60.0  # for a client to close its side: it may be starved, and the log must say when it did
_REASONS = {200: "OK", 400: "Bad Request", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(slots=True)
class Record:
    """One token request, in seconds of CLOCK_MONOTONIC, which all processes of a machine share.

    Attributes:
        arrival: when the whole request was read.
        presented: fingerprint of the refresh token; "" for other grants.
        committed: when the server had replaced it.
        fault: what the server was told to do to this request.
        handed: when the last byte of the answer was given to the socket.
        closed: when the client closed its side, or died.
    """

    client: str
    grant_type: str
    arrival: float
    presented: str = ""
    family: str = ""
    outcome: str = ""
    committed: float | None = None
    issued: str = ""
    fault: str = ""
    handed: float | None = None
    closed: float | None = None


class Server:
    """Serves token requests; every one ends as one line of the log."""

    def __init__(self, log: TextIO | None) -> None:
        self.knobs = Knobs()
        self.families = Families()
        self.counts: Counter[str] = Counter()
        self.ends: dict[str, float] = {}
        self._log = log
        self._released = asyncio.Event()
        self._released.set()

    def set(self, changes: dict[str, Any]) -> None:
        """Turn knobs."""
        self.knobs = self.knobs.changed(changes)
        (self._released.clear if self.knobs.held else self._released.set)()
        self.families.grace = self.knobs.grace

    def expired(self, access_tokens: list[str]) -> int:
        """Return how many of these access tokens this server would not accept now."""
        now = time.monotonic()
        return sum(self.ends.get(fingerprint(token), 0.0) <= now for token in access_tokens)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which carries one request."""
        try:
            if self.knobs.dead:
                reset(writer)
                return
            received = await read_request(reader)
            form = received.form
            shown = form.get("refresh_token", "")
            record = Record(form.get("client_id", ""), form.get("grant_type", ""), time.monotonic())
            record.presented = fingerprint(shown) if shown else ""
            self.counts["in_flight"] += 1
            gone = asyncio.create_task(_await_end(reader, record))
            try:
                await self._answer(form, record, writer, gone)
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await asyncio.shield(gone)
            finally:
                gone.cancel()
                self.counts["in_flight"] -= 1
                self._write(record)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client went away; that is its right
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, form: Mapping[str, str], record: Record, writer: asyncio.StreamWriter, gone: asyncio.Task[None]
    ) -> None:
        before = self.knobs.take(BEFORE)
        if before:
            record.fault, record.outcome = before, "faulted"
            await self._play(before, b"", writer, gone)
            return
        await self._released.wait()
        knobs = self.knobs
        await asyncio.sleep(knobs.latency * knobs.commit_at)
        if knobs.abandons and record.closed is not None:
            record.outcome = "abandoned"
            return
        status, answer = self._grant(form, record)
        body = json.dumps(answer).encode()
        after = self.knobs.take(AFTER) if record.committed is not None else None
        await asyncio.sleep(knobs.latency * (1 - knobs.commit_at))
        if after:
            record.fault = after
            await self._play(after, body, writer, gone)
            return
        writer.write(_message(status, body))
        await writer.drain()
        record.handed = time.monotonic()

    def _grant(self, form: Mapping[str, str], record: Record) -> tuple[int, dict[str, Any]]:
        if form.get("client_secret") != CLIENT_SECRET:
            return self._refuse(record, "invalid_client")
        if record.grant_type == "client_credentials":
            return 200, self._tokens(record)
        if record.grant_type != "refresh_token":
            return self._refuse(record, "unsupported_grant_type")
        shown, now = form.get("refresh_token", ""), time.monotonic()
        decision = self.families.spend(record.client, shown, now)
        record.family, record.outcome = decision.family, decision.outcome
        self.counts["replays"] += decision.outcome == "replay"
        if not decision.token:
            return self._refuse(record, "invalid_grant")
        record.committed, record.issued = now, fingerprint(decision.token)
        return 200, {**self._tokens(record), "refresh_token": decision.token}

    def _tokens(self, record: Record) -> dict[str, Any]:
        self.counts["grants"] += 1
        record.outcome = record.outcome or "granted"
        access_token = f"CANARY-{secrets.token_urlsafe(ACCESS_TOKEN_BYTES)}"
        self.ends[fingerprint(access_token)] = time.monotonic() + self.knobs.life
        return {"access_token": access_token, "token_type": "Bearer", "expires_in": self.knobs.life}

    def _refuse(self, record: Record, error: str) -> tuple[int, dict[str, Any]]:
        self.counts["errors"] += 1
        record.outcome = record.outcome or error
        return 400, {"error": error}

    async def _play(
        self, fault: FaultKind, body: bytes, writer: asyncio.StreamWriter, gone: asyncio.Task[None]
    ) -> None:
        match fault:
            case "500 before" | "500 after":
                writer.write(_message(500, b"<html>Internal Server Error</html>"))
            case "429 before":
                writer.write(_message(429, b'{"error": "slow_down"}', "Retry-After: 1\r\n"))
            case "truncate after":
                writer.write(_message(200, body)[: -len(body) // 2])
            case "stall after":
                await asyncio.wait({gone}, timeout=self.knobs.stall_seconds)  # a log without it would tell of no fault
        await writer.drain()
        if fault == "reset after":
            reset(writer)
        elif fault in {"drop before", "drop after", "truncate after", "stall after"}:
            writer.close()

    def _write(self, record: Record) -> None:
        if self._log:
            self._log.write(json.dumps(asdict(record)) + "\n")
            self._log.flush()


async def _await_end(reader: asyncio.StreamReader, record: Record) -> None:
    with contextlib.suppress(OSError):
        await reader.read()
    record.closed = time.monotonic()


def _message(status: int, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode() + body
