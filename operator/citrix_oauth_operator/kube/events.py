"""Events about CitrixClients."""

from __future__ import annotations

import contextlib
import secrets
from functools import partial

from citrix_oauth_operator.allowance import Allowance
from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.transitions import Note
from citrix_oauth_operator.patience import patiently

from .api import Api
from .labels import OPERATOR, reference

_MESSAGE_LENGTH = 1024
_AT_ONCE, _EACH_SECONDS = 20, 1.0  # a fleet that starts or recovers is seen in status, not in Events


class Events:
    """Posts core/v1 Events, which `kubectl describe` shows."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._good_news = Allowance(clock, _AT_ONCE, _EACH_SECONDS)

    async def post(self, ref: ClientRef, note: Note) -> None:
        """Post one Event in the client's namespace; of good news, not more than a person can read."""
        if note.kind == "Normal":
            if self._good_news.rest():
                return
            self._good_news.book()
        now = rfc3339(self._clock.now())
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{ref.name[:200]}.{secrets.token_hex(8)}", "namespace": ref.namespace},
            "involvedObject": {**reference(ref), "namespace": ref.namespace},
            "type": note.kind,
            "reason": note.reason,
            "message": note.message[:_MESSAGE_LENGTH],
            "source": {"component": OPERATOR},
            "reportingComponent": OPERATOR,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        with contextlib.suppress(Conflict):  # the answer to an earlier try was lost
            await patiently(partial(self._api.create, f"/api/v1/namespaces/{ref.namespace}/events", body))
