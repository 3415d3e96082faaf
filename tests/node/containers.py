"""containerd, and what it knows of images and running containers."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

from tests.node.terrain import PLUGINS

SOCKET = "/run/containerd/containerd.sock"
_PAUSE = "localhost/pause:1"
_CONFIG = """version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true  # lowering it takes a capability that root may lack in a container
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{network}"
"""


def configure(folder: Path, network: Path) -> Path:
    """Write containerd's configuration; return the file."""
    path = folder / "containerd.toml"
    names = {"root": folder / "containerd", "socket": SOCKET, "pause": _PAUSE, "plugins": PLUGINS, "network": network}
    path.write_text(_CONFIG.format(**names))
    return path


def serves() -> bool:
    """Whether containerd answers."""
    return _ctr("version", check=False).returncode == 0


def load(archive: Path) -> None:
    """Load the images of an archive."""
    _ctr("images", "import", str(archive))


def pid_of(container: str) -> int | None:
    """Return the first process of a running container, as its pod's status names it (`containerd://…`), or None."""
    identity = container.rpartition("/")[2]
    for line in _ctr("tasks", "list").stdout.splitlines()[1:]:
        name, pid, status = line.split()
        if name == identity and status == "RUNNING":
            return int(pid)
    return None


def pause_archive(program: Path, folder: Path) -> Path:
    """Write an archive of an image that holds nothing but the pause program; return it."""
    layer = _tar({"pause": program.read_bytes()})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [_PAUSE], "Layers": ["layer.tar"]}]
    path = folder / "pause.tar"
    texts = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    path.write_bytes(_tar({"layer.tar": layer, **texts}))
    return path


def _tar(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def _ctr(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = ["ctr", f"--address={SOCKET}", "--namespace=k8s.io", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"ctr {' '.join(words)}: {done.stderr.strip()}")
    return done
