"""Whether a browser is opened, and what to do where there is none."""

from __future__ import annotations

import pytest

from citrix_oauth_operator.cli.browser import has_screen, tunnel
from citrix_oauth_operator.login.loopback import Loopback


@pytest.mark.parametrize(
    ("environ", "platform", "seen"),
    [
        pytest.param({"DISPLAY": ":0"}, "linux", True, id="a screen"),
        pytest.param({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, id="a newer screen"),
        pytest.param({}, "linux", False, id="a server: only browsers for terminals are there"),
        pytest.param({}, "darwin", True, id="a Mac"),
        pytest.param({"SSH_CONNECTION": "x"}, "darwin", False, id="a Mac from afar"),
        pytest.param({"BROWSER": "firefox"}, "linux", True, id="somebody who has said which"),
    ],
)
def test_a_browser_is_opened_where_it_can_be_seen(environ: dict[str, str], platform: str, seen: bool) -> None:
    """Otherwise the address is printed."""
    assert has_screen(environ, platform) is seen


def test_the_tunnel_brings_the_port_to_the_browsers_machine() -> None:
    """The redirect URI stays as it is registered."""
    assert tunnel(Loopback("http", "localhost", 7182, "/")).startswith("ssh -L 7182:localhost:7182 ")
    assert tunnel(Loopback("http", "::1", 7182, "/")).startswith("ssh -L 7182:[::1]:7182 ")
