"""`citrix-oauth check`: would this work? Asks the cluster and the servers, changes nothing, sends no credential."""

from __future__ import annotations

import argparse
import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from citrix_oauth_operator.domain.errors import ApiError, Unreachable
from citrix_oauth_operator.settings import DEFAULT_NAMESPACE

from .checks.finding import Finding, Result, as_json, table

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from citrix_oauth_operator.kube.api import JSON, Api


def add_to(verbs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "check",
        help="would this work? CRDs, rights, credentials, servers, clocks, and pods that would miss a new token",
        epilog="exit status: 0 nothing fails (warnings do not count), 1 something fails, 2 wrong usage or no cluster",
    )
    parser.add_argument("-n", "--namespace", default="", help="only this namespace; none: all")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.add_argument(
        "--as-operator", action="store_true", help="check the operator's rights (run it with its ServiceAccount)"
    )
    parser.add_argument("--operator-namespace", default=DEFAULT_NAMESPACE, help="where grants are kept")
    parser.set_defaults(main=main)


def main(options: argparse.Namespace) -> int:
    """Print one line a finding; exit status 1 when something fails."""
    findings = asyncio.run(_check(options))
    print(as_json(findings) if options.output == "json" else table(findings))  # noqa: T201 - what a person asked for
    return 1 if any(finding.result is Result.FAIL for finding in findings) else 0


async def _check(options: argparse.Namespace) -> list[Finding]:
    from .checks import cluster, rights  # noqa: PLC0415 - slow to import
    from .cluster import connection  # noqa: PLC0415 - as above

    namespace: str = options.namespace
    async with connection() as api:
        kinds = await cluster.check_kinds(api)
        if options.as_operator:
            served = [namespace] if namespace else []
            wanted, lacking = rights.of_the_operator(served, options.operator_namespace), Result.FAIL
        else:
            wanted, lacking = rights.of_a_person(namespace), Result.WARN
        findings = [*kinds, *await rights.check_rights(api, wanted, lacking)]
        if any(finding.result is Result.FAIL for finding in kinds):
            return findings
        return findings + await _check_clients(api, namespace)


async def _check_clients(api: Api, namespace: str) -> list[Finding]:
    from citrix_oauth_operator.kube.api import GROUP_PATH  # noqa: PLC0415 - as above
    from citrix_oauth_operator.wire.transport import Transport  # noqa: PLC0415 - as above

    from .checks.clients import ClientChecks  # noqa: PLC0415 - as above
    from .checks.consumers import check_pods  # noqa: PLC0415 - as above
    from .checks.servers import check_endpoint  # noqa: PLC0415 - as above

    scope = f"/namespaces/{namespace}" if namespace else ""
    clients = await _listed(api, f"{GROUP_PATH}{scope}/citrixclients")
    if isinstance(clients, ApiError):
        return [_unreadable("CitrixClients", clients)]
    transport = Transport()
    checks = ClientChecks(api, transport)
    try:
        findings = await checks.run(clients)
    except Unreachable:
        raise
    except ApiError as error:
        findings = [_unreadable("AuthorizationServers", error)]
    for (name, url), reach in checks.endpoints.items():
        findings += await check_endpoint(transport, name, url, reach)
    pods = await _listed(api, f"/api/v1{scope}/pods")
    if isinstance(pods, ApiError):
        return [*findings, _unreadable("Pods", pods)]
    return [*findings, *check_pods(pods, _token_secrets(clients))]


async def _listed(api: Api, path: str) -> list[JSON] | ApiError:
    """Return a collection, or why it cannot be read."""
    try:
        return await api.list(path)
    except Unreachable:
        raise
    except ApiError as error:
        return error


def _unreadable(kind: str, why: ApiError) -> Finding:
    may_not = why.status == HTTPStatus.FORBIDDEN
    remedy = "Check one namespace (-n), or as admin." if may_not else "Try again."
    return Finding("rights" if may_not else "cluster", kind, Result.WARN, f"They could not be listed ({why}).", remedy)


def _token_secrets(clients: list[JSON]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for client in clients:
        metadata, status = client["metadata"], client.get("status") or {}
        wanted = (client["spec"].get("secret") or {}).get("name") or f"{metadata['name']}-token"
        found.setdefault(metadata["namespace"], set()).update({wanted, status.get("secretName") or wanted})
    return found
