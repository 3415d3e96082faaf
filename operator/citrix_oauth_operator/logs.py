"""Logging of the process: one format, and loggers that would say too much kept quiet."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

log = logging.getLogger(__name__)

#: At DEBUG these print headers, URLs, bodies and patches; at INFO kopf says "succeeded" for each event.
QUIET = ("httpx", "httpcore", "aiohttp", "kubernetes", "urllib3", "kopf", "kopf.objects", "asyncio", "authlib", "anyio")
AUDIT = "citrix_oauth_operator.audit"


_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class BareFormatter(logging.Formatter):
    """Shows where an exception came from and of which type it is; its text only where it is our own.

    Texts of others quote what they were given: `int("…")` a token, a JSON parser the document, kopf a whole object.
    """

    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - logging's name
        """Return the chain of tracebacks without their texts."""
        return "\n".join(_chain(ei[1])) if ei[1] is not None else ""


def _chain(error: BaseException, shown: frozenset[int] = frozenset()) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    shown |= {id(error)}
    for other in (before, *inner):
        if other is not None and id(other) not in shown:
            yield from _chain(other, shown)
            yield "which led to:"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    kind = type(error)
    ours = kind.__module__.startswith("citrix_oauth_operator.")
    yield f"{kind.__qualname__}: {error}" if ours else f"{kind.__qualname__} (its text is not shown)"


class JsonFormatter(BareFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def configure_logging(log_format: str, level: str) -> None:
    """Log to stderr, our own loggers at `level`, libraries from WARNING, whatever the level."""
    handler = logging.StreamHandler(sys.stderr)
    text = BareFormatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if log_format == "json" else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("citrix_oauth_operator").setLevel(level.upper())
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # whatever the level
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def catch_the_rest() -> None:
    """Send what nobody caught through the log: Python's own hooks print exceptions with their texts."""

    def at_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("ended by an exception that nobody caught", exc_info=(kind, error, trace))

    def in_a_thread(args: threading.ExceptHookArgs) -> None:
        log.error("a thread ended with an exception", exc_info=args.exc_value)

    def nowhere(args: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs exists for type checkers only
        log.error("an exception could not be raised", exc_info=args.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = at_the_end, in_a_thread, nowhere


def in_the_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what an event loop caught: asyncio's own words hold the reprs of results, arguments and exceptions."""
    task = context.get("task") or context.get("future")
    name = task.get_name() if isinstance(task, asyncio.Task) else "a callback"
    # an iterator that fails as it is thrown away, as kopf's over a broken watch at the end, takes nothing with it
    level = logging.DEBUG if "asyncgen" in context else logging.ERROR
    log.log(level, "%s failed and nobody waited for it", name, exc_info=context.get("exception"))
