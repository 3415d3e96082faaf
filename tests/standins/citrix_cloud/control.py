"""The test's view into the server: knobs, planned faults, statistics, the log of calls."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict, Unpack

import httpx


class Knobs(TypedDict, total=False):
    """What can be changed at run time; lives and periods in whole seconds."""

    access_token_life: int
    refresh_token_life: int
    refresh_token_expiration: Literal["sliding", "absolute"]
    rotate: bool
    grace_seconds: int
    grace_answer: Literal["fresh", "same"]
    on_replay: Literal["revoke", "reject"]
    service_token_life: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned failure of a token endpoint, played `count` times.

    `before`: the server never saw the request. `after`: it has decided (rotated!), and the answer suffers.

    Kinds: `reset` (connection cut), `truncate` (headers and half a body), `canned` (status, headers, body instead),
    `patch` (fields set and dropped in the real answer; `after` only), `stall` (silence),
    `delay` (`delay_ms`, then normal). `delay_ms` goes before each of them.
    `grant_type` and `client_id` limit the fault to some calls.
    """

    when: Literal["before", "after"]
    kind: Literal["reset", "truncate", "canned", "patch", "stall", "delay"]
    count: int = 1
    grant_type: str | None = None
    client_id: str | None = None
    delay_ms: int = 0
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/html"})
    body: str = "<html><body>Unable to Process Your Request</body></html>"
    fields: Mapping[str, object] = field(default_factory=dict)
    drop: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters from the server's side, since its start or the last `reset`."""

    token_requests: dict[str, int]  # by grant type
    rotations: int
    replays: int
    grace_reuses: int
    errors: dict[str, int]  # by OAuth error code
    resource_ok: int
    resource_refused: int
    revoked_grants: int
    live_refresh_tokens: int  # now, not since the reset


@dataclass(frozen=True, slots=True)
class Call:
    """One token request as the server saw it. Refresh tokens appear as 16 hex digits of their SHA-256."""

    sequence: int
    time: float  # seconds since the epoch
    endpoint: Literal["token", "service_principal"]
    grant_type: str | None
    client_id: str | None
    refresh_token: str | None
    issued_refresh_token: str | None
    outcome: str  # "ok", an OAuth error code, or "unhandled" when a `before` fault answered
    fault: str | None  # "after:reset" and so on
    delivered: bool  # whether the server's own answer was sent whole


class Control:
    """Calls the server's control port; every method raises httpx.HTTPStatusError when the server refuses."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/__ctl", trust_env=False, timeout=60)

    def configure(self, **knobs: Unpack[Knobs]) -> None:
        """Change knobs; they hold for tokens issued from now on."""
        self._call("PUT", "/knobs", knobs)

    def faults(self, planned: Sequence[Fault]) -> None:
        """Replace the planned faults. The first that fits a call is taken."""
        self._call("PUT", "/faults", [asdict(fault) for fault in planned])

    def stats(self) -> Stats:
        """Counters of now."""
        return Stats(**self._call("GET", "/stats"))

    def calls(self) -> list[Call]:
        """Every token request since the last `reset`, oldest first (the newest 100,000)."""
        return [Call(**entry) for entry in self._call("GET", "/calls")]

    def issued(self) -> list[str]:
        """Every token value ever made, delivered or not; opaque ones begin with `CANARY-`, id tokens are JWTs."""
        return list(self._call("GET", "/issued"))

    def listening(self, on: bool) -> None:
        """Close or reopen the server's port: connections are cut and refused, the state stays."""
        self._call("PUT", "/listening", on)

    def reset(self) -> None:
        """Default knobs, no faults, listening, empty counters and log. Tokens stay valid."""
        self._call("POST", "/reset")

    def close(self) -> None:
        """Release the connection."""
        self._client.close()

    def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON of several shapes
        answer = (
            self._client.request(method, path, json=body) if method == "PUT" else self._client.request(method, path)
        )
        answer.raise_for_status()
        return answer.json()
