"""No secret may show anywhere but in Secrets, and a refresh token only in the operator's namespace."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator

from tests.integration.operator.cluster import SERVERS, Object, clients, config_maps, events, secrets, text_of
from tests.integration.operator.world import World
from tests.standins.citrix_cloud.registrations import SECRET, SERVICE_PRINCIPAL

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MANAGED = "app.kubernetes.io/managed-by"
_SHORTEST = 12  # shorter words may occur by chance


def canaries(world: World) -> set[str]:
    """Return every secret there ever was in a world, also as base64."""
    plain = {*world.cloud.issued(), *world.planted, SECRET, SERVICE_PRINCIPAL.secret or ""}
    words = {word for word in plain if len(word) >= _SHORTEST}
    return words | {base64.b64encode(word.encode()).decode() for word in words}


def leaks(world: World, more: Iterable[tuple[str, str]] = ()) -> list[str]:
    """Return where a secret shows, as `place: beginning of the word`; `more` are further places and their texts."""
    words, places = canaries(world), (*_places(world), *more)
    return [f"{place}: {word[:20]}..." for place, text in places for word in words if word in text]


def _places(world: World) -> Iterator[tuple[str, str]]:
    yield "log", world.operator.log
    yield "history of clients", world.history.everything()
    cluster, ours = world.cluster, (world.namespace, world.operator.namespace)
    for namespace in ours:
        yield from _told("Event", cluster.items(events(namespace)))
        yield from _told("ConfigMap", cluster.items(config_maps(namespace)))
        yield from _told("CitrixClient", cluster.items(clients(namespace)))
    yield from _told("AuthorizationServer", cluster.items(SERVERS))
    for namespace in ours:
        yield from _told("Secret but its data", [_bare(one) for one in cluster.items(secrets(namespace))])


def _told(kind: str, objects: Iterable[Object]) -> Iterator[tuple[str, str]]:
    for one in objects:
        yield f"{kind} {one['metadata']['name']}", json.dumps(one)


def _bare(secret: Object) -> Object:
    annotations = secret["metadata"].get("annotations") or {}
    theirs = _MANAGED not in (secret["metadata"].get("labels") or {})  # what kubectl writes into the one it applied
    kept = {key: value for key, value in annotations.items() if not (theirs and key == _LAST_APPLIED)}
    return {**secret, "data": {}, "metadata": {**secret["metadata"], "annotations": kept}}


def stray_refresh_tokens(world: World) -> list[str]:
    """Return the Secrets of the tenant that hold a stored refresh token, or what only credentials Secrets may hold."""
    kept = [text_of(one) for one in world.cluster.items(secrets(world.operator.namespace))]
    tokens = {data["refresh_token"] for data in kept if "refresh_token" in data}
    ours: list[Object] = []
    theirs: list[Object] = []
    for one in world.cluster.items(secrets(world.namespace)):
        (ours if _MANAGED in (one["metadata"].get("labels") or {}) else theirs).append(one)
    given = {value for one in theirs for value in text_of(one).values()}
    strays = [one for one in ours if (tokens | given) & set(text_of(one).values())]
    strays += [one for one in theirs if (tokens - world.planted) & set(text_of(one).values())]
    return [str(one["metadata"]["name"]) for one in strays]


def check(world: World) -> None:
    """Check everything a person or a log collector could read."""
    assert canaries(world)
    assert leaks(world) == []
    assert stray_refresh_tokens(world) == []
