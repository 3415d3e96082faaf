"""What a refresh costs the API server, by its own count and that of the authorization server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.integration.operator.eventually import eventually
from tests.integration.operator.world import World


@dataclass(frozen=True, slots=True)
class Counted:
    """Both counts at a moment between two refreshes."""

    requests: int
    writes: Counter[str]


def check_cost(world: World, name: str, grant_type: str, each: Mapping[str, int], refreshes: int) -> None:
    """Wait for a stretch of at least so many refreshes that cost exactly these writes each, and nothing else did.

    Any stretch will do: where the machine stalls an intent is written again. A write too many each time is in all.
    """
    looks: list[Counted] = []

    def cheap() -> bool:
        found = _between_two(world, name, grant_type)
        if found is not None:
            looks.append(found)
        return found is not None and any(_is_cheap(before, found, each, refreshes) for before in looks)

    eventually(cheap, f"{refreshes} refreshes at {each} a piece", lambda: looks)


def _is_cheap(before: Counted, now: Counted, each: Mapping[str, int], refreshes: int) -> bool:
    count = now.requests - before.requests
    return count >= refreshes and now.writes - before.writes == {write: count * times for write, times in each.items()}


def _between_two(world: World, name: str, grant_type: str) -> Counted | None:
    """Count when all of the last refresh is told and the next one has not come, neither before nor after the count."""
    before, writes = _state(world, name, grant_type), world.cluster.writes()
    told, requests, _ = before
    return Counted(requests, writes) if told and _state(world, name, grant_type) == before else None


def _state(world: World, name: str, grant_type: str) -> tuple[bool, int, list[str]]:
    requests = world.cloud.stats().token_requests.get(grant_type, 0)
    client, token = world.now(name), world.token(name)
    told = client["status"].get("expirationTime") == token.get("expires_at", "")
    return told, requests, [client["metadata"]["resourceVersion"], token.get("access_token", "")]
