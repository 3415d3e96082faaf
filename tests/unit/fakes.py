"""Hand-written stand-ins for the edges of the process: clocks and the API server. mypy holds them to the real types."""

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from citrix_oauth_operator.domain.errors import Unreachable
from citrix_oauth_operator.kube.api import JSON, _result
from citrix_oauth_operator.metered import MeteredApi

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FakeClock:
    """A Clock that moves only when told."""

    def __init__(self, start: datetime = T0) -> None:
        self._now, self._boottime = start, 1000.0

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._now

    def boottime(self) -> float:
        """Return seconds that move with the time, but not with `jump`."""
        return self._boottime

    def advance(self, by: timedelta) -> None:
        """Move forward; going back is a bug in the test."""
        if by < timedelta(0):
            raise ValueError("clock moved backwards")
        self._now += by
        self._boottime += by.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Correct the wall clock, in either direction."""
        self._now += by


class LoopClock:
    """A Clock that follows the virtual time of the event loop (looptime)."""

    def __init__(self) -> None:
        self._base = asyncio.get_running_loop().time()
        self.jumped = timedelta(0)
        self.suspended = 0.0

    def now(self) -> datetime:
        """Return the wall clock, with the corrections made to it."""
        return T0 + timedelta(seconds=self.boottime()) + self.jumped

    def boottime(self) -> float:
        """Return the seconds since the test began, suspension included."""
        return asyncio.get_running_loop().time() - self._base + self.suspended


class Crash(BaseException):
    """The process dies here; nothing may catch it."""


@dataclass
class Fault:
    """What happens to the next `times` requests that match.

    Attributes:
        before: raised instead of doing what was asked.
        after: raised once it was done: the answer is lost.
        then: called first: what somebody else does in between.
    """

    verb: str = ""
    part: str = ""
    before: BaseException | None = None
    after: BaseException | None = None
    then: Callable[[], object] | None = None
    times: int = 1

    def matches(self, verb: str, path: str) -> bool:
        """Whether this request meets the fault."""
        return self.times > 0 and verb.startswith(self.verb) and self.part in path


def lost(verb: str = "", part: str = "", times: int = 1) -> Fault:
    """Return the fault of a write that is applied and not answered."""
    return Fault(verb, part, after=Unreachable(), times=times)


class FakeApi(MeteredApi):
    """An API server in memory: resourceVersion, 404, 409, merge patches, status as a subresource, preconditions."""

    def __init__(self, *namespaces: str) -> None:
        self.objects: dict[str, JSON] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self._versions = 0
        for namespace in namespaces:
            self.put(f"/api/v1/namespaces/{namespace}", {"metadata": {"name": namespace}})

    async def _request(
        self, verb: str, path: str, body: object = None, *, content_type: str = "application/json", accept: str = ""
    ) -> JSON:
        del content_type, accept
        await asyncio.sleep(0)
        path, _, query = path.partition("?")
        fault = next((fault for fault in self.faults if fault.matches(verb, path)), Fault())
        fault.times -= 1
        self.requests.append((verb, path))
        if fault.then:
            fault.then()
        if fault.before:
            raise fault.before
        status, answer = self._apply(verb, path, json.loads(json.dumps(body)), query)
        if fault.after:
            raise fault.after
        return _result(status, json.dumps(answer).encode())

    def writes(self, part: str = "") -> list[tuple[str, str]]:
        """Return the requests that were no reads."""
        return [(verb, path) for verb, path in self.requests if verb != "GET" and part in path]

    def put(self, path: str, body: JSON) -> JSON:
        """Write an object as it is, as somebody else would; its UID and generation stay unless given."""
        self._versions += 1
        old = self.objects.get(path, {"metadata": {}})
        kept = {"uid": f"uid-{self._versions}", "generation": 1, **old["metadata"]}
        metadata = {**kept, **body["metadata"], "resourceVersion": str(self._versions)}
        if old.get("spec") != body.get("spec") and path in self.objects:
            metadata["generation"] = kept["generation"] + 1
        self.objects[path] = {**copy.deepcopy(body), "metadata": metadata}
        return self.objects[path]

    def drop(self, path: str) -> None:
        """Delete an object, as somebody else would."""
        self.objects.pop(path, None)

    def of_kind(self, plural: str) -> list[JSON]:
        """Return all objects of a kind."""
        return [body for path, body in self.objects.items() if path.split("/")[-2] == plural]

    def _apply(self, verb: str, path: str, body: Any, query: str) -> tuple[int, JSON]:  # noqa: ANN401 - JSON
        found = self.objects.get(path.removesuffix("/status"))
        if verb == "GET":
            return self._get(path, found, query)
        if verb == "POST":
            return self._create(path, body)
        if found is None:
            return 404, {}
        if verb == "DELETE":
            return self._delete(path, found, body["preconditions"])
        guard = body.get("metadata", {})
        if any(guard.get(key) not in {None, found["metadata"][key]} for key in ("resourceVersion", "uid")):
            return 409, {}
        if verb == "PUT" and "resourceVersion" not in guard:
            return 422, {}
        return self._write(path, found, body, patch=verb == "PATCH")

    def _get(self, path: str, found: JSON | None, query: str) -> tuple[int, JSON]:
        collection, plural = path + "/", path.rpartition("/")[2]
        if found is not None:
            return 200, found
        if "limit=" not in query and "labelSelector=" not in query and plural != "authorizationservers":
            return 404, {}
        everywhere = "/namespaces/" not in path
        matching = [b for p, b in self.objects.items() if p.startswith(collection) or (everywhere and plural in p)]
        if label := query.partition("labelSelector=")[2].partition("%3D")[0]:
            matching = [b for b in matching if label in (b["metadata"].get("labels") or {})]
        return 200, {"metadata": {}, "items": matching}

    def _create(self, path: str, body: JSON) -> tuple[int, JSON]:
        name = body["metadata"]["name"]
        if f"{path}/{name}" in self.objects:
            return 409, {}
        namespace, _, plural = path.rpartition("/")
        if plural != "namespaces" and namespace not in self.objects:
            return 404, {}
        return 201, self.put(f"{path}/{name}", body)

    def _write(self, path: str, found: JSON, body: JSON, *, patch: bool) -> tuple[int, JSON]:
        if path.endswith("/status"):
            body = {"status": body.get("status", {})} if patch else {**found, "status": body.get("status", {})}
        elif patch and "status" in body:
            return 422, {}
        new = merged(found, body) if patch else body
        new["metadata"] = {**new["metadata"], "resourceVersion": found["metadata"]["resourceVersion"]}
        return 200, found if new == found else self.put(path.removesuffix("/status"), new)

    def _delete(self, path: str, found: JSON, guard: JSON) -> tuple[int, JSON]:
        if any(found["metadata"][key] != value for key, value in guard.items()):
            return 409, {}
        self.drop(path)
        return 200, {}


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - JSON
    """Return `target` after an RFC 7396 merge patch."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
