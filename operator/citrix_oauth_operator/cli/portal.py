"""`citrix-oauth portal`: the sign-in portal, a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from citrix_oauth_operator.logs import catch_the_rest, configure_logging, in_the_loop
from citrix_oauth_operator.runtime import importing, loop_factory

from . import flags
from .mistake import Mistake

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_LONGEST_URL = 1015  # with `/callback` behind it, what the CRD takes as a redirect URI


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb and its flags; every flag has an environment variable CITRIX_OAUTH_<NAME>."""
    parser = verbs.add_parser(
        "portal", help="run the sign-in portal", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.set_defaults(main=main)
    add_flags(parser, os.environ)


def add_flags(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Define the flags of `portal` with their defaults from the environment."""
    default = flags.defaults(environ)
    parser.add_argument(
        "--portal-url",
        type=_portal_url,
        default=default("PORTAL_URL", ""),
        metavar="URL",
        help="where a browser reaches the portal; <URL>/callback is registered with each client",
    )
    flags.add_watched_namespaces(parser, environ)
    parser.add_argument("--http-port", type=int, default=default("HTTP_PORT", "8080"), help="serves the pages")
    flags.add_logging(parser, environ)


def _portal_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        secure = parts.scheme == "https" or _is_loopback(parts.hostname or "")
        valid = bool(_URL.fullmatch(text)) and (parts.port is None or parts.port > 0) and "//" not in parts.path
    except ValueError:
        secure = valid = False
    if text and not (valid and secure and len(text) <= _LONGEST_URL):
        raise argparse.ArgumentTypeError("not an https URL without a query (http: on a loopback address only)")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main(options: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    if not options.portal_url:
        raise Mistake("say where a browser reaches the portal: --portal-url https://sign-in.example.com")
    with importing():
        from citrix_oauth_operator.login.portal.serve import serve  # noqa: PLC0415 - no other verb needs a web server
        from citrix_oauth_operator.login.portal.settings import PortalSettings  # noqa: PLC0415 - the same

    configure_logging(options.log_format, options.log_level)
    catch_the_rest()
    settings = PortalSettings(options.portal_url, options.http_port, flags.watched_namespaces(options))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.get_loop().set_exception_handler(in_the_loop)
        runner.run(serve(settings))
    return 0
