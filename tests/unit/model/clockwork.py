"""An event loop without any waiting: when nothing is left to do, time jumps to what is due next."""

import asyncio
import selectors


class _Jump(selectors.DefaultSelector):
    """Waits for nothing: the model has no sockets."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the time pass that the loop would have waited."""
        if timeout is None:
            raise RuntimeError("everybody waits for ever")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time begins at zero; ten times as fast as one that also waits for real input."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self._jump.now
