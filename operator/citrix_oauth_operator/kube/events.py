"""Events about CitrixClients."""

from __future__ import annotations

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.transitions import Note

from .api import Api
from .labels import OPERATOR

_MESSAGE_LENGTH = 1024


class Allowance:
    """Lets a burst through, then one a second: a fleet that starts or recovers is seen in status, not in Events."""

    def __init__(self, clock: Clock, burst: int = 20) -> None:
        self._clock, self._burst, self._full_at = clock, burst, 0.0

    def take(self) -> bool:
        """Take one, if there is one left."""
        now = self._clock.boottime()
        full_at = max(self._full_at, now) + 1.0
        if full_at - now > self._burst:
            return False
        self._full_at = full_at
        return True


class Events:
    """Posts core/v1 Events, which `kubectl describe` shows."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._good_news = Allowance(clock)

    async def post(self, ref: ClientRef, note: Note) -> None:
        """Post one Event in the client's namespace; of good news, not more than a person can read."""
        if note.kind == "Normal" and not self._good_news.take():
            return
        now = rfc3339(self._clock.now())
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{ref.name[:200]}.", "namespace": ref.namespace},
            "involvedObject": {
                "apiVersion": "citrix-oauth.dev/v1alpha1",
                "kind": "CitrixClient",
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": ref.uid,
            },
            "type": note.kind,
            "reason": note.reason,
            "message": note.message[:_MESSAGE_LENGTH],
            "source": {"component": OPERATOR},
            "reportingComponent": OPERATOR,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await self._api.create(f"/api/v1/namespaces/{ref.namespace}/events", body)
