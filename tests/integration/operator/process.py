"""The operator as a process of its own, as a Deployment runs it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.control_plane.children import Child
from tests.integration.operator.eventually import GIVE_UP_SECONDS, eventually

SERVING = "serving; grants are kept in namespace"


class Operator:
    """One operator; every start writes a log file of its own.

    Args:
        module: what runs it, with the arguments of the product.

    Attributes:
        namespace: where it keeps its grants.
        env: of the next process, beside the kubeconfig.
    """

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        kubeconfig: Path,
        folder: Path,
        namespace: str,
        watched: Sequence[str],
        module: str = "citrix_oauth_operator",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.namespace = namespace
        self.env = dict(env or {})
        self._module = module
        self._kubeconfig, self._folder, self._watched = kubeconfig, folder, tuple(watched)
        self._logs: list[Path] = []
        self._child: Child | None = None

    @property
    def log(self) -> str:
        """Everything it ever said."""
        return "".join(path.read_text() for path in self._logs)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int:
        """Process id."""
        return self._running().pid

    def launch(self) -> None:
        """Start the process and do not wait for anything."""
        words = [sys.executable, "-m", self._module, "run"]
        words += ["--operator-namespace", self.namespace]
        for namespace in self._watched:
            words += ["--watch-namespace", namespace]
        name = f"{self.namespace}-{len(self._logs)}"
        env = {"CITRIX_OAUTH_LOG_LEVEL": "debug", "KUBECONFIG": str(self._kubeconfig), **self.env}
        self._child = Child(name, words, self._folder, env)
        self._logs.append(self._child.log)

    def start(self) -> None:
        """Start the process; return when it serves."""
        self.launch()
        self.await_serving()

    def await_serving(self) -> None:
        """Wait until the process that was started last serves."""
        eventually(lambda: SERVING in self._logs[-1].read_text(), "the operator serves", lambda: self.log)

    def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        self._running().signal(signal.SIGTERM)

    def wait(self) -> int:
        """Return the exit status."""
        return int(self._running()._process.wait(GIVE_UP_SECONDS))

    def stop(self) -> None:
        """SIGTERM, and an orderly end of a life without a bug that surfaced."""
        if self.alive:
            self.terminate()
            assert self.wait() == 0, self.log
        assert "Traceback" not in self.log, self.log

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._running().stop(grace_seconds=0)

    def signal(self, number: signal.Signals) -> None:
        """Send any signal."""
        self._running().signal(number)

    def freeze(self) -> None:
        """Stop the process where it is, as a suspended machine would; return when it stands still."""
        self.signal(signal.SIGSTOP)
        status = Path(f"/proc/{self.pid}/stat")
        eventually(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the process stands still")

    def thaw(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def _running(self) -> Child:
        assert self._child is not None
        return self._child
