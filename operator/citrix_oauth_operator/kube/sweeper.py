"""What deleted clients left in the operator's namespace: grants for a day, claims of seeds for a month.

Every chain begins with a claim, so the claims are the index: no Secret is ever listed. Of the claims of codes a living
client keeps the newest, and what is younger than a day; of many only what is younger than an hour. Marks of passwords
stay for a month after the last client that has the password.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339
from citrix_oauth_operator.domain.errors import ApiError, Conflict
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.sweeping import Sweep, is_over, sweep

from .api import JSON, Api
from .codes import CODE
from .grant_codec import GrantUnreadable
from .grant_store import ForeignSecret, GrantStore
from .labels import (
    CLIENT_NAME,
    CLIENT_NAMESPACE,
    CLIENT_UID,
    GONE_SINCE,
    MANAGED_BY,
    OPERATOR,
    client_path,
)
from .passwords import PASSWORD

log = logging.getLogger(__name__)

ROUND_SECONDS = 3600.0
PAUSE_SECONDS = 0.1  # between two looks: never more than ten a second


@dataclass(slots=True)
class Sweeper:
    """Looks once an hour at the claims of clients that are not in the queue.

    Args:
        alive: UIDs of the clients that are known to be there.
        passwords: fingerprints of the passwords that clients have; None: nobody can say.
    """

    api: Api
    grants: GrantStore
    clock: Clock
    namespace: str
    alive: Callable[[], frozenset[str]]
    passwords: Callable[[], Awaitable[frozenset[str] | None]]

    async def run(self) -> None:
        """Sweep until cancelled; the first time an hour after the start, when all clients have been seen."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.once()
            except ApiError as error:
                log.warning("sweeping: %s", error)

    async def once(self) -> None:
        """Look at every claim once."""
        alive = self.alive()
        claims = await self.api.list_metadata(f"/api/v1/namespaces/{self.namespace}/configmaps")
        for claim in _outdated(claims, self.clock.now()):
            await self.api.delete(self._path(claim), claim)
            claims.remove(claim)
            await asyncio.sleep(PAUSE_SECONDS)
        for metadata in claims:
            ref = _client_of(metadata)
            if ref is None or (ref.uid in alive and GONE_SINCE not in metadata["annotations"]):
                continue
            try:
                await self._look(ref, metadata)
            except (Conflict, GrantUnreadable, ForeignSecret):
                continue  # somebody has just written it, or a person must look at it
            await asyncio.sleep(PAUSE_SECONDS)
        if marks := [one for one in claims if _is_mark(one)]:
            await self._look_at_passwords(marks)

    async def _look_at_passwords(self, marks: list[JSON]) -> None:
        """Let go of a mark when in all looks of a month no client had its password, and none might have had it."""
        used = await self.passwords()
        for mark in marks:
            gone = used is not None and mark["name"].removeprefix(PASSWORD) not in used
            try:
                if await self._decided(mark, gone=gone) is Sweep.DELETE_ALL:
                    await self.api.delete(self._path(mark), mark)
                    log.info("no client has had a refused password for a month: its mark is deleted")
            except Conflict:
                continue  # somebody has just met it
            await asyncio.sleep(PAUSE_SECONDS)

    async def _look(self, ref: ClientRef, claim: JSON) -> None:
        decision = await self._decided(claim, gone=await self._gone(ref))
        if decision in {Sweep.DELETE_GRANT, Sweep.DELETE_ALL} and await self.grants.delete(ref):
            log.info("%s has been gone for a day: its grant is deleted", ref)
        if decision is Sweep.DELETE_ALL:
            await self.api.delete(self._path(claim), claim)

    async def _decided(self, claim: JSON, *, gone: bool) -> Sweep:
        """Decide by this look and the mark that an earlier one left; leave a mark, or take it away."""
        since, now = parse_rfc3339((claim.get("annotations") or {}).get(GONE_SINCE)), self.clock.now()
        decision = sweep(gone=gone, marked=since, now=now)
        if decision in {Sweep.MARK, Sweep.UNMARK}:
            await self._mark(claim, rfc3339(now) if decision is Sweep.MARK else None)
        return decision

    async def _gone(self, ref: ClientRef) -> bool:
        """Whether no client of that name is there, or one whose namespace was deleted and created again."""
        if await self.api.get(client_path(ref)) is None:
            return True
        stored = await self.grants.load(ref)
        namespace = await self.api.get(f"/api/v1/namespaces/{ref.namespace}")
        if stored is None or namespace is None:
            return False
        return bool(namespace["metadata"]["uid"] != stored.grant.binding.namespace_uid)

    async def _mark(self, claim: JSON, since: str | None) -> None:
        guard = {"resourceVersion": claim["resourceVersion"], "annotations": {GONE_SINCE: since}}
        await self.api.merge_patch(self._path(claim), {"metadata": guard})

    def _path(self, claim: JSON) -> str:
        return f"/api/v1/namespaces/{self.namespace}/configmaps/{claim['name']}"


def _outdated(claims: list[JSON], now: datetime) -> list[JSON]:
    """Return the claims of codes that are over."""
    of_client: dict[str, list[JSON]] = defaultdict(list)
    for claim in sorted(claims, key=_age, reverse=True):
        if claim["name"].startswith(CODE) and (ref := _client_of(claim)):
            of_client[str(ref)].append(claim)
    return [
        claim
        for codes in of_client.values()
        for newer, claim in enumerate(codes)
        if (since := parse_rfc3339(_age(claim))) is not None and is_over(now - since, newer)
    ]


def _is_mark(metadata: JSON) -> bool:
    ours = (metadata.get("labels") or {}).get(MANAGED_BY) == OPERATOR
    return ours and str(metadata["name"]).startswith(PASSWORD)


def _age(claim: JSON) -> str:
    return str(claim.get("creationTimestamp") or "")


def _client_of(metadata: JSON) -> ClientRef | None:
    """Return whose claim this is; None when it is none."""
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if labels.get(MANAGED_BY) != OPERATOR or CLIENT_NAME not in annotations or CLIENT_NAMESPACE not in annotations:
        return None
    return ClientRef(annotations[CLIENT_NAMESPACE], annotations[CLIENT_NAME], labels.get(CLIENT_UID, ""))
