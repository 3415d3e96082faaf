"""The node: its programs started on top of a control plane, in the namespaces of `python -m tests.node`."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from tests.control_plane import ControlPlane
from tests.control_plane.build import node_programs
from tests.control_plane.cache import Workspace
from tests.control_plane.children import Child
from tests.control_plane.credentials import write_kubeconfig
from tests.control_plane.site import Site
from tests.integration.operator.eventually import eventually
from tests.node import containers, host
from tests.node.__main__ import GROUP
from tests.node.terrain import hierarchies

NAME = "node"
_API_FLAGS = (
    "--authorization-mode=Node",
    "--enable-admission-plugins=NodeRestriction",
    "--kubelet-preferred-address-types=InternalIP",
)
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "node-lifecycle-controller",
    "disruption-controller",
)
_NEVER = {"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"}


class Node:
    """A cluster of one node. A context manager: about 10 s.

    Args:
        archive: of an image to load.
        sync: how often a kubelet looks at its pods (`syncFrequency`); its own default is 1m.

    Attributes:
        plane: the control plane; pods reach it as any cluster's do.
    """

    def __init__(self, archive: Path, sync: str = "1s") -> None:
        self._archive, self._sync = archive, sync
        self._token = secrets.token_hex(16)
        user = (f"system:node:{NAME}", "system:nodes")
        self.plane = ControlPlane(site=Site(host.ADDRESS, 443, _API_FLAGS, _CONTROLLERS, {self._token: user}))
        self._children: list[Child] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            workspace = Workspace("kubelet")
            stack.callback(workspace.remove)
            stack.callback(self._stop)
            host.prepare(workspace.path)
            self._start_runtime(workspace.path)
            stack.enter_context(self.plane)
            self._start_kubelet(workspace.path)
            eventually(self._is_ready, "the node is ready", self.tell)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._stack.close()

    def tell(self) -> str:
        """Return what helps to understand a failure."""
        looks = [("get", "pods,events", "-A", "-o", "wide"), ("describe", "nodes")]
        seen = [self.plane.kubectl(*look, check=False).stdout[-6000:] for look in looks]
        return "\n".join([*seen, *(f"--- {child.name}\n{child.tail()}" for child in self._children)])

    def _start_runtime(self, folder: Path) -> None:
        configuration = containers.configure(folder, host.pod_network(folder))
        self._spawn("containerd", Path("/usr/bin/containerd"), folder, config=configuration)
        self._await(containers.serves, "containerd serves")
        containers.load(containers.pause_archive(node_programs() / "pause", folder))
        containers.load(self._archive)

    def _start_kubelet(self, folder: Path) -> None:
        for hierarchy in hierarchies():
            (hierarchy / os.environ[GROUP]).mkdir(exist_ok=True)
        self._spawn(
            "kube-scheduler",
            node_programs() / "kube-scheduler",
            folder,
            {"leader-elect": "false", "secure-port": 0},
            kubeconfig=self.plane.kubeconfig,
        )
        kubeconfig, configuration = folder / "node.kubeconfig", folder / "kubelet.yaml"
        assert self.plane.folder is not None
        write_kubeconfig(kubeconfig, self.plane.url, self.plane.folder / "ca.crt", self._token)
        configuration.write_text(yaml.safe_dump(self._kubelet()))
        names = {"hostname-override": NAME, "node-ip": host.ADDRESS}
        self._spawn("kubelet", node_programs() / "kubelet", folder, names, kubeconfig=kubeconfig, config=configuration)

    def _kubelet(self) -> dict[str, object]:
        """Return a KubeletConfiguration (kubelet.config.k8s.io/v1beta1)."""
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": host.ADDRESS,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},  # nobody else is here
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{containers.SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{os.environ[GROUP]}",
            "failCgroupV1": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "resolvConf": "",
            "syncFrequency": self._sync,
            "evictionHard": _NEVER,  # a developer's disk may be as good as full
            "imageGCHighThresholdPercent": 100,
            "localStorageCapacityIsolation": False,
        }

    def _spawn(
        self, name: str, program: Path, folder: Path, flags: Mapping[str, object] | None = None, **files: Path
    ) -> None:
        words = [f"--{key}={value}" for key, value in {**(flags or {}), **files}.items()]
        self._children.append(Child(name, [program, *words], folder))

    def _await(self, look: Callable[[], object], what: str) -> None:
        def now() -> object:
            for child in self._children:
                assert child.alive, f"{child.name} ended:\n{child.tail()}"
            return look()

        eventually(now, what, lambda: "\n".join(child.tail() for child in self._children))

    def _is_ready(self) -> bool:
        found = self.plane.kubectl("get", "node", NAME, "-o", "json", check=False).stdout
        if not found:
            return False
        node = json.loads(found)
        ready = [one["status"] for one in node["status"]["conditions"] if one["type"] == "Ready"]
        return ready == ["True"] and not node["spec"].get("taints")

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.stop(grace_seconds=0)
