"""A queue under test, and work that remembers what it was asked."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.sight import Sight
from citrix_oauth_operator.queue import Queue
from tests.unit.examples import outcome
from tests.unit.fakes import LoopClock


def ref(name: str, namespace: str = "a") -> ClientRef:
    """Return a client whose UID is its name."""
    return ClientRef(namespace, name, f"{namespace}/{name}")


def sight(server: str = "s", due: datetime | None = None, expires: datetime | None = None, version: int = 1) -> Sight:
    """Return what a watch event says."""
    return Sight((version, None), server, due, expires)


@dataclass
class Passes:
    """Work that takes a second, and remembers when it ran and how much of it at once."""

    clock: LoopClock
    seconds: float = 1.0
    log: list[tuple[float, str]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    most: int = 0
    twice: bool = False
    script: dict[str, list[Outcome | Exception | None]] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)

    async def __call__(self, client: ClientRef) -> Outcome | None:
        """Do one pass."""
        self.twice |= client.uid in self.running
        self.running.append(client.uid)
        self.most = max(self.most, len(self.running))
        self.log.append((self.clock.boottime(), client.name))
        try:
            await asyncio.sleep(10**6 if client.name in self.stuck else self.seconds)
        finally:
            self.running.remove(client.uid)
        script = self.script.get(client.name)
        end = script.pop(0) if script else outcome(look_again=None)
        if isinstance(end, Exception):
            raise end
        return end

    @property
    def names(self) -> list[str]:
        """Clients in the order of their passes."""
        return [name for _, name in self.log]


class Bench:
    """A queue that runs, its work, and what it reported."""

    def __init__(self, passes: int = 48, passes_a_server: int = 24) -> None:
        self.clock = LoopClock()
        self.work = Passes(self.clock)
        self.reports: list[float] = []
        self.report_seconds = 0.0
        self.report_failures: list[Exception] = []
        self.queue = Queue(self.work, self._report, self.clock, passes, passes_a_server)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.queue.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.queue.close(0.1)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        assert not self.work.twice, "two passes over one client at once"

    async def _report(self, _outcome: Outcome) -> None:
        await asyncio.sleep(self.report_seconds)
        if self.report_failures:
            raise self.report_failures.pop()
        self.reports.append(self.clock.boottime())
