"""The authorization servers that exist: AuthorizationServer objects over the built-in ones."""

from __future__ import annotations

from functools import partial

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import ConditionType, Reason
from citrix_oauth_operator.domain.server import Server, parse_server
from citrix_oauth_operator.patience import patiently
from citrix_oauth_operator.servers import BUILT_IN, profile

from .api import GROUP_PATH, JSON, Api

_COLLECTION = f"{GROUP_PATH}/authorizationservers"


class Servers:
    """Knows every server by name: read once at start-up, then kept by watch events."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._known: dict[str, Server | Problem] = {}
        self._uids: dict[str, str] = {}

    async def load(self) -> None:
        """Read all AuthorizationServers, so that the first client is not judged without them."""
        for body in await self._api.list(_COLLECTION):
            self.upsert(body)

    def upsert(self, body: JSON) -> bool:
        """Take an object as it is now; return whether that changes anything for clients."""
        name = body["metadata"]["name"]
        parsed = _parse(body)
        changed = self._known.get(name) != parsed
        self._known[name], self._uids[name] = parsed, body["metadata"]["uid"]
        return changed

    def remove(self, name: str, uid: str) -> bool:
        """Forget a deleted object; a built-in server of that name shows again.

        Returns:
            Whether it was known: its end may be told behind the beginning of another one of its name.
        """
        if self._uids.get(name) != uid:
            return False
        del self._known[name], self._uids[name]
        return True

    async def seek(self, name: str) -> Server | Problem:
        """Return the server of that name, and read it where it is not known: for somebody who may not list them, too.

        An object applied just before its client may be seen behind it; that client would be taken to a built-in server
        of the same name, its secrets with it.

        Raises:
            ApiError: it cannot be read.
        """
        if name in self._known or not (body := await self._api.get(f"{_COLLECTION}/{name}")):
            return self.find(name)
        return _parse(body)  # not kept: its watch event comes, and what tells of its end must not come before this

    def find(self, name: str) -> Server | Problem:
        """Return the server of that name, or why there is none."""
        found = self._known.get(name) or BUILT_IN.get(name)
        return found if found is not None else problems.server_not_found(name, sorted(BUILT_IN))

    def select(self, name: str) -> bool:
        """Whether the server of that name looks at the labels of its clients' namespaces."""
        found = self.find(name)
        return isinstance(found, Server) and found.allowed_namespaces.needs_labels()

    async def report_all(self) -> None:
        """Say of each object whether it is accepted: nobody may have led when it was created."""
        for body in await self._api.list(_COLLECTION):
            await self.report(body)

    async def report(self, body: JSON) -> None:
        """Write the condition `Accepted`, if it is not what status says already."""
        condition = _accepted(_parse(body), body["metadata"]["generation"])
        status = body.get("status") or {}
        old: JSON = next((c for c in status.get("conditions") or () if c["type"] == ConditionType.ACCEPTED), {})
        if all(old.get(key) == value for key, value in condition.items()):
            return
        same = old.get("status") == condition["status"]
        condition["lastTransitionTime"] = old["lastTransitionTime"] if same else rfc3339(self._clock.now())
        patch = {"observedGeneration": body["metadata"]["generation"], "conditions": [condition]}
        path = f"{_COLLECTION}/{body['metadata']['name']}/status"
        await patiently(partial(self._api.merge_patch, path, {"status": patch}))


def _parse(body: JSON) -> Server | Problem:
    name = body["metadata"]["name"]
    try:
        return parse_server(name, body.get("spec") or {}, lambda kind: profile(kind).kind)
    except FieldError as error:
        return problems.server_invalid(name, error)


def _accepted(parsed: Server | Problem, generation: int) -> JSON:
    return {
        "type": str(ConditionType.ACCEPTED),
        "status": "True" if isinstance(parsed, Server) else "False",
        "reason": str(Reason.ACCEPTED if isinstance(parsed, Server) else parsed.reason),
        "message": "Clients may use this server."
        if isinstance(parsed, Server)
        else f"{parsed.message} {parsed.remedy}",
        "observedGeneration": generation,
    }
