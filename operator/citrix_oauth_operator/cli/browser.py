"""The browser of the person at the terminal: whether there is one here, and how to reach this machine otherwise."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import sys
import webbrowser
from collections.abc import Mapping
from typing import Protocol

from citrix_oauth_operator.login.loopback import Loopback


class Say(Protocol):
    """Prints a line."""

    def __call__(self, line: str, /, *, flush: bool) -> None: ...  # noqa: D102 - the class says it


async def opened(url: str) -> bool:
    """Open an address; False: there is no browser here that a person can see."""
    return has_screen(os.environ, sys.platform) and await asyncio.to_thread(webbrowser.open, url)


def has_screen(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser here would be seen; on Linux without a screen only browsers for terminals are found."""
    if environ.get("BROWSER"):
        return True
    if platform in {"darwin", "win32"}:
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def tunnel(at: Loopback) -> str:
    """Return the command that brings the redirect URI's port to the machine of the browser."""
    host = f"[{at.host}]" if ":" in at.host else at.host
    return f"ssh -L {at.port}:{host}:{at.port} {_login_name()}{socket.gethostname()}"


def _login_name() -> str:
    try:
        return f"{getpass.getuser()}@"
    except (KeyError, OSError):  # a user without a name, as in a container
        return ""
