"""The chart through a real Helm: rendered, installed, upgraded, uninstalled."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.control_plane.build import VERSION

Manifest = dict[str, Any]
Values = Mapping[str, Any]

CHART = Path(__file__).resolve().parents[2] / "charts/citrix-oauth-operator"
RELEASE, NAMESPACE = "citrix-oauth", "citrix-oauth-system"
PORTAL = f"{RELEASE}-portal"
IMAGE = {"image": {"repository": "registry.example/citrix-oauth-operator"}}


class HelmRefused(Exception):
    """Helm ended with an error; the text is its own."""


@dataclass(frozen=True, slots=True)
class Helm:
    """Runs one Helm binary, with all its files in a folder of its own."""

    program: Path
    home: Path
    kubeconfig: Path | None = None
    chart: Path = field(default=CHART)
    namespace: str = NAMESPACE
    release: str = RELEASE

    def into(self, namespace: str) -> Helm:
        """Return the same Helm, releasing into another namespace."""
        return replace(self, namespace=namespace)

    def lint(self, values: Values) -> str:
        """Lint strictly; return what Helm says."""
        return self._run("lint", "--strict", str(self.chart), stdin=values)

    def render(self, values: Values | None = None) -> list[Manifest]:
        """Return the manifests that an install would send."""
        text = self._run("template", *self._release(), "--kube-version", VERSION, stdin={**IMAGE, **(values or {})})
        return [document for document in yaml.safe_load_all(text) if document]

    def install(self, values: Values) -> None:
        """Install the chart into a namespace that it makes."""
        self._run("install", *self._release(), "--create-namespace", stdin={**IMAGE, **values})

    def upgrade(self, values: Values) -> None:
        """Upgrade the release to this chart."""
        self._run("upgrade", *self._release(), stdin={**IMAGE, **values})

    def uninstall(self) -> None:
        """Uninstall the release, and wait until its objects are gone."""
        self._run("uninstall", self.release, "--namespace", self.namespace, "--wait")

    def revisions(self) -> list[str]:
        """Return the chart versions that the release has had, oldest first."""
        history = json.loads(self._run("history", self.release, "--namespace", self.namespace, "-o", "json"))
        return [one["chart"].rpartition("-")[2] for one in history]

    def _release(self) -> list[str]:
        return [self.release, str(self.chart), "--namespace", self.namespace]

    def _run(self, *words: str, stdin: Values | None = None) -> str:
        given = [] if stdin is None else ["--values", "-"]
        folders = {name: str(self.home / name.lower()) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME")}
        env = {**os.environ, **folders, "HELM_DATA_HOME": str(self.home), "NO_PROXY": "127.0.0.1,localhost"}
        env |= {"KUBECONFIG": str(self.kubeconfig or os.devnull)}
        done = subprocess.run(
            [self.program, *words, *given],
            input=json.dumps(stdin),
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise HelmRefused(f"helm {words[0]}: {done.stderr.strip()} {done.stdout.strip()}")
        return done.stdout


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Return the manifests of one kind."""
    return [one for one in manifests if one["kind"] == kind]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the one manifest of a kind and a name."""
    (only,) = [one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name]
    return only
