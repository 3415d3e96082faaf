"""HOLD (step 7): the raw answer goes to a file in a memory-backed folder before anybody reads it.

A process that is killed between the answer and the commit leaves its file behind; the next one in the same pod adopts
it. Nothing here can fail a refresh: a folder that is full or gone costs the second net, not the token in memory.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
from citrix_oauth_operator.domain.model import ClientRef, Holder
from citrix_oauth_operator.domain.protocol import Terms

log = logging.getLogger(__name__)

_SUFFIX = ".answer"


@dataclass(frozen=True, slots=True)
class Spilled:
    """One answer that may not be committed yet, with all that is needed to commit it without the client's objects.

    Attributes:
        attempt, chain, seq: of the intent it answers.
        received_at: when the last byte was read (UTC).
    """

    ref: ClientRef
    attempt: str
    chain: str
    seq: int
    holder: Holder
    received_at: datetime
    terms: Terms
    body: bytes = field(repr=False)


class SpillFolder:
    """Keeps answers until they are committed; off when there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder, for this user only."""
        if self._folder is None:
            log.warning("no --spill-dir: an answer in hand does not survive a kill of this process")
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            log.error("the spill folder cannot be used: %s", type(error).__name__)  # noqa: TRY400 - no path, no text
            self._folder = None

    def put(self, spilled: Spilled) -> None:
        """Write one answer, readable by this user only, whole or not at all."""
        if self._folder is None:
            return
        path = self._path(spilled.attempt)
        part = path.with_suffix(".part")
        try:
            part.touch(mode=0o600)
            part.write_text(json.dumps(_state(spilled)))
            part.rename(path)
        except OSError as error:
            log.warning("an answer could not be spilled: %s", type(error).__name__)
            _remove(part)

    def drop(self, attempt: str) -> None:
        """Remove an answer that is committed, or that holds no token."""
        if self._folder is not None:
            _remove(self._path(attempt))

    def left_behind(self) -> Iterator[Spilled]:
        """Return what earlier processes left; a file that cannot be read stays for a person to look at."""
        if self._folder is None:
            return
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                yield _spilled(json.loads(path.read_text()))
            except (OSError, KeyError, TypeError, ValueError):
                log.error("a spilled answer cannot be read: %s", path.name)  # noqa: TRY400 - the text may quote it

    def _path(self, attempt: str) -> Path:
        if self._folder is None:
            raise RuntimeError("there is no spill folder")
        return self._folder / f"{attempt}{_SUFFIX}"


def _remove(path: Path) -> None:
    """Remove a file; one that stays is of a `seq` that was committed, and is passed over at the next start."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _state(spilled: Spilled) -> dict[str, Any]:
    terms = dataclasses.asdict(spilled.terms)
    for key in ("min_interval", "default_lifetime"):
        terms[key] = terms[key].total_seconds()
    return {
        "ref": dataclasses.asdict(spilled.ref),
        "attempt": spilled.attempt,
        "chain": spilled.chain,
        "seq": spilled.seq,
        "holder": dataclasses.asdict(spilled.holder),
        "receivedAt": rfc3339_micro(spilled.received_at),
        "terms": terms,
        "body": base64.b64encode(spilled.body).decode(),
    }


def _spilled(state: dict[str, Any]) -> Spilled:
    terms = state["terms"]
    for key in ("min_interval", "default_lifetime"):
        terms[key] = timedelta(seconds=terms[key])
    received_at = parse_rfc3339(state["receivedAt"])
    if received_at is None:
        raise ValueError("not a time")
    return Spilled(
        ref=ClientRef(**state["ref"]),
        attempt=state["attempt"],
        chain=state["chain"],
        seq=state["seq"],
        holder=Holder(**state["holder"]),
        received_at=received_at,
        terms=Terms(**terms),
        body=base64.b64decode(state["body"]),
    )
