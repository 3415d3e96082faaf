"""Whether a node can stand on this machine, and what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PLUGINS = Path("/usr/lib/cni")  # where Debian puts them
UNSHARE = ("unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_PACKAGES = {  # of Debian, by what is looked for
    "containerd": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "unshare": "util-linux",
}
_NEEDED = "ip link add name try type bridge && mount -t tmpfs tmpfs /mnt"


def hierarchies() -> list[Path]:
    """Return the folders that hold control groups of version 1, one for each controller."""
    return [path for path in CGROUPS.iterdir() if path.is_dir() and (path / "tasks").exists()]


def why_not() -> str:
    """Return why no node can run on such a machine, in a person's words; "" when one may."""
    if sys.platform != "linux":
        return "a node needs Linux"
    if os.geteuid() != 0:
        return "a node needs root: kubelet and containerd mount, and make networks and control groups"
    if not hierarchies():
        return "control groups of version 1 are missing; with version 2 it was never tried"
    return ""


def refusal() -> str:
    """Return what the kernel says to namespaces of our own; "" when it lets us have them."""
    tried = subprocess.run([*UNSHARE, "sh", "-c", _NEEDED], capture_output=True, text=True, check=False)
    return f"namespaces of its own are refused: {tried.stderr.strip()}" if tried.returncode else ""


def missing_packages() -> list[str]:
    """Return the Debian packages that a node needs and that are not installed."""
    packages = {package for program, package in _PACKAGES.items() if shutil.which(program) is None}
    if not (PLUGINS / "bridge").exists():
        packages.add("containernetworking-plugins")
    return sorted(packages)
