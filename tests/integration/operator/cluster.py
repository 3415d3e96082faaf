"""The API server as its administrator sees it: plain objects, without a kubectl process for each."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.control_plane.connect import connect

Object = dict[str, Any]

GROUP_PATH = "/apis/citrix-oauth.dev/v1alpha1"
SERVERS = f"{GROUP_PATH}/authorizationservers"
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
_WRITES = re.compile(
    r'^apiserver_request_total\{.*,resource="(?P<kind>[a-z]+)"'
    r'.*,verb="(?P<verb>POST|PUT|PATCH)".*\} (?P<count>\S+)$'
)
_OURS = frozenset({"secrets", "citrixclients", "configmaps", "events"})
_CONTROLLERS = frozenset({("POST", "configmaps"), ("PUT", "configmaps")})


def secrets(namespace: str) -> str:
    """Return the path of a namespace's Secrets."""
    return f"/api/v1/namespaces/{namespace}/secrets"


def config_maps(namespace: str) -> str:
    """Return the path of a namespace's ConfigMaps."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


def events(namespace: str) -> str:
    """Return the path of a namespace's Events."""
    return f"/api/v1/namespaces/{namespace}/events"


def clients(namespace: str) -> str:
    """Return the path of a namespace's CitrixClients."""
    return f"{GROUP_PATH}/namespaces/{namespace}/citrixclients"


def text_of(secret: Object) -> dict[str, str]:
    """Return a Secret's data as text."""
    return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}


class Cluster:
    """Calls the API server; every method raises httpx.HTTPStatusError when it refuses. A context manager."""

    def __init__(self, kubeconfig: Path) -> None:
        self._http = connect(kubeconfig, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, collection: str, name: str) -> Object | None:
        """Return an object as it is now, or None."""
        answer = self._http.get(f"{collection}/{name}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else dict(answer.raise_for_status().json())

    def items(self, collection: str) -> list[Object]:
        """Return all objects of a collection."""
        return list(self._http.get(collection).raise_for_status().json()["items"])

    def create(self, collection: str, body: Object) -> Object:
        """Create an object."""
        return dict(self._http.post(collection, json=body).raise_for_status().json())

    def refusal(self, collection: str, body: Object) -> str:
        """Return why the API server does not take an object; "" when it would."""
        answer = self._http.post(collection, json=body, params={"dryRun": "All", "fieldValidation": "Strict"})
        return "" if answer.is_success else str(answer.json()["message"])

    def patch(self, collection: str, name: str, change: Mapping[str, Any], *, status: bool = False) -> Object:
        """Merge-patch an object, or its status."""
        path = f"{collection}/{name}/status" if status else f"{collection}/{name}"
        return dict(self._http.patch(path, json=dict(change), headers=_MERGE_PATCH).raise_for_status().json())

    def delete(self, collection: str, name: str) -> None:
        """Delete an object; gone already is fine."""
        answer = self._http.delete(f"{collection}/{name}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()

    def listed(self, collection: str) -> tuple[list[Object], str]:
        """Return a collection and the version to watch it from."""
        page = self._http.get(collection).raise_for_status().json()
        return list(page["items"]), str(page["metadata"]["resourceVersion"])

    def watched(self, collection: str, version: str, seconds: int) -> Iterator[str]:
        """Yield the events of a watch, one line each, for some seconds."""
        params = {"watch": "1", "resourceVersion": version, "timeoutSeconds": str(seconds)}
        with self._http.stream("GET", collection, params=params) as answer:
            answer.raise_for_status()
            yield from answer.iter_lines()

    def table(self, collection: str, name: str) -> dict[str, Any]:
        """Return what `kubectl get -o wide` prints of one object, by column."""
        accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        found = self._http.get(f"{collection}/{name}", headers=accept).raise_for_status().json()
        names = [column["name"] for column in found["columnDefinitions"]]
        return dict(zip(names, found["rows"][0]["cells"], strict=True))

    def writes(self) -> Counter[str]:
        """Return how many writes of the kinds the operator writes the API server has counted, by verb and kind.

        Left out is what the controllers do while namespaces of earlier tests go: they delete what is in them, and
        create the ConfigMap of the cluster's CA anew. The API server itself writes some soon after its start.
        """
        count: Counter[str] = Counter()
        for line in self._http.get("/metrics").raise_for_status().text.splitlines():
            match = _WRITES.match(line)
            if match and match["kind"] in _OURS and (match["verb"], match["kind"]) not in _CONTROLLERS:
                count[f"{match['verb']} {match['kind']}"] += int(float(match["count"]))
        return count
