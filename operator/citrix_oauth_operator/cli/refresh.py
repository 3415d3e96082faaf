"""`citrix-oauth refresh NAME`: ask the operator to refresh one client now."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from citrix_oauth_operator.domain.durations import rfc3339_micro
from citrix_oauth_operator.domain.errors import NotFound
from citrix_oauth_operator.domain.sight import REQUESTED_AT

from .mistake import Mistake

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser("refresh", help="ask the operator to refresh one client now")
    parser.add_argument("name", help="the CitrixClient")
    parser.add_argument("-n", "--namespace", default="default")
    parser.set_defaults(main=main)


def main(options: argparse.Namespace) -> int:
    """Annotate the client; the operator answers in its status."""
    asyncio.run(_annotate(options.namespace, options.name))
    text = f"asked; see `kubectl -n {options.namespace} get cxc {options.name}` (at most one request per minInterval)"
    print(text)  # noqa: T201 - what a person asked for
    return 0


async def _annotate(namespace: str, name: str) -> None:
    from citrix_oauth_operator.kube.api import GROUP_PATH, Api, load_configuration  # noqa: PLC0415 - slow to import

    patch = {"metadata": {"annotations": {REQUESTED_AT: rfc3339_micro(datetime.now(UTC))}}}
    async with Api(load_configuration()) as api:
        try:
            await api.merge_patch(f"{GROUP_PATH}/namespaces/{namespace}/citrixclients/{name}", patch)
        except NotFound:
            raise Mistake(f"there is no CitrixClient {name} in namespace {namespace} (-n NAMESPACE)") from None
