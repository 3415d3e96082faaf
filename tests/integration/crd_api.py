"""A few calls to the API server about our kinds, without a kubectl process for each."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from tests.control_plane.connect import connect
from tests.integration.crd_objects import GROUP, VERSION, Object

PLURALS = {"CitrixClient": "citrixclients", "AuthorizationServer": "authorizationservers"}
NAMESPACE = "default"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
_PLACE = re.compile(r"\[[^]]*\]")


class Cause(NamedTuple):
    """One thing the API server has against an object; `field` without the position in a list or map."""

    field: str
    message: str


class Api:
    """What `kubectl apply`, `get` and `patch` ask for, strict about unknown fields. A context manager."""

    def __init__(self, kubeconfig: Path) -> None:
        self._http = connect(kubeconfig, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._http.close()

    def create(self, body: Object, namespace: str = NAMESPACE, *, keep: bool = False) -> Object:
        """Create an object, in a dry run unless `keep`; returns it as the server would store it."""
        answer = self._post(body, namespace, keep=keep)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def causes(self, body: Object) -> list[Cause]:
        """Return what the server refuses the object for; fails when it accepts it."""
        return _causes(self._post(body, NAMESPACE, keep=False))

    def change(self, body: Object, spec: Object, namespace: str = NAMESPACE) -> list[Cause]:
        """Merge-patch the spec of an existing object in a dry run; returns why that is refused, if it is."""
        answer = self._patch(body, {"spec": spec}, namespace, dryRun="All")
        return [] if answer.is_success else _causes(answer)

    def report(self, body: Object, status: Object, namespace: str = NAMESPACE) -> httpx.Response:
        """Merge-patch the status as the operator does."""
        return self._patch(body, {"status": status}, namespace, subresource="/status")

    def names(self, kind: str, selector: str, namespace: str) -> list[str]:
        """Return the names of the objects a field selector matches."""
        answer = self._http.get(_path(kind, namespace), params={"fieldSelector": selector})
        assert answer.is_success, answer.text
        return [item["metadata"]["name"] for item in answer.json()["items"]]

    def table(self, kind: str, namespace: str) -> tuple[list[Any], list[list[Any]]]:
        """Return the columns and rows that `kubectl get` prints."""
        answer = self._http.get(_path(kind, namespace), headers=TABLE).raise_for_status().json()
        return answer["columnDefinitions"], [row["cells"] for row in answer["rows"]]

    def delete(self, body: Object, namespace: str = NAMESPACE) -> None:
        """Delete an object."""
        self._http.delete(_path(body["kind"], namespace, body["metadata"]["name"])).raise_for_status()

    def _post(self, body: Object, namespace: str, *, keep: bool) -> httpx.Response:
        params = {"fieldValidation": "Strict"} | ({} if keep else {"dryRun": "All"})
        return self._http.post(_path(body["kind"], namespace), params=params, json=body)

    def _patch(
        self, body: Object, patch: Object, namespace: str, *, subresource: str = "", **params: str
    ) -> httpx.Response:
        path = _path(body["kind"], namespace, body["metadata"]["name"]) + subresource
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._http.patch(path, params={"fieldValidation": "Strict", **params}, json=patch, headers=headers)


def _path(kind: str, namespace: str, name: str = "") -> str:
    scope = f"namespaces/{namespace}/" if kind == "CitrixClient" else ""
    return f"/apis/{GROUP}/{VERSION}/{scope}{PLURALS[kind]}" + (f"/{name}" if name else "")


def _causes(answer: httpx.Response) -> list[Cause]:
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, f"{answer.status_code}: {answer.text}"
    causes = answer.json()["details"]["causes"]
    return [Cause(_PLACE.sub("", cause.get("field", "").replace("<nil>", "")), cause["message"]) for cause in causes]
