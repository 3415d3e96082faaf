"""People with few rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.control_plane import ControlPlane


def kubeconfig_of(control_plane: ControlPlane, namespace: str, name: str, folder: Path) -> Path:
    """Create a ServiceAccount without rights; return a kubeconfig of its own."""
    control_plane.kubectl("create", "serviceaccount", name, "-n", namespace)
    token = control_plane.kubectl("create", "token", name, "-n", namespace).stdout.strip()
    config: dict[str, Any] = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
