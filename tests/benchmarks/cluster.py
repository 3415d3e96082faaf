"""The API server as the benchmark needs it: many objects at once, one watch, its own count of writes."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tests.benchmarks.processes import ROOT, BenchmarkFailed
from tests.control_plane import ControlPlane
from tests.control_plane.connect import connect

Object = dict[str, Any]

CRDS = (ROOT / "crds", ROOT / "tests" / "benchmarks" / "naive_crd.yaml")
COLLECTIONS = (
    "/apis/citrix-oauth.dev/v1alpha1/citrixclients",
    "/apis/citrix-oauth.dev/v1alpha1/authorizationservers",
    "/apis/naive.example/v1/oauthclients",
)
TOKEN_SECRETS_SECONDS = 240  # far beyond any contestant: then something is broken
SERVED_SECONDS = 60
# What the control plane writes for itself, whoever runs on it.
_ITS_OWN = {"leases", "flowschemas", "prioritylevelconfigurations", "apiservices", "endpoints", "endpointslices"}
_WRITES = {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
_READS = {"GET", "LIST"}
_SAMPLE = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Request(NamedTuple):
    """One kind of request: its verb, `resource` or `resource/subresource`, whether the API server accepted it."""

    verb: str
    resource: str
    accepted: bool

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.verb in _WRITES


class Cluster:
    """One administrator's connection to the control plane."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._http = connect(plane.kubeconfig, timeout=30)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def install_kinds(self) -> None:
        """Apply all CRDs and return when their kinds are served."""
        for path in CRDS:
            self._plane.kubectl("apply", "--server-side", "-f", str(path))
        deadline = time.monotonic() + SERVED_SECONDS
        while not all(self._http.get(path).is_success for path in COLLECTIONS):
            if time.monotonic() > deadline:
                raise BenchmarkFailed("the CRDs are not served")
            time.sleep(0.2)

    def create(self, path: str, body: Object) -> None:
        """Create one object in a collection."""
        answer = self._http.post(path, json=body)
        if not answer.is_success:
            raise BenchmarkFailed(f"POST {path}: {answer.text}")

    def create_namespace(self, name: str) -> None:
        """Create a namespace."""
        self.create("/api/v1/namespaces", {"metadata": {"name": name}})

    def create_all(self, objects: Iterable[tuple[str, Object]]) -> None:
        """Create many objects."""
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda each: self.create(*each), objects):
                pass

    def secrets_version(self, namespace: str) -> str:
        """Return the resourceVersion from which a watch sees what comes."""
        answer = self._http.get(_secrets(namespace), params={"limit": 1}).raise_for_status()
        return str(answer.json()["metadata"]["resourceVersion"])

    def await_token_secrets(
        self, namespace: str, version: str, count: int, seen: Callable[[int], None], still: Callable[[], None]
    ) -> float:
        """Watch until `count` Secrets named `*-token` hold a token; return when the last one came (monotonic).

        Args:
            seen: told the number so far.
            still: called now and then; raises when waiting makes no sense any more.
        """
        names: set[str] = set()
        deadline = time.monotonic() + TOKEN_SECRETS_SECONDS
        while time.monotonic() < deadline:
            still()
            params = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "5"}
            with self._http.stream("GET", _secrets(namespace), params=params) as stream:
                for line in stream.iter_lines():
                    secret = json.loads(line)["object"]
                    version = secret["metadata"]["resourceVersion"]
                    if secret["metadata"]["name"].endswith("-token") and "access_token" in secret.get("data", {}):
                        names.add(secret["metadata"]["name"])
                        seen(len(names))
                    if len(names) == count:
                        return time.monotonic()
        raise BenchmarkFailed(f"{len(names)} of {count} token Secrets after {TOKEN_SECRETS_SECONDS} s")

    def await_ready(self, namespace: str, count: int, still: Callable[[], None]) -> None:
        """Return when `count` CitrixClients say Ready."""
        path = f"/apis/citrix-oauth.dev/v1alpha1/namespaces/{namespace}/citrixclients"
        deadline = time.monotonic() + TOKEN_SECRETS_SECONDS
        while time.monotonic() < deadline:
            still()
            items = self._http.get(path).raise_for_status().json()["items"]
            if sum(_is_ready(item) for item in items) >= count:
                return
            time.sleep(0.3)
        raise BenchmarkFailed(f"not all of {count} clients are Ready after {TOKEN_SECRETS_SECONDS} s")

    def requests(self) -> Counter[Request]:
        """Return all requests about objects so far as the API server counted them, without its own and watches."""
        total: Counter[Request] = Counter()
        text = self._http.get("/metrics").raise_for_status().text
        for sample in _SAMPLE.finditer(text):
            label = dict(_LABEL.findall(sample[1]))
            if label["verb"] in _WRITES | _READS and label["resource"] and label["resource"] not in _ITS_OWN:
                resource = "/".join(part for part in (label["resource"], label["subresource"]) if part)
                total[Request(label["verb"], resource, label["code"].startswith("2"))] += round(float(sample[2]))
        return total


def _secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def _is_ready(client: Object) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in client["status"].get("conditions", ()))
