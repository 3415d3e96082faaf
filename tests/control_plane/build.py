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
HELM_VERSION = "4.3.1"
OAUTH2_PROXY_VERSION = "7.15.3"
SERVERS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
KUBECTL = {"kubectl": "k8s.io/kubernetes/cmd/kubectl"}
NODE = {
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "pause": "./pause",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Programs that one Go module of ours pins.

    Attributes:
        module: folder of go.mod and go.sum.
        packages: Go package by name of its program.
        folder: where the built programs are kept, by version.
        title: what a person reads while they are built.
        stamp: linker flags `-X` that tell the programs their version.
    """

    module: Path
    packages: Mapping[str, str]
    folder: Path
    title: str
    stamp: Mapping[str, str]


def control_plane() -> Source:
    """The servers and kubectl."""
    title = f"Building a Kubernetes {VERSION} control plane, first time only, about 5 minutes"
    return _kubernetes("control-plane", SERVERS | KUBECTL, title)


def node_source() -> Source:
    """What a node needs beside Debian's packages."""
    return _kubernetes("node", NODE, f"Building a Kubernetes {VERSION} node, first time only, about 1 minute")


def _kubernetes(kind: str, packages: Mapping[str, str], title: str) -> Source:
    """Programs that name the version an API server must name to be believed by its clients."""
    package = "k8s.io/component-base/version"
    major, minor, _ = VERSION.split(".")
    values = {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return Source(
        module=MODULE,
        packages=packages,
        folder=cache_root() / kind / VERSION,
        title=title,
        stamp={f"{package}.{name}": value for name, value in values.items()},
    )


def helm_source() -> Source:
    """Helm, in a module of its own: it needs newer libraries than the servers do."""
    return Source(
        module=MODULE / "helm",
        packages={"helm": "helm.sh/helm/v4/cmd/helm"},
        folder=cache_root() / "helm" / HELM_VERSION,
        title=f"Building Helm {HELM_VERSION}, first time only, about 3 minutes",
        stamp={"helm.sh/helm/v4/internal/version.version": f"v{HELM_VERSION}"},
    )


def oauth2_proxy_source() -> Source:
    """The proxy that docs/portal.md puts in front of the portal."""
    package = "github.com/oauth2-proxy/oauth2-proxy/v7"
    return Source(
        module=MODULE / "oauth2_proxy",
        packages={"oauth2-proxy": package},
        folder=cache_root() / "oauth2-proxy" / OAUTH2_PROXY_VERSION,
        title=f"Building oauth2-proxy {OAUTH2_PROXY_VERSION}, first time only, about 1 minute",
        stamp={f"{package}/pkg/version.VERSION": f"v{OAUTH2_PROXY_VERSION}"},
    )


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
    servers = _assets() or _cached(control_plane(), stream=stream)
    return Binaries(
        etcd=servers / "etcd",
        kube_apiserver=servers / "kube-apiserver",
        kube_controller_manager=servers / "kube-controller-manager",
        kubectl=servers / "kubectl" if _holds(servers, KUBECTL) else find_kubectl(stream),
    )


def find_kubectl(stream: TextIO | None = None) -> Path:
    """For a cluster or servers that are not ours: the cached kubectl, else the one on PATH, else one built now."""
    own = shutil.which("kubectl")
    if own and not _holds(control_plane().folder, KUBECTL):
        return Path(own)
    return _cached(control_plane(), KUBECTL, stream) / "kubectl"


def helm(stream: TextIO | None = None) -> Path:
    """Helm of a known version, built at first use.

    Raises:
        RuntimeError: the build failed; the message carries the compiler's last words.
    """
    return _cached(helm_source(), stream=stream) / "helm"


def oauth2_proxy(stream: TextIO | None = None) -> Path:
    """oauth2-proxy of a known version, built at first use.

    Raises:
        RuntimeError: the build failed; the message carries the compiler's last words.
    """
    return _cached(oauth2_proxy_source(), stream=stream) / "oauth2-proxy"


def node_programs(stream: TextIO | None = None) -> Path:
    """Folder of the node's programs, built at first use.

    Raises:
        RuntimeError: a build failed; the message carries the compiler's last words.
    """
    return _cached(node_source(), stream=stream)


def needs_build() -> bool:
    """Whether `binaries()` would take minutes rather than milliseconds."""
    return _assets() is None and not is_built(control_plane())


def is_built(source: Source) -> bool:
    """Whether its programs are in the cache, all of them."""
    return _holds(source.folder, source.packages)


def _assets() -> Path | None:
    given = Path(os.environ.get("KUBEBUILDER_ASSETS", ""))
    return given if _holds(given, SERVERS) else None


def _holds(folder: Path, names: Iterable[str]) -> bool:
    return folder.is_absolute() and all((folder / name).is_file() for name in names)


def _cached(source: Source, wanted: Iterable[str] = (), stream: TextIO | None = None) -> Path:
    names = list(wanted or source.packages)
    if not _holds(source.folder, names):
        notice = f"Waiting for another process that builds {', '.join(names)}\n"
        with locked(source.folder, lambda: (stream or sys.stderr).write(notice)):  # it may leave nothing to build
            missing = [name for name in names if not (source.folder / name).is_file()]
            if missing:
                _build(source, missing, stream)
    return source.folder


def _build(source: Source, names: list[str], stream: TextIO | None) -> None:
    flags = " ".join(["-s -w", *(f"-X {name}={value}" for name, value in source.stamp.items())])
    with Progress(source.title, len(names), stream) as progress:
        command: list[str | Path] = [go(), "build", "-trimpath", "-buildvcs=false", "-ldflags", flags]
        for name in names:
            progress.step(name)
            part = source.folder / f"{name}.part"
            _compile(source, name, [*command, "-o", part, source.packages[name]], progress)
            part.rename(source.folder / name)  # a binary under its own name is a whole one


def _compile(source: Source, name: str, command: list[str | Path], progress: Progress) -> None:
    settings = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    log = source.folder / f"{name}.build.log"
    with log.open("wb") as output:
        compiler = subprocess.Popen(
            command, cwd=source.module, env={**os.environ, **settings}, stdout=output, stderr=output
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
