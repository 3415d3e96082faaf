"""A small kubelet: shows a Secret as files in a folder, replaced all at once, as a pod sees a mounted Secret.

The files are links into `..data`, `..data` is a link to a folder with a time in its name, and a new content is a new
folder and one rename of that link: a reader sees the old token or the new one, never half of each.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

import httpx

from demo.cluster import Cluster
from demo.story import Story

SYNC_SECONDS = 1.0


class Mount:
    """One mounted Secret; `follow` is the work of a thread."""

    def __init__(self, folder: Path, cluster: Cluster, path: str, story: Story) -> None:
        self.folder, self.shows = folder, ""
        self._cluster, self._path, self._story = cluster, path, story
        self._version, self._count = "", 0
        self._before: Path | None = None

    def follow(self, stop: threading.Event) -> None:
        """Bring the folder up to date every second until `stop` is set."""
        while not stop.wait(SYNC_SECONDS):
            try:
                self.sync()
            except (httpx.HTTPError, OSError) as error:
                if not stop.is_set():
                    self._story.tell("kubelet", f"could not sync: {type(error).__name__}", "bad")

    def sync(self) -> None:
        """Fetch the Secret and show it, if it is another one than before."""
        secret = self._cluster.get(self._path)
        if secret is None or secret["metadata"]["resourceVersion"] == self._version:
            return
        self._version = secret["metadata"]["resourceVersion"]
        data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
        self.show(data)
        now_shown = fingerprint(data.get("authorization", b""))
        if now_shown != self.shows:
            self.shows = now_shown
            self._story.tell("kubelet", f"the mounted folder now shows token {now_shown}")

    def show(self, data: Mapping[str, bytes]) -> None:
        """Replace the folder's content in one step."""
        self._count += 1
        fresh = self.folder / f"..{self._count:06d}"
        fresh.mkdir(parents=True, mode=0o700)
        for key, value in data.items():
            (fresh / key).write_bytes(value)
        link = self.folder / "..data"
        old = link.readlink() if link.is_symlink() else None
        part = self.folder / "..data_tmp"
        part.symlink_to(fresh.name)
        part.rename(link)
        for key in data:
            if not (self.folder / key).is_symlink():
                (self.folder / key).symlink_to(f"..data/{key}")
        if self._before:  # the one just replaced may still be read by who followed the link before
            shutil.rmtree(self._before)
        self._before = self.folder / old if old else None


def fingerprint(secret: bytes) -> str:
    """Return six hex digits that tell tokens apart and give nothing away."""
    return hashlib.sha256(secret).hexdigest()[:6]
