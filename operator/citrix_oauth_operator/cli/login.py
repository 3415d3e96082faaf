"""`citrix-oauth login NAME`: sign in for one client, in the browser; the operator redeems what comes of it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_DEFAULT_TIMEOUT_SECONDS = 600

_EPILOG = (
    "exit status: 0 signed in and Ready, 1 refused by the operator or by how the client is set up, 2 wrong usage or no"
    " cluster, 3 cancelled or refused at the authorization server, 4 the redirect URI's port is taken, 5 rights are"
    " lacking in the cluster, 6 nobody came back from the browser, 7 no operator answers, 130 Ctrl-C"
)


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser("login", help="sign in for a client, in the browser", epilog=_EPILOG)
    parser.add_argument("name", help="the CitrixClient")
    parser.add_argument("-n", "--namespace", default="default")
    parser.add_argument("--context", help="of the kubeconfig; none: its current one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address to open")
    parser.add_argument(
        "--timeout-seconds",
        type=int,
        default=_DEFAULT_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long to wait for the browser (default: %(default)s)",
    )
    parser.set_defaults(main=main)


def main(options: argparse.Namespace) -> int:
    """Sign in; exit statuses are those of `login.ending`."""
    from citrix_oauth_operator.login.ending import SignInEnded  # noqa: PLC0415 - slow to import

    from .signing_in import SigningIn  # noqa: PLC0415 - slow to import

    try:
        asyncio.run(SigningIn(options, print).run())
    except SignInEnded as ended:
        print(f"citrix-oauth login: {ended}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return int(ended.ending)
    return 0
