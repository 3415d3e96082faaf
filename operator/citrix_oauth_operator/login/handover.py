"""Hands a finished sign-in to the operator, wakes it, and waits for what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

from citrix_oauth_operator.domain.durations import rfc3339_micro
from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound, Unreachable
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.sight import REQUESTED_AT
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.kube.api import GROUP_PATH, JSON, Api
from citrix_oauth_operator.kube.labels import client_path
from citrix_oauth_operator.kube.login_secret import empty_secret, login_secret_name, to_secret

from .ending import Ending, SignInEnded

T = TypeVar("T")

SEEN_SECONDS = 30.0  # for an operator to look at a client for the first time
_MOST_LOOKS = 20  # at an earlier sign-in that is being redeemed
_PAUSE_SECONDS = 1.0


async def read_client(api: Api, namespace: str, name: str) -> JSON:
    """Return a client that an operator has looked at.

    Raises:
        SignInEnded: there is none, it may not be read, or nobody looks at it.
    """
    ref = ClientRef(namespace, name, "")
    with needing(f"read CitrixClients in namespace {namespace}"):
        found = await api.get(client_path(ref))
    if found is None:
        raise SignInEnded(Ending.USAGE, f"There is no CitrixClient {name} in namespace {namespace} (-n NAMESPACE).")
    return await awaited(api, ref, _once_seen, SEEN_SECONDS, _UNSEEN)


def _once_seen(body: JSON) -> JSON | None:
    return body if (body.get("status") or {}).get("observedGeneration", -1) >= 0 else None


class Handover:
    """The login Secret of one client. Needs the rights to create Secrets and to patch CitrixClients, and no other."""

    def __init__(self, api: Api, ref: ClientRef) -> None:
        self._api, self._ref = api, ref
        self._secrets = f"/api/v1/namespaces/{ref.namespace}/secrets"

    async def rehearse(self) -> None:
        """Do all of it on trial, so that nobody signs in for nothing.

        Raises:
            SignInEnded: a right is lacking, or an earlier sign-in was never redeemed.
        """
        secret = empty_secret(self._ref)
        for _ in range(_MOST_LOOKS):
            if await self._is_free(secret):
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            raise SignInEnded(Ending.NO_OPERATOR, f"{self._named} is there, and nobody redeems it.", _LEFT)
        await self._wake("?dryRun=All")

    async def _is_free(self, secret: JSON) -> bool:
        try:
            with needing(f"create Secrets in namespace {self._ref.namespace}"):
                await self._api.create(f"{self._secrets}?dryRun=All", secret)
        except Conflict:
            return False
        return True

    async def give(self, sign_in: SignIn) -> str:
        """Create the Secret and wake the client; return the Secret's UID."""
        try:
            with needing(f"create Secrets in namespace {self._ref.namespace}"):
                created = await self._api.create(self._secrets, to_secret(self._ref, sign_in))
        except Conflict:
            raise SignInEnded(
                Ending.REFUSED, "Somebody else has signed in for this client just now.", "See `citrix-oauth status`."
            ) from None
        await self._wake()
        return str(created["metadata"]["uid"])

    async def _wake(self, query: str = "") -> None:
        metadata = {"uid": self._ref.uid, "annotations": {REQUESTED_AT: rfc3339_micro(datetime.now(UTC))}}
        try:
            with needing(f"patch CitrixClients in namespace {self._ref.namespace}"):
                await self._api.merge_patch(f"{client_path(self._ref)}{query}", {"metadata": metadata})
        except (NotFound, Conflict):
            raise SignInEnded(Ending.REFUSED, f"CitrixClient {self._ref} was deleted meanwhile.") from None

    @property
    def _named(self) -> str:
        return f"Secret {self._ref.namespace}/{login_secret_name(self._ref.name)}, an earlier sign-in,"


async def awaited(
    api: Api, ref: ClientRef, look: Callable[[JSON], T | None], seconds: float, silence: tuple[str, str]
) -> T:
    """Follow a client until there is something to see in it.

    Raises:
        SignInEnded: there was not within `seconds` (`silence` says so), or the client was deleted.
    """
    try:
        async with asyncio.timeout(seconds), aclosing(_states(api, ref)) as states:
            async for body in states:
                if (seen := look(body)) is not None:
                    return seen
    except TimeoutError:
        raise SignInEnded(Ending.NO_OPERATOR, *silence) from None
    raise SignInEnded(Ending.REFUSED, f"CitrixClient {ref} was deleted meanwhile.")


async def _states(api: Api, ref: ClientRef) -> AsyncGenerator[JSON]:
    """Yield a client now and at each change, until it is deleted; once a second where it may not be watched."""
    collection = f"{GROUP_PATH}/namespaces/{ref.namespace}/citrixclients"
    while True:
        try:
            if (body := await api.get(client_path(ref))) is None:
                return
            yield body
            async with aclosing(api.watch(collection, ref.name, body["metadata"]["resourceVersion"])) as events:
                async for event in events:
                    if event["type"] == "DELETED":
                        return
                    yield event["object"]
        except ApiError:
            await asyncio.sleep(_PAUSE_SECONDS)


@contextmanager
def needing(right: str) -> Iterator[None]:
    """Say which right is lacking where the API server forbids what is done inside."""
    try:
        yield
    except (NotFound, Conflict, Unreachable):
        raise
    except ApiError as error:
        if error.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED}:
            raise
        raise SignInEnded(
            Ending.NO_RIGHTS, f"You may not {right}.", "Ask for it; docs/sign-in.md says which role has it."
        ) from None


_UNSEEN = (
    "No operator has looked at this client yet.",
    "Check that one runs and watches its namespace (--watch-namespace).",
)
_LEFT = "Check that an operator runs; to give that sign-in up, delete the Secret and sign in again."
