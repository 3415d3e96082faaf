"""The clients that a person may sign in for; of every other one nobody learns here that it exists."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.spec import GrantType
from citrix_oauth_operator.kube.api import GROUP_PATH, JSON
from citrix_oauth_operator.kube.labels import client_path

from .people import Person

MOST_ASKED = 200  # questions about single clients for one page
_AT_ONCE = 8
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


class Reads(Protocol):
    """Reads CitrixClients."""

    async def get(self, path: str) -> JSON | None: ...  # noqa: D102 - the class says it

    async def list_metadata(self, path: str) -> list[JSON]: ...  # noqa: D102

    async def list(self, path: str) -> list[JSON]: ...  # noqa: D102 - last: the name hides the type from here on


class Judges(Protocol):
    """Says what a person may."""

    async def may_sign_in(self, person: Person, namespace: str = "", name: str = "") -> bool: ...  # noqa: D102


class Clients:
    """Clients through the eyes of a person.

    Args:
        namespaces: in which clients are looked for; empty: in all.
    """

    def __init__(self, api: Reads, people: Judges, namespaces: Sequence[str] = ()) -> None:
        self._api, self._people, self._namespaces = api, people, tuple(namespaces)

    async def one(self, person: Person, namespace: str, name: str) -> JSON | None:
        """Return a client; None: there is none, or it is none of theirs."""
        if not _NAMESPACE.fullmatch(namespace) or not _NAME.fullmatch(name):
            return None
        if self._namespaces and namespace not in self._namespaces:
            return None
        if not await self._people.may_sign_in(person, namespace, name):
            return None
        return await self._api.get(client_path(ClientRef(namespace, name, "")))

    async def of(self, person: Person) -> tuple[list[JSON], bool]:
        """Return the clients whose grants begin with a sign-in, and whether these are all of theirs.

        One question for all, then one for each namespace, then one for each client of the others: the last are many
        where many clients are none of theirs, so that they end after `MOST_ASKED`.
        """
        if await self._people.may_sign_in(person):
            return await self._listed(self._collections()), True
        names: dict[str, list[str]] = defaultdict(list)
        for path in self._collections():
            for metadata in await self._api.list_metadata(path):
                names[metadata["namespace"]].append(metadata["name"])
        whole = {namespace for namespace, _ in await self._theirs(person, [(namespace, "") for namespace in names])}
        found = await self._listed([_collection(namespace) for namespace in sorted(whole)])
        single = [(namespace, name) for namespace in names.keys() - whole for name in names[namespace]]
        theirs = await self._theirs(person, single[:MOST_ASKED])
        bodies = [await self._api.get(client_path(ClientRef(namespace, name, ""))) for namespace, name in theirs]
        return found + _with_sign_in(body for body in bodies if body), len(single) <= MOST_ASKED

    async def _theirs(self, person: Person, places: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        some = asyncio.Semaphore(_AT_ONCE)

        async def judged(place: tuple[str, str]) -> bool:
            async with some:
                return await self._people.may_sign_in(person, *place)

        answers = await asyncio.gather(*map(judged, places))
        return [place for place, may in zip(places, answers, strict=True) if may]

    async def _listed(self, collections: Iterable[str]) -> list[JSON]:
        return [body for path in collections for body in _with_sign_in(await self._api.list(path))]

    def _collections(self) -> list[str]:
        return [_collection(name) for name in self._namespaces] or [f"{GROUP_PATH}/citrixclients"]


def _collection(namespace: str) -> str:
    return f"{GROUP_PATH}/namespaces/{namespace}/citrixclients"


def _with_sign_in(bodies: Iterable[JSON]) -> list[JSON]:
    default = GrantType.REFRESH_TOKEN
    return [body for body in bodies if (body.get("spec") or {}).get("grantType", default) == default]
