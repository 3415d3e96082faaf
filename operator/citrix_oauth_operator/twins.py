"""One request at a time for one grant: a client created again under its name shares its predecessor's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import ClientRef


@dataclass(slots=True)
class OnTheWire:
    """The grants that a request of this process is about; passes over one client never overlap, over twins they may."""

    _grants: set[str] = field(default_factory=set)

    @contextmanager
    def alone(self, ref: ClientRef) -> Iterator[None]:
        """Keep twins away from the intent until what came of the request is committed.

        Raises:
            Conflict: the predecessor's answer is on its way; look again.
        """
        if str(ref) in self._grants:
            raise Conflict
        self._grants.add(str(ref))
        try:
            yield
        finally:
            self._grants.discard(str(ref))
