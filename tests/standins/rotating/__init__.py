"""A small token server that rotates and keeps books: who presented what, what was committed, what reached the socket.

It replaces every refresh token it takes, revokes the whole family at a replay, and writes one line a request to a log
that others judge by. `python -m tests.standins.rotating` serves; `RotatingServer` runs it as a process.
"""

from tests.standins.rotating.families import CLIENT_SECRET, seed_of
from tests.standins.rotating.process import RotatingServer

__all__ = ["CLIENT_SECRET", "RotatingServer", "seed_of"]
