"""The operator as its Deployment starts it, but as a process here: the test cluster has no node."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from tests.chart.helm import Manifest
from tests.control_plane import ControlPlane
from tests.control_plane.children import Child, free_port
from tests.integration.operator.process import Operator

# The image's user is a number: whoever asks for its name gets an error.
_NAMELESS = """
import pwd, runpy
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
runpy.run_module("citrix_oauth_operator", run_name="__main__", alter_sys=True)
"""
_NO_NAME = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "")


class Pod(Operator):
    """One pod: arguments and environment of the rendered Deployment, credentials of its ServiceAccount alone.

    Its volumes are folders, and port 8080 is another one: it shares both with everything else on this machine.
    """

    def __init__(self, deployment: Manifest, plane: ControlPlane, folder: Path) -> None:
        uid = str(uuid.uuid4())
        folder = folder / uid
        folder.mkdir()
        metadata, spec = deployment["metadata"], deployment["spec"]["template"]["spec"]
        (self._container,) = spec["containers"]
        self.kubeconfig = folder / "kubeconfig"
        plane.kubeconfig_of(spec["serviceAccountName"], metadata["namespace"], self.kubeconfig)
        super().__init__(self.kubeconfig, folder, metadata["namespace"], ())
        self.port = free_port()
        self._fields = {"metadata.uid": uid}

    def launch(self) -> None:
        """Start the container."""
        words = [self._here(word) for word in self._container["args"]]
        env = {one["name"]: self._value(one) for one in self._container.get("env", ())}
        name = f"operator-{len(self._logs)}"
        command = [sys.executable, "-c", _NAMELESS, *words]
        self._child = Child(name, command, self._folder, {**_NO_NAME, **env, "KUBECONFIG": str(self.kubeconfig)})
        self._logs.append(self._child.log)

    def _here(self, word: str) -> str:
        for mount in self._container.get("volumeMounts", ()):
            word = word.replace(f"={mount['mountPath']}", f"={self._folder / mount['name']}")
        for port in self._container["ports"]:
            word = word.replace(f"port={port['containerPort']}", f"port={self.port}")
        return word

    def _value(self, variable: Manifest) -> str:
        return str(variable.get("value") or self._fields[variable["valueFrom"]["fieldRef"]["fieldPath"]])

    def probe(self, name: str) -> str:
        """Return the URL that a probe of the container asks, on this machine."""
        get = self._container[name]["httpGet"]
        assert get["port"] in [port["name"] for port in self._container["ports"]]
        return f"http://127.0.0.1:{self.port}{get['path']}"
