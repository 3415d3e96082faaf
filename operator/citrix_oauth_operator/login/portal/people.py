"""Who looks at the pages, and for which clients they may sign in: the API server's word on both, nobody else's."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.labels import PREFIX

KNOWN_SECONDS = 30.0  # a revoked token may be believed for that long
_MOST_KNOWN = 1024
_TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Asks(Protocol):
    """Posts a review, and returns the whole answer."""

    async def ask(self, path: str, body: JSON) -> JSON: ...  # noqa: D102 - the class says it


@dataclass(frozen=True, slots=True)
class Person:
    """A user as the API server knows them; `extra` is what its authenticator adds, for its authorizers."""

    name: str
    uid: str
    groups: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]]

    @property
    def identity(self) -> tuple[str, str]:
        """What tells two people apart."""
        return self.name, self.uid


class People:
    """Asks who somebody is, and what they may; only the first is remembered, for a moment."""

    def __init__(self, api: Asks, clock: Clock) -> None:
        self._api, self._clock = api, clock
        self._known: OrderedDict[bytes, tuple[Person, float]] = OrderedDict()

    async def known(self, token: SecretText) -> Person | None:
        """Return whose token it is, or None.

        Raises:
            ApiError: the API server does not answer, or does not answer us.
        """
        digest, now = hashlib.sha256(token.reveal().encode()).digest(), self._clock.boottime()
        person, until = self._known.get(digest, (None, 0.0))
        if person and now < until:
            return person
        if person := await self._reviewed(token):
            self._known[digest] = (person, now + KNOWN_SECONDS)
            self._known.move_to_end(digest)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        else:
            self._known.pop(digest, None)
        return person

    async def _reviewed(self, token: SecretText) -> Person | None:
        body = _review("authentication.k8s.io/v1", "TokenReview", {"token": token.reveal()})
        status = (await self._api.ask(_TOKEN_REVIEWS, body)).get("status") or {}
        user = status.get("user") or {}
        if status.get("authenticated") is not True or not user.get("username"):
            return None
        extra = {key: tuple(values) for key, values in (user.get("extra") or {}).items()}
        return Person(user["username"], user.get("uid", ""), tuple(user.get("groups") or ()), extra)

    async def may_sign_in(self, person: Person, namespace: str = "", name: str = "") -> bool:
        """Whether somebody may `update` `citrixclients/login`: of one client, of all in a namespace, or of all."""
        about = {"group": PREFIX, "resource": "citrixclients", "subresource": "login", "verb": "update"}
        about |= {"namespace": namespace, "name": name}
        spec = {"user": person.name, "uid": person.uid, "groups": list(person.groups), "resourceAttributes": about}
        spec["extra"] = {key: list(values) for key, values in person.extra.items()}
        answer = await self._api.ask(_ACCESS_REVIEWS, _review("authorization.k8s.io/v1", "SubjectAccessReview", spec))
        return (answer.get("status") or {}).get("allowed") is True


def _review(version: str, kind: str, spec: dict[str, Any]) -> JSON:
    return {"apiVersion": version, "kind": kind, "spec": spec}
