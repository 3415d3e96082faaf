"""The strict authorization server's own log, on which every verdict rests."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.integration.operator.eventually import eventually
from tests.standins.rotating import CLIENT_SECRET, RotatingServer, seed_of


def test_a_stalled_request_is_in_the_log_when_its_client_has_left(tmp_path: Path) -> None:
    """It has replaced the token: a log without it would call the next sending of that token unexplained."""
    with RotatingServer(tmp_path, logged=True) as server:
        server.set(faults=[{"kind": "stall after"}])
        address = urlsplit(server.url)
        form = {"grant_type": "refresh_token", "client_id": "a", "client_secret": CLIENT_SECRET}
        body = urlencode({**form, "refresh_token": seed_of("a")})
        head = f"POST {address.path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(f"{head}{body}".encode())
            eventually(lambda: server.grants() == 1, "the token is replaced")
            assert server.records() == []
        (record,) = eventually(server.records, "the request is in the log")
        assert record["fault"] == "stall after"
        assert record["committed"]
