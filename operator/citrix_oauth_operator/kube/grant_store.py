"""COMMIT: the grant Secrets in the operator's namespace; every write is a compare-and-swap."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound
from citrix_oauth_operator.domain.model import ClientRef, Grant

from .api import JSON, Api
from .grant_codec import GrantUnreadable, from_data, to_data
from .labels import CLIENT_NAMESPACE, client_path, of_client, secret_path
from .secret_codec import decode, encode

log = logging.getLogger(__name__)

SECRET_TYPE = "citrix-oauth.dev/grant"
_NAME_LENGTH = 253
_RETRY_SECONDS = (0.1, 0.3, 1.0, 3.0, 5.0)  # between the tries to store a token or a grant's end; the last for ever
RECORD_SECONDS = (0.1, 0.5, 2.0)  # between the tries to store what else a request taught


@dataclass(frozen=True, slots=True)
class Stored:
    """A grant and the version of the Secret it was read from; no version: there is no Secret yet."""

    grant: Grant
    version: str = ""


class ForeignSecret(Exception):
    """A Secret of the grant's name exists that is no grant Secret."""

    def __init__(self) -> None:
        super().__init__("a Secret of the grant's name is not a grant Secret")


class GrantStore:
    """Reads and writes grants by the client's namespace and name, so that a re-created client finds its grant."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    async def load(self, ref: ClientRef) -> Stored | None:
        """Return the grant as it is now.

        Raises:
            GrantUnreadable, ForeignSecret: the Secret is not as we wrote it.
        """
        secret = await self._api.get(self._path(ref))
        return None if secret is None else _stored(secret)

    async def save(self, ref: ClientRef, stored: Stored) -> Stored:
        """Write the grant under the version it was read with.

        Raises:
            Conflict: somebody else wrote in between; nothing was written.
        """
        body = self._body(ref, stored)
        if stored.version:
            written = await self._api.replace(self._path(ref), body)
        else:
            written = await self._api.create(f"/api/v1/namespaces/{self._namespace}/secrets", body)
        return replace(stored, version=written["metadata"]["resourceVersion"])

    async def commit(self, ref: ClientRef, intent: Stored, committed: Grant, replaces: str = "") -> Stored | None:
        """Store a received token, however long the API server takes (step 8); over a chain that it `replaces`, too.

        A lost answer is settled by reading, a conflict by re-applying to the same `chain` and `seq`. Returns what is
        stored in the end, or None when the client is gone. While this runs, no other grant of the client starts.
        """
        stored = Stored(committed, intent.version)
        pauses = _pauses()
        while True:
            try:
                return await self.save(ref, stored)
            except (ApiError, OSError) as error:
                settled = await self._settle(ref, stored, error, replaces)
            if isinstance(settled, _Over):
                return settled.stored
            stored = settled or stored
            log.warning("grant of %s is held in memory: %s", ref, "the API server does not take it")
            await asyncio.sleep(next(pauses))

    async def adopt(self, ref: ClientRef, committed: Grant, replaces: str = "") -> Stored | None:
        """Store a token that an earlier process received: as `commit`, but nobody knows what it met, so read first."""
        ours = Stored(committed)
        pauses = _pauses()
        while True:
            settled = await self._settle(ref, ours, NotFound(), replaces)
            if isinstance(settled, _Over):
                return settled.stored
            if settled is not None:
                return await self.commit(ref, settled, committed, replaces)
            log.warning("grant of %s is kept in the spill folder: the API server does not answer", ref)
            await asyncio.sleep(next(pauses))

    async def record(self, ref: ClientRef, intent: Stored, after: Grant, *, insist: bool) -> Stored | None:
        """Store what an attempt came to that brought no token, while it is the attempt that is stored.

        A conflict is settled by reading: not each one is real. An intent without a version is read first.

        Args:
            insist: go on until it is stored; otherwise what cannot be stored for long stays an intent, and counts as
                a doubt.

        Returns:
            What is stored in the end, by whomever; None when it was given up, or the grant is gone.
        """
        ours = replace(intent, grant=after)
        for seconds in _pauses() if insist else RECORD_SECONDS:
            try:
                if not ours.version:
                    found = await self.load(ref)
                    if found is None or not _same_attempt(found.grant, intent.grant):
                        return found
                    ours = replace(ours, version=found.version)
                return await self.save(ref, ours)
            except (Conflict, NotFound):
                ours = replace(ours, version="")
            except ApiError:
                pass
            except (GrantUnreadable, ForeignSecret):
                return None
            await asyncio.sleep(seconds)
        return None

    async def delete(self, ref: ClientRef) -> bool:
        """Delete the grant, and say whether there was one.

        Raises:
            ForeignSecret: the Secret is none of ours; it stays.
            Conflict: somebody wrote it in between; it stays.
        """
        secret = await self._api.get(self._path(ref))
        if secret is None:
            return False
        _require_ours(secret)
        await self._api.delete(self._path(ref), secret["metadata"])
        return True

    async def _settle(self, ref: ClientRef, ours: Stored, error: Exception, replaces: str) -> _Over | Stored | None:
        """Read what a failed write came to: over, or the version to write on, or None to try the same again."""
        try:
            found = await self.load(ref)
            if found is None:
                return await self._recreate_or_drop(ref, ours, error)
        except GrantUnreadable:
            return await self._over_an_edit(ref, ours)
        except (ApiError, OSError, ForeignSecret):
            return None
        return resolve(found, ours, replaces)

    async def _over_an_edit(self, ref: ClientRef, ours: Stored) -> Stored | None:
        """Somebody edited the grant Secret while we hold its successor: ours is written over the edit."""
        try:
            secret = await self._api.get(self._path(ref))
        except (ApiError, OSError):
            return None
        return replace(ours, version=secret["metadata"]["resourceVersion"] if secret else "")

    async def _recreate_or_drop(self, ref: ClientRef, ours: Stored, error: Exception) -> _Over | Stored | None:
        if not isinstance(error, (NotFound, Conflict)):
            return None
        client = await self._api.get(client_path(ref))
        gone = client is None or client["metadata"]["uid"] != ref.uid
        return _Over(None) if gone else replace(ours, version="")

    def _path(self, ref: ClientRef) -> str:
        return secret_path(self._namespace, secret_name(ref))

    def _body(self, ref: ClientRef, stored: Stored) -> JSON:
        metadata: JSON = {
            "name": secret_name(ref),
            "namespace": self._namespace,
            "labels": of_client(ref),
            "annotations": {CLIENT_NAMESPACE: ref.namespace},
        }
        if stored.version:
            # nobody applies to a grant Secret: without field ownership the API server works a third less on each write
            metadata |= {"resourceVersion": stored.version, "managedFields": [{}]}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": SECRET_TYPE,
            "metadata": metadata,
            "data": encode(to_data(stored.grant)),
        }


def _pauses() -> Iterator[float]:
    """Return the seconds between the tries to store a token: growing, without an end."""
    return itertools.chain(_RETRY_SECONDS, itertools.repeat(_RETRY_SECONDS[-1]))


@dataclass(frozen=True, slots=True)
class _Over:
    """The commit needs no further write: `stored` is the truth now."""

    stored: Stored | None


def resolve(found: Stored, ours: Stored, replaces: str = "") -> _Over | Stored:
    """Decide between what is stored and what we hold, by chain and `seq` alone."""
    if replaces and found.grant.chain == replaces:
        return replace(ours, version=found.version)  # a sign-in of ours: the chain before it is dropped, never revoked
    if found.grant.chain != ours.grant.chain:
        return _Over(found)  # a new sign-in replaced the chain: ours is dropped, never revoked
    if found.grant.seq >= ours.grant.seq:
        return _Over(found)  # our write landed and its answer was lost, or somebody committed a newer one
    return replace(ours, version=found.version)


def _same_attempt(found: Grant, intent: Grant) -> bool:
    return bool(found.pending and intent.pending and found.pending.attempt == intent.pending.attempt)


def secret_name(ref: ClientRef) -> str:
    """Return the grant Secret's name; a dot cannot be part of a namespace, so two clients never share one."""
    name = f"grant.{ref.namespace}.{ref.name}"
    if len(name) <= _NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: _NAME_LENGTH - 17].rstrip('-.')}.{digest}"


def _require_ours(secret: JSON) -> None:
    if secret.get("type") != SECRET_TYPE:
        raise ForeignSecret


def _stored(secret: JSON) -> Stored:
    _require_ours(secret)
    return Stored(from_data(decode(secret)), secret["metadata"]["resourceVersion"])
