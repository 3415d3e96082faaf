"""One replica of the operator under attack: a pod, its process, its spill folder, and what was done to them."""

from __future__ import annotations

import shutil
import signal
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.control_plane.children import free_port
from tests.faults.failpoints import Failpoints
from tests.faults.records import Hit
from tests.integration.operator.eventually import eventually
from tests.integration.operator.process import Operator

VICTIM = "tests.faults.victim"
_ROOT = Path(__file__).resolve().parents[2]


class Replica:
    """A replica; `hits` remembers every kill and stop, and `resting` whether it was ended on purpose.

    Args:
        folder: of its own, for logs, failpoints and spilled answers.
    """

    def __init__(self, name: str, kubeconfig: Path, folder: Path, namespace: str, watched: Sequence[str]) -> None:
        self.name = name
        self.hits: list[Hit] = []
        self.starts = 0
        self.resting = True
        self.http_port = free_port()
        self._folder = folder / name
        self._spill = self._folder / "spill"
        self._spill.mkdir(parents=True)
        self.failpoints = Failpoints(self._folder)
        self.operator = Operator(kubeconfig, self._folder, namespace, watched, VICTIM)
        self.operator.env = {
            "PYTHONPATH": f"{_ROOT}:{_ROOT / 'operator'}",
            "FAULTS_DIR": str(self._folder),
            "CITRIX_OAUTH_SPILL_DIR": str(self._spill),
            "CITRIX_OAUTH_LOG_LEVEL": "info",
            "CITRIX_OAUTH_HTTP_PORT": str(self.http_port),
        }
        self.new_pod()

    def new_pod(self) -> None:
        """Give the next process another pod's identity and an empty spill folder."""
        self.operator.env["CITRIX_OAUTH_POD_UID"] = str(uuid.uuid4())
        shutil.rmtree(self._spill, ignore_errors=True)
        self._spill.mkdir()

    def start(self) -> None:
        """Start the process and do not wait."""
        self.failpoints.forget()
        self.starts += 1
        self.resting = False
        self.operator.launch()

    def terminate(self) -> int:
        """SIGTERM; return its exit status when it has ended."""
        self.resting = True
        self.operator.terminate()
        return self.operator.wait()

    def kill(self, *, pod_lost: bool = False) -> None:
        """SIGKILL; with `pod_lost` its folder and identity go as well."""
        begin, self.resting = time.monotonic(), True
        self.operator.kill()
        self.hits.append(Hit("kill", self.name, begin, time.monotonic(), pod_lost=pod_lost))
        if pod_lost:
            self.new_pod()

    def await_death(self, *, pod_lost: bool = False) -> Hit:
        """Wait until the armed failpoint has killed the process."""
        eventually(
            lambda: not self.operator.alive, f"{self.name} passes its failpoint", lambda: self.operator.log[-4000:]
        )
        self.operator.wait()
        fired = self.failpoints.fired()
        assert fired, f"{self.name} ended by itself:\n{self.operator.log[-4000:]}"
        hit = Hit(
            "kill",
            self.name,
            fired["time"],
            time.monotonic(),
            fired["point"],
            fired["token"],
            fired["attempt"],
            pod_lost,
        )
        self.hits.append(hit)
        if pod_lost:
            self.new_pod()
        return hit

    def suspend(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while, as a suspended machine."""
        begin = time.monotonic()
        self.operator.signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.operator.signal(signal.SIGCONT)
        self.hits.append(Hit("stop", self.name, begin, time.monotonic()))

    def set_clock(self, offset: float) -> None:
        """Let its wall clock be wrong by so many seconds."""
        part = self._folder / "offset.part"
        part.write_text(str(offset))
        part.rename(self._folder / "offset")

    def stray(self) -> list[str]:
        """Return the names of the answers in its spill folder."""
        return sorted(path.name for path in self._spill.iterdir())

    def stop(self) -> None:
        """End it in order; a process that was stopped by a signal is killed."""
        self.failpoints.disarm()
        self.operator.stop()
