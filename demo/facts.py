"""What can be seen of the operator from outside: its objects, its server's log. Watchers write it, the view reads."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from datetime import datetime

from demo.cluster import JSON, Column
from demo.mount import fingerprint
from tests.standins.citrix_cloud import Call, Stats

#: The path of one refresh; those in `SEEN` leave a trace outside the operator.
STAGES = ("watch", "queue", "observe", "decide", "intent", "request", "commit", "publish", "report")
SEEN = {
    "intent": "grant Secret",
    "request": "Citrix Cloud",
    "commit": "grant Secret",
    "publish": "token Secret",
    "report": "status",
}


@dataclass(slots=True)
class Trace:
    """One refresh as it was seen: the `seq` it leads to, and when each stage showed (seconds since the epoch)."""

    seq: int
    begun: float
    times: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Facts:
    """The newest of everything."""

    columns: list[Column] = field(default_factory=list)
    stats: Stats | None = None
    refreshes: int = 0
    seq: int = 0
    pending: bool = False
    reported_seq: int = 0
    token: str = ""
    issued: float = 0.0
    expires: float = 0.0
    due: float = 0.0
    trace: Trace | None = None

    def see_grant(self, secret: JSON, now: float) -> None:
        """Take the grant Secret: an intent begins a refresh, the next `seq` is its commit."""
        state = json.loads(base64.b64decode(secret["data"]["state"]))
        self.seq, self.pending = state["seq"], bool(state.get("pending"))
        if self.pending and (self.trace is None or self.trace.seq != self.seq + 1):
            self.trace = Trace(self.seq + 1, now, {"intent": now})
        elif self.trace and self.seq >= self.trace.seq:
            self.trace.times.setdefault("commit", now)

    def see_token(self, secret: JSON, now: float) -> bool:
        """Take the token Secret; returns whether it holds another token than before."""
        shows = fingerprint(base64.b64decode((secret.get("data") or {}).get("authorization", "")))
        if shows == self.token:
            return False
        self.token = shows
        if self.trace:
            self.trace.times.setdefault("publish", now)
        return True

    def see_client(self, client: JSON, now: float) -> None:
        """Take the CitrixClient's status."""
        status = client.get("status") or {}
        self.reported_seq = (status.get("grant") or {}).get("seq", 0)
        self.issued, self.expires, self.due = (
            _seconds(status.get(key)) for key in ("lastRefreshTime", "expirationTime", "nextRefreshTime")
        )
        if self.trace and self.reported_seq >= self.trace.seq:
            self.trace.times.setdefault("report", now)

    def see_calls(self, calls: list[Call]) -> None:
        """Take the server's log: when the request of the newest refresh came in."""
        trace = self.trace
        for call in reversed(calls):
            if trace and call.grant_type == "refresh_token" and call.time >= trace.begun - 0.01:
                trace.times["request"] = call.time

    def between_refreshes(self, margin: float) -> bool:
        """Whether no refresh is under way, and none is due within `margin` seconds."""
        settled = not self.pending and self.seq > 0 and self.seq == self.reported_seq
        return settled and self.due - time.time() > margin


def _seconds(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
