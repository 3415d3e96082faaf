"""What the checker is given: the logs of both servers, what was injected, and the state at rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.faults.grant_writes import GrantWrite
from tests.standins.rotating.server import Record

HitKind = Literal["kill", "stop"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A process that was killed, or stopped and continued, in seconds of CLOCK_MONOTONIC.

    Attributes:
        begin: just before the signal; end: the process was reaped, or went on.
        point, token, attempt: of a failpoint.
        pod_lost: its memory and spill folder went with it.
    """

    kind: HitKind
    replica: str
    begin: float
    end: float
    point: str = ""
    token: str = ""
    attempt: str = ""
    pod_lost: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One write the API server accepted of a grant Secret or a token Secret, from the proxy's log."""

    replica: str
    answered: float
    version: int
    grant: GrantWrite | None = None
    published: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """One client after all faults have ended.

    Attributes:
        stored: what its grant Secret holds; None: there is none.
        stalled: reason of its condition Stalled, "" for none.
    """

    stored: GrantWrite | None
    stalled: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything one run left behind.

    Attributes:
        live: family: fingerprint of its one live refresh token, as the authorization server knows it.
        spilled: attempt: when its answer lay in the spill folder; for the exposure only, no verdict rests on it.
        stray: names of answers that still lay in a spill folder at rest.
    """

    requests: list[Record]
    writes: list[Write]
    hits: list[Hit]
    rest: dict[str, Rest]
    live: dict[str, str]
    spilled: dict[str, float] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)


def writes_of(calls: list[dict[str, Any]]) -> list[Write]:
    """Return the accepted writes among the proxy's calls, in the order in which etcd took them."""
    made = [
        Write(
            replica=call["replica"],
            answered=call["answered"],
            version=call["version"],
            grant=GrantWrite(**call["grant"]) if call["grant"] else None,
            published=call["published"],
        )
        for call in calls
        if call["version"]
    ]
    return sorted(made, key=lambda write: write.version)
