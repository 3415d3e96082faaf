"""Pods that use tokens: the Deployment of the documentation, with a program in it that tells what it sees."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.control_plane import ControlPlane
from tests.integration.operator.eventually import eventually
from tests.node.image import REPOSITORY, ROOT, TAG
from tests.standins.citrix_cloud import CitrixCloud

_EXAMPLE = ROOT / "examples/consumers/deployment.yaml"
_PROGRAMS = (ROOT / "examples/consumers/python/citrix_token.py", Path(__file__).with_name("consumer.py"))
_FOLDER = "/var/run/citrix"


def fingerprint(authorization: str) -> str:
    """Return how a consumer names a token."""
    return hashlib.sha256(authorization.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Consumer:
    """One Deployment whose pod uses the tokens of some clients."""

    plane: ControlPlane
    namespace: str
    clients: tuple[str, ...]

    def start(self, cloud: CitrixCloud) -> None:
        """Create it; return when it has used a token of each client."""
        programs = {path.name: path.read_text() for path in _PROGRAMS} | {"ca.crt": cloud.ca_pem.decode()}
        head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "programs"}}
        self._apply({**head, "data": programs})
        self._apply(self._deployment(f"{cloud.origin}/citrixapi/store/resources"))
        eventually(lambda: all(self.seen(name) for name in self.clients), "each token is used", self.tell)

    def seen(self, client: str) -> list[str]:
        """Return the fingerprints of a client's tokens that were used, oldest first, and troubles."""
        lines = self.plane.kubectl("logs", "deployment/reporting", "-n", self.namespace, check=False).stdout
        found = [line.partition(" ") for line in lines.splitlines()]
        return [what for name, _, what in found if name == client]

    def troubles(self) -> list[str]:
        """Return what was refused, or could not be sent."""
        return [what for client in self.clients for what in self.seen(client) if what.startswith("TROUBLE")]

    def tell(self) -> str:
        """Return what helps to understand a failure."""
        about = ("describe", "pods", "-n", self.namespace)
        logs = ("logs", "deployment/reporting", "-n", self.namespace)
        return "\n".join(self.plane.kubectl(*look, check=False).stdout[-5000:] for look in (about, logs))

    def _deployment(self, url: str) -> dict[str, Any]:
        deployment: dict[str, Any] = yaml.safe_load(_EXAMPLE.read_text())
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        (mount,), (volume,) = container["volumeMounts"], pod["volumes"]
        folders = {name: f"{_FOLDER}/{name}" for name in self.clients}
        container["image"] = f"{REPOSITORY}:{TAG}"
        container["command"] = ["python3", "-B", "/programs/consumer.py", url, *folders.values()]
        container["volumeMounts"] = [{**mount, "name": name, "mountPath": path} for name, path in folders.items()]
        container["volumeMounts"].append({"name": "programs", "mountPath": "/programs"})
        pod["volumes"] = [
            {"name": name, "secret": {**volume["secret"], "secretName": f"{name}-token"}} for name in self.clients
        ]
        pod["volumes"].append({"name": "programs", "configMap": {"name": "programs"}})
        pod["terminationGracePeriodSeconds"] = 0
        return deployment

    def _apply(self, manifest: dict[str, Any]) -> None:
        self.plane.kubectl("apply", "--server-side", "-n", self.namespace, "-f", "-", stdin=json.dumps(manifest))
