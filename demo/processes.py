"""The two child processes: the operator, started again after a kill, and the consumer, whose calls are counted."""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path

from demo.scene import NAMESPACE
from demo.story import Story
from tests.control_plane.children import Child

_CONSUMER = Path(__file__).with_name("consumer.py")
_GRACE_SECONDS = 10
_NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
_MOODS = {"INFO": "", "WARNING": "warn"}
_REFERENCE = f"{NAMESPACE}/"


class Tail:
    """The lines a file got since the last look."""

    def __init__(self, path: Path) -> None:
        self._path, self._place = path, 0

    def lines(self) -> list[str]:
        """Return the new whole lines."""
        with self._path.open("rb") as file:
            file.seek(self._place)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._place += len(whole) + 1
        return whole.decode(errors="replace").split("\n")


class Operator:
    """The operator as a child process, with a kubeconfig and the folder that outlives a killed container."""

    def __init__(self, folder: Path, kubeconfig: Path, story: Story) -> None:
        self.log = folder / "operator.log"
        self.kills, self.since, self.serving = 0, 0.0, False
        self._folder, self._story = folder, story
        self._env = {"KUBECONFIG": str(kubeconfig), **_NO_PROXY}
        self._spill = folder / "spill"
        self._child: Child | None = None
        self._tail = Tail(self.log)

    def start(self) -> None:
        """Start it, the log going on where the last one's ended."""
        command: list[str | Path] = [sys.executable, "-m", "citrix_oauth_operator", "run", "--spill-dir", self._spill]
        self._child = Child("operator", command, self._folder, self._env)
        self.since = time.time()
        again = " again" if self.kills else ""
        self._story.tell("demo", f"operator started{again}, pid {self.pid}")

    def kill(self) -> None:
        """Kill it as the kernel does when memory is short: no signal handler, no last word."""
        if self._child:
            self._child.stop(grace_seconds=0)
            self._child, self.serving = None, False
            self.kills, self.since = self.kills + 1, time.time()

    def poll(self) -> None:
        """Tell what it wrote into its log; an end that nobody asked for is trouble."""
        for line in self._tail.lines():
            self._hear(line)
        if self._child and not self._child.alive:
            self._child, self.serving = None, False
            self._story.trouble("operator", "the operator ended by itself")

    def stop(self) -> None:
        """Stop it in order."""
        if self._child:
            self._child.stop(_GRACE_SECONDS)
            self._child = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child else None

    @property
    def memory(self) -> str:
        """Resident memory in words, where the kernel tells."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return ""
        kib = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), "0")
        return f"{int(kib) // 1024} MiB"

    def _hear(self, line: str) -> None:
        _time, _, rest = line.partition(" ")
        level, _, message = rest.strip().partition(" ")
        text = message.strip().removeprefix(_REFERENCE)
        if "serving" in text:
            self.serving = True
        self._story.tell("operator", text if level == "INFO" else f"{level}: {text}", _MOODS.get(level, "bad"))


class Consumer:
    """The application as a child process; every line it prints is a call."""

    def __init__(self, folder: Path, url: str, ca_pem: bytes, story: Story) -> None:
        self.calls = self.failures = 0
        self.recent: deque[bool] = deque(maxlen=200)
        self.token = ""
        self._story = story
        authority = folder / "ca.pem"
        authority.write_bytes(ca_pem)
        command: list[str | Path] = [sys.executable, "-u", _CONSUMER, folder / "mount", url, authority]
        self._child = Child("consumer", command, folder, _NO_PROXY)
        self._tail = Tail(self._child.log)

    def poll(self) -> None:
        """Count what it did; that it ended is trouble."""
        self._count()
        if not self._child.alive:
            self._story.trouble("consumer", "the consumer ended by itself")

    def stop(self) -> None:
        """End it, and count its last calls. May be called twice."""
        self._child.stop()
        self._count()

    def _count(self) -> None:
        """Count the calls; anything but a 200 is a failure."""
        for line in self._tail.lines():
            outcome, _, token = line.partition(" ")
            self.calls += 1
            self.recent.append(outcome == "200")
            if outcome != "200":
                self.failures += 1
                self._story.tell("consumer", f"call {self.calls} was not served: {line}", "bad")
            elif token != self.token:
                self.token = token
                self._story.tell("consumer", f"calls with token {token}: {outcome}")
