"""`citrix-oauth status`: every client at a glance, the troubled ones first; once, or for as long as one looks."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from citrix_oauth_operator.domain.errors import ApiError, NotFound
from citrix_oauth_operator.domain.overview import Health, Row, rows

from .mistake import Mistake
from .overview import as_json, as_yaml, table

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from citrix_oauth_operator.kube.api import Api

_EVERY_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "status",
        help="show all clients, the troubled ones first, with what to do",
        epilog="exit status: 0 nobody has to act, 1 a client waits for a person (Stalled), 2 wrong usage or no cluster",
    )
    parser.add_argument("-n", "--namespace", help="only this namespace")
    parser.add_argument("-o", "--output", choices=["table", "wide", "json", "yaml"], default="table")
    parser.add_argument("-w", "--watch", action="store_true", help="show it again until Ctrl-C (tables only)")
    parser.set_defaults(main=main)


def main(options: argparse.Namespace) -> int:
    """Print the clients; exit status 1 when one needs a person."""
    if options.watch and options.output in {"json", "yaml"}:
        raise Mistake(f"--watch shows tables: leave -o {options.output} out, or use kubectl get cxc -w")
    shown = Screen(options.output, clear=options.watch and sys.stdout.isatty())
    if not options.watch:
        asyncio.run(_once(options.namespace, shown.show))
    else:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_again_and_again(options.namespace, shown))
    return 1 if shown.troubled else 0


class Screen:
    """Prints what there is; a terminal is cleared before, and elsewhere nothing is printed twice.

    Attributes:
        troubled: whether somebody must act, as of what was shown last.
    """

    def __init__(self, output: str, *, clear: bool) -> None:
        self._output, self._clear = output, clear
        self._last: list[Row] | None = None
        self.troubled = False

    def show(self, found: list[Row]) -> None:
        """Show the clients as of now."""
        self.troubled = any(row.health is Health.STALLED for row in found)
        if found != self._last or self._clear:
            self._print(self._text(found))
        self._last = found

    def complain(self, words: str) -> None:
        """Say why there is nothing to show now."""
        self._last = None
        self._print(words)

    def _text(self, found: list[Row]) -> str:
        match self._output:
            case "json":
                return as_json(found)
            case "yaml":
                return as_yaml(found)
        return table(found, datetime.now(UTC), wide=self._output == "wide")

    def _print(self, text: str) -> None:
        print(f"{_CLEAR}{text}" if self._clear else text, flush=True)  # noqa: T201 - what a person asked for


async def _once(namespace: str | None, show: Callable[[list[Row]], None]) -> None:
    from .cluster import connection  # noqa: PLC0415 - slow to import

    async with connection() as api:
        show(await _read(api, namespace))


async def _again_and_again(namespace: str | None, screen: Screen) -> None:
    """An API server that is away for a while is waited for: whoever watches wants to see it come back."""
    from .cluster import connection  # noqa: PLC0415 - as above

    async with connection() as api:
        while True:
            try:
                screen.show(await _read(api, namespace))
            except (ApiError, Mistake) as error:
                screen.complain(f"citrix-oauth status: {error}")
            await asyncio.sleep(_EVERY_SECONDS)


async def _read(api: Api, namespace: str | None) -> list[Row]:
    from citrix_oauth_operator.kube.api import GROUP_PATH  # noqa: PLC0415 - as above

    path = f"{GROUP_PATH}/namespaces/{namespace}/citrixclients" if namespace else f"{GROUP_PATH}/citrixclients"
    try:
        return rows(await api.list(path))
    except NotFound:
        raise Mistake("the cluster does not know CitrixClients; apply the CRDs (crds/)") from None
    except ApiError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        where = f"in namespace {namespace}" if namespace else "in all namespaces; name one (-n NAMESPACE)"
        raise Mistake(f"you may not list CitrixClients {where}") from None
