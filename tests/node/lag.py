"""Measure how long a kubelet with its own settings takes to show pods a changed Secret; about 6 minutes.

python -m tests.node -- python -m tests.node.lag
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from tests.control_plane import ControlPlane
from tests.node.__main__ import ARCHIVE
from tests.node.image import REPOSITORY, TAG
from tests.node.node import Node

PODS, CHANGES = 8, 4
_PAUSES = (5, 30)  # seconds between two changes, so that they come at any moment between two looks of the kubelet
_WATCH = """
import time
last = ""
while True:
    if (now := open("/secret/key").read()) != last:
        last = now
        print(now, time.time(), flush=True)
    time.sleep(0.05)
"""


def main() -> None:
    """Change a Secret again and again, and say when the pods saw it."""
    with Node(Path(os.environ[ARCHIVE]), sync="1m") as node:
        pods = [f"reader-{number}" for number in range(PODS)]
        _write(node.plane, "first")
        for pod in pods:
            node.plane.kubectl("apply", "-f", "-", stdin=json.dumps(_reader(pod)))
        delays = [delay for number in range(CHANGES) for delay in _change(node.plane, pods, f"change-{number}")]
    sys.stdout.write(
        f"{len(delays)} delays: least {min(delays):.1f} s, median {statistics.median(delays):.0f} s,"
        f" longest {max(delays):.0f} s\n"
    )


def _change(plane: ControlPlane, pods: list[str], text: str) -> list[float]:
    plane.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=300s")
    time.sleep(random.uniform(*_PAUSES))  # noqa: S311 - no secret
    _write(plane, text)
    since = time.time()
    return [_seen(plane, pod, text) - since for pod in pods]


def _seen(plane: ControlPlane, pod: str, text: str) -> float:
    while True:
        for line in plane.kubectl("logs", pod).stdout.splitlines():
            found, _, at = line.partition(" ")
            if found == text:
                return float(at)
        time.sleep(1)


def _write(plane: ControlPlane, text: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "changing"}, "stringData": {"key": text}}
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(secret))


def _reader(name: str) -> dict[str, Any]:
    container = {
        "name": "reader",
        "image": f"{REPOSITORY}:{TAG}",
        "command": ["python3", "-c", _WATCH],
        "volumeMounts": [{"name": "secret", "mountPath": "/secret"}],
    }
    volume = {"name": "secret", "secret": {"secretName": "changing"}}
    spec = {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


if __name__ == "__main__":
    main()
