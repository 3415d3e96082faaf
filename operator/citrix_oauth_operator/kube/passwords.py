"""Marks of passwords that were posted: written before, taken away when the server took the password.

A mark that stays says "do not post it again": the password was refused, or nobody heard what came of it. It belongs to
the password and not to a client, holds no secret, and is gone when the server takes the password after all, or when no
client has had the password for a month (sweeper.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
from citrix_oauth_operator.domain.errors import Conflict, NotFound
from citrix_oauth_operator.domain.model import Holder
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import PasswordMark

from .api import JSON, Api
from .grant_codec import problem_of, problem_state
from .labels import GONE_SINCE, MANAGED_BY, OPERATOR

PASSWORD = "password-"
_UNREADABLE = Problem(
    Reason.PASSWORD_REFUSED,
    "The mark of this password in the operator's namespace cannot be read; it is not sent.",
    "Change the password, or delete the ConfigMap of that mark (docs/systems/storefront.md).",
)


class PasswordMarks:
    """ConfigMaps `password-<fingerprint>`; each one is written by compare-and-swap."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._collection = api, f"/api/v1/namespaces/{namespace}/configmaps"

    async def find(self, fingerprint: str) -> PasswordMark | None:
        """Return the mark of a password; who meets it has the password, so that nobody may sweep it.

        Raises:
            Conflict: it was swept, or written, at this moment; look again.
        """
        found = await self._api.get(self._path(fingerprint))
        if found is not None and GONE_SINCE in (found["metadata"].get("annotations") or {}):
            guard = {"resourceVersion": found["metadata"]["resourceVersion"], "annotations": {GONE_SINCE: None}}
            found["metadata"] = (await self._api.merge_patch(self._path(fingerprint), {"metadata": guard}))["metadata"]
        return None if found is None else _mark(found)

    async def begin(self, fingerprint: str, mark: PasswordMark, over: PasswordMark | None) -> PasswordMark:
        """Write down that a password is about to be posted, over an older mark that yields or where there is none.

        Raises:
            Conflict: somebody else did, or the older mark has changed.
        """
        body = _body(fingerprint, mark)
        if over is None:
            written = await self._api.create(self._collection, body)
        else:
            body["metadata"]["resourceVersion"] = over.version
            written = await self._api.replace(self._path(fingerprint), body)
        return replace(mark, version=written["metadata"]["resourceVersion"])

    async def refuse(self, fingerprint: str, mark: PasswordMark, problem: Problem) -> None:
        """Write down how the server refused it; a mark that was never begun (a token told of the refusal) is made."""
        refused = replace(mark, problem=problem)
        try:
            await self.begin(fingerprint, refused, mark if mark.version else None)
        except (Conflict, NotFound):
            return  # another process marks it as well

    async def clear(self, fingerprint: str) -> None:
        """Take the mark away: the server took the password, or it never reached anybody who judges it."""
        await self._api.clear(self._path(fingerprint))

    def _path(self, fingerprint: str) -> str:
        return f"{self._collection}/{PASSWORD}{fingerprint}"


def password_fingerprint(base_url: str, username: str, password: SecretText) -> str:
    """Return the name of a password's mark: clients that share account, password and StoreFront share it.

    It is slow to compute, so that whoever reads the mark's name cannot try a dictionary on it (scrypt, 16 MiB).
    """
    return _fingerprint(base_url.rstrip("/").casefold(), username.casefold(), password)


@lru_cache(maxsize=4096)
def _fingerprint(base_url: str, username: str, password: SecretText) -> str:
    salt = hashlib.sha256(json.dumps([base_url, username]).encode()).digest()
    return hashlib.scrypt(password.reveal().encode(), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def _body(fingerprint: str, mark: PasswordMark) -> JSON:
    data = {"sentAt": rfc3339_micro(mark.sent_at), "place": mark.holder.place, "instance": mark.holder.instance}
    data["request"] = mark.request
    if mark.problem is not None:
        data["problem"] = json.dumps(problem_state(mark.problem))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{PASSWORD}{fingerprint}", "labels": {MANAGED_BY: OPERATOR}},
        "data": data,
    }


def _mark(found: JSON) -> PasswordMark:
    """Read a mark; an edited one is a refusal: whatever it says, a password was sent."""
    data, version = found.get("data") or {}, found["metadata"]["resourceVersion"]
    sent_at = parse_rfc3339(data.get("sentAt")) or parse_rfc3339(found["metadata"].get("creationTimestamp"))
    holder = Holder(str(data.get("place", "")), str(data.get("instance", "")))
    try:
        problem = problem_of(json.loads(data["problem"])) if "problem" in data else None
    except (KeyError, TypeError, ValueError):
        problem = _UNREADABLE
    if sent_at is None:
        return PasswordMark(_EPOCH, holder, problem=_UNREADABLE, version=version)
    return PasswordMark(sent_at, holder, str(data.get("request", "")), problem, version)


_EPOCH = datetime.fromisoformat("1971-01-01T00:00:00+00:00")
