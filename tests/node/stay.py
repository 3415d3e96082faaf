"""The operator on the node, installed by its chart from the image of the Dockerfile."""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.chart.helm import NAMESPACE, RELEASE, Helm
from tests.control_plane import ControlPlane
from tests.integration.operator.eventually import eventually
from tests.integration.operator.reading import is_well
from tests.node import containers, host
from tests.node.image import REPOSITORY, TAG
from tests.standins.citrix_cloud import PRIVATE_POST, CitrixCloud

VALUES = {"image": {"repository": REPOSITORY, "tag": TAG}, "logLevel": "debug"}
_OURS = ("-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={RELEASE}")
_API = "citrix-oauth.dev/v1alpha1"
_SERVER = "stand-in"


@dataclass(frozen=True, slots=True)
class Stay:
    """One release, and short words for what tests do with its pods."""

    plane: ControlPlane
    cloud: CitrixCloud

    def install(self, helm: Helm) -> None:
        """Install the chart into a namespace of the strictest Pod Security level, and describe the stand-in to it."""
        self.plane.kubectl("create", "namespace", NAMESPACE)
        self.plane.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        helm.install(VALUES)
        self.rolled_out()
        spec = {
            "type": "CitrixCloud",
            "issuer": self.cloud.issuer,
            "caBundle": base64.b64encode(self.cloud.ca_pem).decode(),
            "allowedAddresses": [f"{host.ADDRESS}/32"],
            "requests": {"minInterval": "1s"},
        }
        self.apply({"apiVersion": _API, "kind": "AuthorizationServer", "metadata": {"name": _SERVER}, "spec": spec})

    def apply(self, manifest: dict[str, Any], namespace: str = "default") -> None:
        """Apply one manifest."""
        self.plane.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))

    def sign_in(self, name: str, namespace: str) -> None:
        """Create a client of somebody who has just signed in."""
        seed = self.cloud.sign_in(PRIVATE_POST.id).refresh_token
        keys = {"client_secret": PRIVATE_POST.secret, "refresh_token": seed}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-credentials"}, "stringData": keys}
        self.apply(secret, namespace)
        spec = {
            "clientID": PRIVATE_POST.id,
            "authorizationServerRef": {"name": _SERVER},
            "credentialsSecretRef": {"name": f"{name}-credentials"},
        }
        self.apply({"apiVersion": _API, "kind": "CitrixClient", "metadata": {"name": name}, "spec": spec}, namespace)

    def client(self, name: str, namespace: str) -> dict[str, Any]:
        """Return a CitrixClient as it is now."""
        return dict(json.loads(self.plane.kubectl("get", "cxc", name, "-n", namespace, "-o", "json").stdout))

    def clients(self, namespace: str) -> list[dict[str, Any]]:
        """Return all CitrixClients of a namespace as they are now."""
        return list(json.loads(self.plane.kubectl("get", "cxc", "-n", namespace, "-o", "json").stdout)["items"])

    def seq(self, name: str, namespace: str) -> int:
        """Wait until a client is well; return how often its token was refreshed."""

        def now() -> dict[str, Any] | None:
            found = self.client(name, namespace)
            return found if is_well(found) else None

        found = eventually(now, f"{name} is well", lambda: f"{self.client(name, namespace)}\n{self.log()}") or {}
        return int(found["status"]["grant"].get("seq", 0))

    def ask_for_refresh(self, name: str, namespace: str) -> None:
        """Ask as a person does."""
        asked = f"citrix-oauth.dev/requested-at={time.time_ns()}"
        self.plane.kubectl("annotate", "--overwrite", f"cxc/{name}", asked, "-n", namespace)

    def authorization(self, name: str, namespace: str) -> str:
        """Return what the token Secret says to send."""
        path = "jsonpath={.data.authorization}"
        found = self.plane.kubectl("get", "secret", f"{name}-token", "-n", namespace, "-o", path).stdout
        return base64.b64decode(found).decode()

    def pods(self) -> list[dict[str, Any]]:
        """Return the release's pods; empty while the API server is away."""
        found = self.plane.kubectl("get", "pods", *_OURS, "-o", "json", check=False).stdout
        return list(json.loads(found)["items"]) if found else []

    def pod(self) -> dict[str, Any]:
        """Wait until there is one pod, and it is ready; return it."""

        def one() -> dict[str, Any] | None:
            found = self.pods()
            ready = [each for each in found if _is_ready(each) and "deletionTimestamp" not in each["metadata"]]
            return ready[0] if len(found) == len(ready) == 1 else None

        return eventually(one, "one ready pod", self.log) or {}

    def pid(self, pod: dict[str, Any]) -> int | None:
        """Return the operator's process, or None while there is none."""
        return containers.pid_of(pod["status"]["containerStatuses"][0].get("containerID", ""))

    def rolled_out(self) -> None:
        """Wait until the Deployment's pods are the wanted ones and ready."""

        def done() -> bool:
            words = ("rollout", "status", f"deployment/{RELEASE}", "-n", NAMESPACE, "--timeout=60s")
            return self.plane.kubectl(*words, check=False).returncode == 0

        eventually(done, "the Deployment is rolled out", self.log)

    def log(self) -> str:
        """Return what the operator said, and what befell its pods."""
        looks = (
            ("logs", *_OURS, "--tail=60", "--prefix"),
            ("get", "pods", *_OURS, "-o", "wide"),
            ("get", "events", "-n", NAMESPACE),
        )
        return "\n".join(self.plane.kubectl(*look, check=False).stdout for look in looks)


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))


def start_to_ready(pid: int, pod: dict[str, Any]) -> float:
    """Return the seconds between the start of a container's process and the first good answer of `/readyz`."""
    url = f"http://{pod['status']['podIP']}:8080/readyz"

    def ready() -> bool:
        try:
            return httpx.get(url, trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    while not ready():
        time.sleep(0.02)
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Return the memory of a process that is resident now."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024
