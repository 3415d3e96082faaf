"""A Secret as a kubelet mounts it: a folder of links that changes all at once (AtomicWriter).

Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go
"""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

LONG_AGO, IN_AN_AGE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


class SecretFolder:
    """What a pod sees; `write` does to it what the kubelet does after a refresh."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path
        self._versions = (path / f"..2026_03_01_12_00_00.{number}" for number in itertools.count())

    def write(self, token: str, expires_at: str = IN_AN_AGE) -> None:
        """Show another token: a folder, a link to it, then the links that pods read; the old folder goes."""
        data = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_at": expires_at,
            "authorization": f"Bearer {token}",
        }
        old = [path for path in self.path.iterdir() if path.is_dir() and not path.is_symlink()]
        version = next(self._versions)
        version.mkdir()
        for key, value in data.items():
            (version / key).write_text(value)
        link = self.path / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self.path / "..data")
        for key in data:
            if not (self.path / key).is_symlink():
                (self.path / key).symlink_to(f"..data/{key}")
        for path in old:
            shutil.rmtree(path)

    def slow_key(self, key: str) -> Path:
        """Turn a key of the present version into a pipe: whoever reads it waits for the test; return the pipe."""
        pipe = (self.path / "..data").resolve() / key
        pipe.unlink()
        os.mkfifo(pipe)
        return pipe
