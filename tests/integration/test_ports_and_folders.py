"""Ports and folders that processes beside each other take: what one has chosen is no other one's."""

from __future__ import annotations

import fcntl
import socket
from typing import TextIO

import pytest

from tests.control_plane.cache import Workspace
from tests.control_plane.children import free_port


def test_a_free_port_is_kept_for_its_server_also_while_that_is_away() -> None:
    """Minutes pass between the choice and the server, and four processes choose."""
    port = free_port()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)):
            socket.create_connection(("127.0.0.1", port)).close()


def test_a_folder_that_is_being_made_is_not_taken_for_one_that_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process begins, and sweeps, between the folder and its lock."""
    lock, others = fcntl.flock, list[Workspace]()

    def begin_meanwhile(file: TextIO, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        others.append(Workspace("probe"))
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", begin_meanwhile)
    made = Workspace("probe")
    try:
        assert made.path.exists()
    finally:
        for workspace in (made, *others):
            workspace.remove()
