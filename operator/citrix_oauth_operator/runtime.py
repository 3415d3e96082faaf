"""The process around the operator: its event loop, its garbage collector, its last words."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Prefer uvloop, which halves what TLS to the API server costs; it is not there on every platform."""
    try:
        import uvloop  # noqa: PLC0415 - absent on some platforms
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def importing() -> Iterator[None]:
    """Import what a verb needs, and nothing that it does not.

    kopf imports the whole `kubernetes` package where it finds one, to recognise models that nobody passes to it: a
    third of a second and 17 MiB. None in sys.modules says that there is none (Python reference, 5.3.1), for a while.
    The garbage collector would walk what modules allocate time and again: nothing of it is dropped.
    """
    hidden = "kubernetes" not in sys.modules
    if hidden:
        sys.modules["kubernetes"] = None  # type: ignore[assignment]
    gc.disable()
    try:
        yield
    finally:
        if hidden:
            del sys.modules["kubernetes"]
        gc.freeze()
        gc.enable()


def say_goodbye(passes: int) -> None:
    """Say that the process ends, in our own words: kopf's are about its tasks."""
    log.info("ending: nothing begins any more, %d passes under way", passes)
    for name in ("kopf", *(name for name in logging.root.manager.loggerDict if name.startswith("kopf."))):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def spare_the_collector() -> None:
    """What the start made stays: keep the garbage collector from walking it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
