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

    _grants: set[tuple[str, str]] = field(default_factory=set)

    def refuse_twins(self, ref: ClientRef) -> None:
        """Let a client wait for its predecessor's answer.

        Raises:
            Conflict: that one is on its way; look again.
        """
        if _key(ref) in self._grants:
            raise Conflict

    @contextmanager
    def alone(self, ref: ClientRef) -> Iterator[None]:
        """Keep twins away until the request is answered and what came is committed.

        Raises:
            Conflict: as above.
        """
        self.refuse_twins(ref)
        self._grants.add(_key(ref))
        try:
            yield
        finally:
            self._grants.discard(_key(ref))


def _key(ref: ClientRef) -> tuple[str, str]:
    return ref.namespace, ref.name
