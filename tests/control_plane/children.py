"""Child processes that never outlive the test run, not even when it is killed with SIGKILL."""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# Runs in the child before the program proper: asks Linux for SIGKILL when the parent dies, then becomes the
# program. A preexec_fn would do the same, but Python refuses it once the parent has threads.
_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone already")
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs the tests in the background has it ignored
os.execv(sys.argv[2], sys.argv[2:])
"""

# "Parent" means the thread that forked, to Linux. Callers' threads may end early (asyncio.to_thread), so one
# thread that lives as long as the process starts all children.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-starter")


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of this machine that nobody else is given, or finds free, as long as this process runs.

    Bound and not listened to, it refuses connections, and Linux lets a server listen there that sets SO_REUSEADDR, as
    they all do, also one that is started again. Elsewhere it was free just now, and that is all.
    """
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((host, 0))
    port = int(probe.getsockname()[1])
    if sys.platform == "linux":
        atexit.register(probe.close)
    else:
        probe.close()
    return port


def json_lines(log: Path) -> list[dict[str, Any]]:
    """What another process has written to a log, a JSON object a line; its last line may not be whole yet."""
    whole = log.read_text().rpartition("\n")[0] if log.exists() else ""
    return [json.loads(line) for line in whole.splitlines()]


class Child:
    """One running program, its output in `<folder>/<name>.log`, its working directory `folder`."""

    def __init__(
        self, name: str, command: Sequence[str | Path], folder: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._process = _starter.submit(self._spawn, [str(word) for word in command], folder, env).result()

    def _spawn(self, command: list[str], folder: Path, env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*launcher, *command],
                cwd=folder,
                env=None if env is None else {**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the parent, which stops its children in order
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def tail(self, lines: int = 25) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one to a process that has ended is lost without an error."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def stop(self, grace_seconds: float = 5) -> None:
        """SIGTERM, then SIGKILL after the grace; returns when the process is reaped. 0 kills at once."""
        if grace_seconds:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        self._process.kill()
        self._process.wait()
