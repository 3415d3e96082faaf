"""Flags that the long-running verbs share; each also is an environment variable CITRIX_OAUTH_<NAME>."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping


def defaults(environ: Mapping[str, str]) -> Callable[[str, str], str]:
    """Return what finds the default of a flag in the environment, or takes the fallback."""

    def default(name: str, fallback: str) -> str:
        return environ.get(f"CITRIX_OAUTH_{name}", fallback)

    return default


def add_watched_namespaces(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Define `--watch-namespace`; `watched_namespaces` reads it."""
    parser.add_argument(
        "--watch-namespace",
        action="append",
        default=None,
        metavar="NAMESPACE",
        help="serve clients of this namespace only (repeatable; as variable: comma-separated); none: all",
    )
    watched = [part for part in defaults(environ)("WATCH_NAMESPACE", "").split(",") if part]
    parser.set_defaults(watched_by_environment=watched)


def watched_namespaces(options: argparse.Namespace) -> tuple[str, ...]:
    """Return whose clients are served; empty: of all namespaces."""
    return tuple(options.watch_namespace or options.watched_by_environment)


def add_logging(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Define `--log-format` and `--log-level`."""
    default = defaults(environ)
    parser.add_argument("--log-format", choices=["text", "json"], default=default("LOG_FORMAT", "text"))
    parser.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], default=default("LOG_LEVEL", "info")
    )
