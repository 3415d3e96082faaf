"""Reading from the API server, as an onlooker would: get, the table `kubectl get` prints, watch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from tests.control_plane.connect import connect

JSON = dict[str, Any]

GROUP_PATH = "/apis/citrix-oauth.dev/v1alpha1"
_TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
_NOT_FOUND = 404
_PATIENCE = 30.0  # seconds


class Column(NamedTuple):
    """A heading, the cell below it, and whether only `-o wide` shows them."""

    heading: str
    cell: str
    wide: bool = False


class Cluster:
    """A connection with an administrator's rights. A context manager; may be used by several threads."""

    def __init__(self, kubeconfig: Path) -> None:
        self._http = connect(kubeconfig, timeout=httpx.Timeout(_PATIENCE, read=None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> JSON | None:
        """Return an object, or None when there is none."""
        answer = self._http.get(path, timeout=_PATIENCE)
        if answer.status_code == _NOT_FOUND:
            return None
        return dict(answer.raise_for_status().json())

    def table(self, path: str) -> list[Column]:
        """Return heading and cell of each column of the first row, as `kubectl get -A -o wide` shows them."""
        table = self._http.get(path, headers=_TABLE, timeout=_PATIENCE).raise_for_status().json()
        if not table.get("rows"):
            return []
        row = table["rows"][0]
        columns = [
            Column(column["name"].upper(), "" if cell is None else str(cell), column["priority"] > 0)
            for column, cell in zip(table["columnDefinitions"], row["cells"], strict=True)
        ]
        return [Column("NAMESPACE", row["object"]["metadata"]["namespace"]), *columns]

    def watch(self, collection: str, name: str = "") -> Iterator[tuple[str, JSON]]:
        """Yield what happens to the objects of a collection, first what is there; ends when the server says so."""
        params = {"watch": "true"}
        if name:
            params["fieldSelector"] = f"metadata.name={name}"
        with self._http.stream("GET", collection, params=params) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                event = json.loads(line)
                yield event["type"], event["object"]
