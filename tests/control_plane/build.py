"""The servers' binaries: found where the developer has them, or built once from pinned Go modules.

The official envtest archives are left out on purpose: they hold etcd, kube-apiserver and kubectl, but no
kube-controller-manager, and without it owner references are not collected and namespaces never go away.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.control_plane.cache import cache_root, locked
from tests.control_plane.progress import Progress
from tests.control_plane.toolchain import MODULE, go

VERSION = "1.36.3"
SERVERS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
KUBECTL = {"kubectl": "k8s.io/kubernetes/cmd/kubectl"}
PACKAGES = SERVERS | KUBECTL


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the four programs; the servers are of one version."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kubectl: Path


def binaries(stream: TextIO | None = None) -> Binaries:
    """Find the programs: KUBEBUILDER_ASSETS when it holds all three servers, else the cache, building what it lacks.

    Args:
        stream: where the progress of a build is shown; standard error by default.

    Raises:
        RuntimeError: the build failed; the message carries the compiler's last words.
    """
    assets = _assets()
    servers = assets or _cached(PACKAGES, stream)
    return Binaries(
        etcd=servers / "etcd",
        kube_apiserver=servers / "kube-apiserver",
        kube_controller_manager=servers / "kube-controller-manager",
        kubectl=servers / "kubectl" if _holds(servers, KUBECTL) else find_kubectl(stream),
    )


def find_kubectl(stream: TextIO | None = None) -> Path:
    """For a cluster or servers that are not ours: the cached kubectl, else the one on PATH, else one built now."""
    own = shutil.which("kubectl")
    if own and not _holds(cache_folder(), KUBECTL):
        return Path(own)
    return _cached(KUBECTL, stream) / "kubectl"


def needs_build() -> bool:
    """Whether `binaries()` would take minutes rather than milliseconds."""
    return _assets() is None and not _holds(cache_folder(), PACKAGES)


def cache_folder() -> Path:
    """Where built binaries are kept, by version."""
    return cache_root() / "control-plane" / VERSION


def _assets() -> Path | None:
    given = Path(os.environ.get("KUBEBUILDER_ASSETS", ""))
    return given if _holds(given, SERVERS) else None


def _holds(folder: Path, names: Iterable[str]) -> bool:
    return folder.is_absolute() and all((folder / name).is_file() for name in names)


def _cached(packages: Mapping[str, str], stream: TextIO | None) -> Path:
    folder = cache_folder()
    if not _holds(folder, packages):
        notice = "Waiting for another process that builds the control plane\n"
        with locked(folder, lambda: (stream or sys.stderr).write(notice)):  # afterwards nothing may be left to build
            missing = [name for name in packages if not (folder / name).is_file()]
            if missing:
                _build(missing, folder, stream)
    return folder


def _build(names: list[str], folder: Path, stream: TextIO | None) -> None:
    title = f"Building a Kubernetes {VERSION} control plane, first time only, about 5 minutes"
    with Progress(title, len(names), stream) as progress:
        compiler = go()
        for name in names:
            progress.step(name)
            part = folder / f"{name}.part"
            _compile(
                [compiler, "build", "-trimpath", "-buildvcs=false", "-ldflags", _stamp(), "-o", part], name, progress
            )
            part.rename(folder / name)  # a binary under its own name is a whole one


def _stamp() -> str:
    """Linker flags: no debug data, and the version an API server must name to be believed by its clients."""
    package = "k8s.io/component-base/version"
    major, minor, _ = VERSION.split(".")
    values = {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in values.items())])


def _compile(command: list[str | Path], name: str, progress: Progress) -> None:
    settings = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    log = cache_folder() / f"{name}.build.log"
    with log.open("wb") as output:
        compiler = subprocess.Popen(
            [*command, PACKAGES[name]], cwd=MODULE, env={**os.environ, **settings}, stdout=output, stderr=output
        )
        try:
            while compiler.poll() is None:
                progress.tick()
                time.sleep(0.2)
        finally:
            compiler.terminate()
            compiler.wait()
    if compiler.returncode:
        raise RuntimeError(f"building {name} failed:\n{log.read_text(errors='replace')[-3000:]}")
    log.unlink()
