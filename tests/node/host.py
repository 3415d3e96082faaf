"""The machine as the node's programs expect it: a network, folders to write to, kernel settings to insist on.

Called inside the namespaces alone; the kernel undoes all of it.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ADDRESS = "10.0.0.1"  # of the node, and the first of the API server's service range: so pods find it without kube-proxy
_PODS, _GATEWAY = "10.1.0.0/24", "10.1.0.1"
_WRITTEN = ("/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers")
_SOCKETS = ("/run/containerd", "/run/netns")
_KUBELET_INSISTS = {  # and would set it for the whole machine
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


def prepare(folder: Path) -> None:
    """Bring up the network, and let all that the programs write end in `folder`, which becomes one in memory."""
    _network()
    _run(
        "mount", "-t", "tmpfs", "tmpfs", folder
    )  # containers' files go with it at once, and overlays always work on it
    for number, path in enumerate(_WRITTEN):
        _bind(folder / f"written-{number}", Path(path))
    _run("mount", "--make-rshared", _WRITTEN[0])  # volumes mounted there reach the containers
    for path in _SOCKETS:
        Path(path).mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "tmpfs", path)
    for name, value in _KUBELET_INSISTS.items():
        stand_in = folder / name.replace("/", "-")
        stand_in.write_text(f"{value}\n")
        _run("mount", "--bind", stand_in, f"/proc/sys/{name}")


def pod_network(folder: Path) -> Path:
    """Write the configuration of the pods' network; return its folder."""
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": _PODS, "gateway": _GATEWAY}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "pods", "isGateway": True, "ipam": ipam}
    home = folder / "cni"
    home.mkdir()
    (home / "pods.conflist").write_text(json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}))
    return home


def _network() -> None:
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "node", "type", "bridge")  # without ports it serves as a dummy, which not each kernel has
    _run("ip", "address", "add", f"{ADDRESS}/32", "dev", "node")
    _run("ip", "link", "set", "node", "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")  # of this network alone


def _bind(home: Path, path: Path) -> None:
    home.mkdir()
    path.mkdir(parents=True, exist_ok=True)
    _run("mount", "--bind", home, path)


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True)
