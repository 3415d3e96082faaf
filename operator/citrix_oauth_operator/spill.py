"""HOLD (step 7): the raw answer goes to a file in a memory-backed folder before anybody reads it.

A process that is killed between the answer and the commit leaves its file behind; `recovery` commits it, and until
then nothing is sent for that client. Nothing here can fail a refresh: a folder that is full or gone costs the second
net, not the token in memory. Files are not synced: they outlive a kill of the process, not of the machine.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
from citrix_oauth_operator.domain.model import ClientRef, Grant, Pending
from citrix_oauth_operator.domain.protocol import Terms
from citrix_oauth_operator.domain.secrecy import StaysHere
from citrix_oauth_operator.domain.sign_in import Expected
from citrix_oauth_operator.kube.grant_codec import GrantUnreadable, from_data, to_data

log = logging.getLogger(__name__)

_ANSWER, _PART = ".answer", ".part"


@dataclass(frozen=True, slots=True)
class Spilled(StaysHere):
    """One answer that may not be committed yet, with all that is needed to commit it, whatever became of the objects.

    Attributes:
        grant: as it was stored when the answer came, the intent included.
        received_at: when the last byte was read (UTC).
        body: the answer as it came; empty where `after` is known.
        expected: of an answer to a code: what it must prove before it is committed; `grant` was never stored then.
        after: of a refusal: the grant as it is to be stored.
    """

    ref: ClientRef
    grant: Grant
    received_at: datetime
    terms: Terms
    body: bytes = field(default=b"", repr=False)
    expected: Expected | None = None
    after: Grant | None = None

    @property
    def pending(self) -> Pending:
        """The intent that it answers."""
        if self.grant.pending is None:
            raise TypeError("an answer belongs to an intent")
        return self.grant.pending

    def answers(self, grant: Grant | None) -> bool:
        """Whether the stored grant still waits for this answer, or is gone."""
        if grant is None:
            return True
        if self.expected is not None:
            return grant.chain == self.expected.replaces
        return (grant.chain, grant.seq) == (self.grant.chain, self.grant.seq)


class SpillFolder:
    """Keeps answers until they are committed; off when there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._parts: frozenset[Path] = frozenset()

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
        self.tidy()

    def put(self, spilled: Spilled) -> None:
        """Write one answer, readable by this user only, whole or not at all."""
        if self._folder is None:
            return
        path = self._folder / _name(spilled.ref, spilled.pending.attempt)
        part = path.with_suffix(_PART)
        try:
            part.touch(mode=0o600)
            part.write_text(json.dumps(_state(spilled)))
            part.rename(path)
        except OSError as error:
            log.warning("an answer could not be spilled: %s", type(error).__name__)
            _remove(part)

    def drop(self, ref: ClientRef, attempt: str) -> None:
        """Remove an answer that is committed, or that holds no token."""
        if self._folder is not None:
            _remove(self._folder / _name(ref, attempt))

    def keeps(self, ref: ClientRef, grant: Grant | None) -> bool:
        """Whether an answer lies here that the stored grant waits for: nothing may be sent before it is committed."""
        return any(spilled.answers(grant) for spilled in self._read(_key(ref)))

    def left_behind(self) -> Iterator[Spilled]:
        """Return every answer; a file that cannot be read stays for a person to look at."""
        return self._read("")

    def tidy(self) -> None:
        """Take what a killed process had written but not named; what it had half written goes at the second look."""
        parts = frozenset(self._files("", _PART))
        for part in parts:
            if _parsed(part) is not None:
                with contextlib.suppress(OSError):
                    part.rename(part.with_suffix(_ANSWER))
            elif part in self._parts:
                _remove(part)
        self._parts = parts

    def _read(self, beginning: str) -> Iterator[Spilled]:
        return filter(None, map(_parsed, self._files(beginning, _ANSWER)))

    def _files(self, beginning: str, end: str) -> list[Path]:
        """List the folder; `os.listdir`, for each pass looks here and mostly finds nothing."""
        folder = self._folder
        try:
            names = os.listdir(folder) if folder is not None else ()  # noqa: PTH208 - four times as fast
        except OSError:
            return []
        return [Path(f"{folder}/{name}") for name in sorted(names) if name.startswith(beginning) and name.endswith(end)]


def _key(ref: ClientRef) -> str:
    """Return the beginning of the names of a client's files; a client created again shares its predecessor's grant."""
    return hashlib.sha256(str(ref).encode()).hexdigest()[:16]


def _name(ref: ClientRef, attempt: str) -> str:
    return f"{_key(ref)}.{attempt}{_ANSWER}"


def _parsed(path: Path) -> Spilled | None:
    try:
        return _spilled(json.loads(path.read_text()))
    except (OSError, KeyError, TypeError, ValueError, GrantUnreadable):
        return None


def _remove(path: Path) -> None:
    """Remove a file; one that stays is of a `seq` that was committed, and is passed over from then on."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _state(spilled: Spilled) -> dict[str, Any]:
    terms = dataclasses.asdict(spilled.terms)
    for key in ("min_interval", "default_lifetime"):
        terms[key] = terms[key].total_seconds()
    return {
        "ref": dataclasses.asdict(spilled.ref),
        "grant": to_data(spilled.grant),
        "receivedAt": rfc3339_micro(spilled.received_at),
        "terms": terms,
        "body": base64.b64encode(spilled.body).decode(),
        "expected": spilled.expected and {name: getattr(spilled.expected, name) for name in Expected.__slots__},
        "after": spilled.after and to_data(spilled.after),
    }


def _spilled(state: dict[str, Any]) -> Spilled:
    terms = state["terms"]
    for key in ("min_interval", "default_lifetime"):
        terms[key] = timedelta(seconds=terms[key])
    received_at = parse_rfc3339(state["receivedAt"])
    grant = from_data(state["grant"])
    if received_at is None or grant.pending is None:
        raise ValueError("not what was written")
    expected = Expected(**state["expected"]) if state.get("expected") else None
    after = from_data(state["after"]) if state.get("after") else None
    body = base64.b64decode(state["body"])
    return Spilled(ClientRef(**state["ref"]), grant, received_at, Terms(**terms), body, expected, after)
