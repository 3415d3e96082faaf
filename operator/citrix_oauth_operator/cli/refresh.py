"""`citrix-oauth refresh NAME`: ask the operator to refresh one client now."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from citrix_oauth_operator.domain.durations import rfc3339_micro
from citrix_oauth_operator.domain.errors import NotFound
from citrix_oauth_operator.domain.reasons import TRIED_ON_REQUEST, ConditionType
from citrix_oauth_operator.domain.sight import REQUESTED_AT

from .mistake import Mistake
from .terminal import printable

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser("refresh", help="ask the operator to refresh one client now")
    parser.add_argument("name", help="the CitrixClient")
    parser.add_argument("-n", "--namespace", default="default")
    parser.set_defaults(main=main)


def main(options: argparse.Namespace) -> int:
    """Annotate the client; the operator answers in its status. Exit status 1 when it will not refresh."""
    client = asyncio.run(_annotate(options.namespace, options.name))
    if why := hindrance(client):
        print(f"asked, but nothing will be requested: {printable(why)}")  # noqa: T201 - what a person asked for
        return 1
    text = f"asked; see `kubectl -n {options.namespace} get cxc {options.name}` (at most one request per minInterval)"
    print(text)  # noqa: T201 - what a person asked for
    return 0


def hindrance(client: Mapping[str, Any]) -> str:
    """Return why a request for a refresh comes to nothing as the client is now; "" when it will be tried."""
    if (client.get("spec") or {}).get("suspend"):
        return "spec.suspend is true; set it to false"
    status = client.get("status") or {}
    stalled = next((c for c in status.get("conditions") or () if c["type"] == ConditionType.STALLED), None)
    if stalled is None or "nextRefreshTime" in status or stalled["reason"] in TRIED_ON_REQUEST:
        return ""
    return f"{stalled['reason']}: {stalled['message']}"


async def _annotate(namespace: str, name: str) -> dict[str, Any]:
    from citrix_oauth_operator.kube.api import GROUP_PATH  # noqa: PLC0415 - slow to import

    from .cluster import connection  # noqa: PLC0415 - as above

    patch = {"metadata": {"annotations": {REQUESTED_AT: rfc3339_micro(datetime.now(UTC))}}}
    async with connection() as api:
        try:
            return await api.merge_patch(f"{GROUP_PATH}/namespaces/{namespace}/citrixclients/{name}", patch)
        except NotFound:
            raise Mistake(f"there is no CitrixClient {name} in namespace {namespace} (-n NAMESPACE)") from None
