"""Somebody who types what the pages say, into a real cluster: a shell, and what the world adds meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from tests.chart.helm import RELEASE
from tests.chart.pod import Pod
from tests.control_plane import ControlPlane
from tests.control_plane.build import helm as helm_program
from tests.control_plane.children import Child
from tests.integration.operator.eventually import GIVE_UP_SECONDS, eventually
from tests.integration.operator.signing_in import agree, enter, shown
from tests.standins.citrix_cloud import CitrixCloud
from tests.standins.citrix_cloud.examples import registered, server, signed_in
from tools.site.markdown import ROOT

SIGN_IN = "31-sign-in.yaml"
_FILLED_IN = ("10-smallest.yaml", SIGN_IN)
_BROWSER, _ADDRESS = "bin/opens-the-browser", "address"
_OPENS = """#!/bin/sh
printf %s "$1" > "$0.part" && mv "$0.part" "$(dirname "$0")/../address"
"""
# Prometheus Operator's kinds, as far as the chart needs them: any content.
_MONITORING = {"podmonitors": "PodMonitor", "prometheusrules": "PrometheusRule"}


@dataclass(slots=True)
class Walker:
    """A person in a checkout of the repository, whose examples hold credentials of their own.

    Attributes:
        pods: the operators that run, by namespace; the control plane has no node that would start them.
    """

    plane: ControlPlane
    cloud: CitrixCloud
    folder: Path
    pods: dict[str, Pod] = field(default_factory=dict)

    def type(self, statement: str) -> str:
        """Run one statement as a shell does, and whatever a cluster does because of it; return what it prints.

        Raises:
            AssertionError: it failed; with everything it said.
        """
        if statement.startswith("helm uninstall"):
            self._stop(_namespace(statement))
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", statement],
            cwd=self.folder / "checkout",
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{statement}\n{done.stdout}{done.stderr}\n{self.log}"
        if statement.startswith("helm install"):
            self.plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(server(self.cloud)))
            self._start(_namespace(statement))
        return done.stdout

    def sign_in(self) -> None:
        """Put credentials into the examples, as the pages ask for: a refresh token is used once."""
        for name in _FILLED_IN:
            filled = json.dumps(signed_in(ROOT / "examples" / name, self.cloud))
            (self.folder / "checkout/examples" / name).write_text(filled)

    def register(self) -> None:
        """Put what the client's registration says into the example of a sign-in; nobody has signed in."""
        filled = json.dumps(registered(ROOT / "examples" / SIGN_IN, self.cloud))
        (self.folder / "checkout/examples" / SIGN_IN).write_text(filled)

    def sign_in_with(self, statement: str, page: Page) -> str:
        """Run the statement that opens the browser, and sign in there as alice; return what it prints."""
        (self.folder / _ADDRESS).unlink(missing_ok=True)
        words = ["/bin/bash", "-e", "-c", statement]
        child = Child("login", words, self.folder, {**self._environment(), "BROWSER": str(self.folder / _BROWSER)})
        try:
            page.goto(eventually(self._address, "the browser is opened", child.tail))
            enter(page)
            agree(page)
            assert "signed in as alice" in shown(page)
            assert child._process.wait(GIVE_UP_SECONDS) == 0, child.tail()
        finally:
            child.stop(0)
        return child.log.read_text()

    def _address(self) -> str:
        address = self.folder / _ADDRESS
        return address.read_text() if address.exists() else ""

    @property
    def log(self) -> str:
        """What the operators that run have said."""
        return "".join(pod.log for pod in self.pods.values())

    def _start(self, namespace: str) -> None:
        user = f"--as=system:serviceaccount:{namespace}:{RELEASE}"
        for right in (("list", "citrixclients", "-A"), ("create", "leases", "-n", namespace)):
            ask = ("auth", "can-i", *right, user)
            eventually(lambda ask=ask: not self.plane.kubectl(*ask, check=False).returncode, f"{ask}")  # type: ignore[misc]
        found = self.plane.kubectl("get", "deployment", RELEASE, "-n", namespace, "-o", "json").stdout
        self.pods[namespace] = Pod(json.loads(found), self.plane, self.folder)
        self.pods[namespace].start()

    def _stop(self, namespace: str) -> None:
        if namespace in self.pods:
            self.pods.pop(namespace).stop()

    def _environment(self) -> dict[str, str]:
        path = [self.folder / "bin", Path(sys.executable).parent, os.environ["PATH"]]
        homes = {f"HELM_{name}_HOME": str(self.folder / "helm") for name in ("CACHE", "CONFIG", "DATA")}
        mine = {"KUBECONFIG": str(self.plane.kubeconfig), "KUBECACHEDIR": str(self.folder / "cache")}
        return {**os.environ, **homes, **mine, "PATH": ":".join(map(str, path)), "NO_PROXY": "127.0.0.1,localhost"}


@contextmanager
def walker(plane: ControlPlane, cloud: CitrixCloud, folder: Path) -> Iterator[Walker]:
    """A checkout, programs on PATH, and Prometheus Operator's kinds in the cluster; operators end with it."""
    (folder / "bin").mkdir()
    (folder / "bin/helm").symlink_to(helm_program())
    (folder / "bin/kubectl").symlink_to(plane.kubectl_program)
    (folder / _BROWSER).write_text(_OPENS)
    (folder / _BROWSER).chmod(0o755)
    checkout = folder / "checkout"
    checkout.mkdir()
    (checkout / "charts").symlink_to(ROOT / "charts")
    shutil.copytree(ROOT / "examples", checkout / "examples")
    for plural, kind in _MONITORING.items():
        plane.kubectl("create", "-f", "-", stdin=json.dumps(_anything(plural, kind)))
    walking = Walker(plane, cloud, folder)
    try:
        yield walking
    finally:
        for pod in walking.pods.values():
            if pod.alive:
                pod.kill()


def _namespace(statement: str) -> str:
    words = statement.split()
    return words[words.index("--namespace") + 1]


def _anything(plural: str, kind: str) -> dict[str, object]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": plural[:-1], "kind": kind, "listKind": f"{kind}List"}
    group = "monitoring.coreos.com"
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**head, "metadata": {"name": f"{plural}.{group}"}, "spec": spec}
