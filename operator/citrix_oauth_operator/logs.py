"""Logging of the process: one format, and loggers that would say too much kept quiet."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

#: At DEBUG these print headers, URLs, bodies and patches; at INFO kopf says "succeeded" for each event.
QUIET = ("httpx", "httpcore", "aiohttp", "kubernetes", "urllib3", "kopf", "kopf.objects", "asyncio", "authlib", "anyio")
AUDIT = "citrix_oauth_operator.audit"


class JsonFormatter(logging.Formatter):
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
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if log_format == "json" else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("citrix_oauth_operator").setLevel(level.upper())
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # whatever the level
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
