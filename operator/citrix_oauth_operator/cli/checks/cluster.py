"""Whether the cluster knows our kinds, in the version that this program was made for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.kube.api import GROUP_PATH, Api
from citrix_oauth_operator.kube.cluster import NotThereYet, find_kinds

from .finding import Finding, Result, ok

#: Fingerprint of the fields in crds/; a test says what it must be.
FIELDS = {"CitrixClient": "27381e70f725", "AuthorizationServer": "d739cc7ac440"}
_REMEDY = "kubectl apply --server-side -f crds/, of the version that `citrix-oauth version` prints."


async def check_kinds(api: Api) -> list[Finding]:
    """Compare what is served with what this program reads and writes.

    Raises:
        ApiError: the API server does not answer.
    """
    try:
        await find_kinds(api)
    except NotThereYet as missing:
        return [Finding("crds", "citrix-oauth.dev", Result.FAIL, f"{missing}.", _REMEDY)]
    try:
        document = await api.get(f"/openapi/v3{GROUP_PATH}") or {}
    except ApiError:
        return [Finding("crds", "citrix-oauth.dev", Result.WARN, "Their fields could not be read.", _REMEDY)]
    served = {_kind(schema): schema for schema in document.get("components", {}).get("schemas", {}).values()}
    return [_compare(kind, served.get(kind)) for kind in FIELDS]


def fingerprint(schema: Mapping[str, Any]) -> str:
    """Tell schemas with other fields below spec and status apart, whatever their descriptions and limits say."""
    properties = schema.get("properties", {})
    paths = sorted(path for part in ("spec", "status") for path in _paths(part, properties.get(part, {})))
    return hashlib.sha256("\n".join(paths).encode()).hexdigest()[:12]


def _compare(kind: str, schema: Mapping[str, Any] | None) -> Finding:
    if schema is None:
        message = "Served, but its fields are not published yet, as in the first seconds after it was made."
        return Finding("crds", kind, Result.WARN, message, "Check again.")
    if fingerprint(schema) == FIELDS[kind]:
        return ok("crds", kind, "Served, with the fields of this version.")
    return Finding("crds", kind, Result.WARN, "Served, with the fields of another version.", _REMEDY)


def _kind(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("x-kubernetes-group-version-kind") or [{}]
    return str(kinds[0].get("kind", ""))


def _paths(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield path
    for name, child in schema.get("properties", {}).items():
        yield from _paths(f"{path}.{name}", child)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from _paths(f"{path}.*", schema[part])
