"""Refused credentials, marked durably for all clients that share them: a crash loop must not lock an account."""

from __future__ import annotations

import json
from datetime import datetime

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339
from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import Refusal
from citrix_oauth_operator.domain.problem import Problem

from .api import JSON, Api
from .grant_codec import problem_of, problem_state
from .labels import MANAGED_BY, OPERATOR, PREFIX

_LABEL = f"{PREFIX}/refusal"


class Refusals:
    """ConfigMaps `refused-<fingerprint>`, read by whoever begins to lead and kept in memory; they hold no secret."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._collection = api, f"/api/v1/namespaces/{namespace}/configmaps"
        self._known: dict[str, Refusal] = {}

    async def load(self) -> None:
        """Read all marks."""
        marked = await self._api.list(f"{self._collection}?labelSelector={_LABEL}%3Dtrue")
        self._known = {item["data"]["fingerprint"]: refusal for item in marked if (refusal := _refusal(item))}

    def find(self, fingerprint: str) -> Refusal | None:
        """Return the mark of a credential."""
        return self._known.get(fingerprint)

    async def mark(self, fingerprint: str, problem: Problem, now: datetime) -> None:
        """Remember that the server refused a credential."""
        self._known[fingerprint] = Refusal(problem, now)
        body = _body(fingerprint, problem, now)
        try:
            await self._api.create(self._collection, body)
        except Conflict:
            await self._api.merge_patch(self._path(fingerprint), {"data": body["data"]})

    async def clear(self, fingerprint: str) -> None:
        """Forget a mark: the server took the credential."""
        if self._known.pop(fingerprint, None) is None:
            return
        await self._api.clear(self._path(fingerprint))

    def _path(self, fingerprint: str) -> str:
        return f"{self._collection}/refused-{fingerprint}"


def _body(fingerprint: str, problem: Problem, now: datetime) -> JSON:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"refused-{fingerprint}", "labels": {MANAGED_BY: OPERATOR, _LABEL: "true"}},
        "data": {"fingerprint": fingerprint, "at": rfc3339(now), "problem": json.dumps(problem_state(problem))},
    }


def _refusal(item: JSON) -> Refusal | None:
    data = item.get("data") or {}
    at = parse_rfc3339(data.get("at"))
    try:
        return Refusal(problem_of(json.loads(data["problem"])), at) if at and data.get("fingerprint") else None
    except (KeyError, TypeError, ValueError):
        return None
