"""The grant Secret of a StoreFront client: the primary token, in the operator's namespace.

A ConfigMap beside it tells the sweeper whose it is, as the claim of a seed does for other grants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

from citrix_oauth_operator.domain.durations import parse_rfc3339, rfc3339_micro
from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import Audience, Primary

from .api import JSON, Api
from .grant_store import SECRET_TYPE, secret_name
from .labels import CLIENT_NAMESPACE, named, of_client, secret_path
from .secret_codec import decode, encode

_KEY = "primary_token"


class PrimaryStore:
    """Reads and writes primary tokens; whatever is stored there can be had anew, so the last writer wins."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace

    async def load(self, ref: ClientRef) -> Primary | None:
        """Return the primary token; None when there is none, or nothing of ours."""
        secret = await self._api.get(self._path(ref))
        if secret is None or secret.get("type") != SECRET_TYPE:
            return None
        try:
            return _from_data(decode(secret))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    async def save(self, ref: ClientRef, primary: Primary) -> None:
        """Store a new primary token.

        Raises:
            Conflict: somebody else wrote in between, or keeps a Secret of that name.
        """
        found = await self._api.get(self._path(ref))
        metadata: JSON = {
            "name": secret_name(ref),
            "namespace": self._namespace,
            "labels": of_client(ref),
            "annotations": {CLIENT_NAMESPACE: ref.namespace},
        }
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": SECRET_TYPE,
            "metadata": metadata,
            "data": encode(_to_data(primary)),
        }
        if found is None:
            await self._register(ref)
            await self._api.create(f"/api/v1/namespaces/{self._namespace}/secrets", body)
            return
        if found.get("type") != SECRET_TYPE or _KEY not in (found.get("data") or {}):
            raise Conflict
        metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        await self._api.replace(self._path(ref), body)

    async def delete(self, ref: ClientRef) -> None:
        """Delete the primary token, if there is one.

        Raises:
            Conflict: somebody wrote it in between; it stays.
        """
        found = await self._api.get(self._path(ref))
        if found is not None and _KEY in (found.get("data") or {}):
            await self._api.delete(self._path(ref), found["metadata"])

    async def _register(self, ref: ClientRef) -> None:
        name = f"storefront-{hashlib.sha256(str(ref).encode()).hexdigest()[:32]}"
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": of_client(ref), "annotations": named(ref)},
        }
        collection = f"/api/v1/namespaces/{self._namespace}/configmaps"
        try:
            await self._api.create(collection, body)
        except Conflict:  # of a client of the same name: what it must say now is whose it is
            await self._api.merge_patch(f"{collection}/{name}", {"metadata": {"labels": of_client(ref)}})

    def _path(self, ref: ClientRef) -> str:
        return secret_path(self._namespace, secret_name(ref))


def _to_data(primary: Primary) -> dict[str, str]:
    state = {
        "audience": {name: getattr(primary.audience, name) for name in Audience.__slots__},
        "tokenURL": primary.token_url,
        "credential": primary.credential,
        "namespaceUID": primary.namespace_uid,
        "issuedAt": rfc3339_micro(primary.issued_at),
        "expiresAt": rfc3339_micro(primary.expires_at),
    }
    return {_KEY: primary.token.reveal(), "state": orjson.dumps(state).decode()}


def _from_data(data: Mapping[str, str]) -> Primary:
    state = orjson.loads(data["state"])
    token, audience = data[_KEY], state["audience"]
    if not token:
        raise ValueError("empty")
    return Primary(
        token=SecretText(token),
        audience=Audience(
            str(audience["scheme"]), str(audience["host"]), int(audience["port"]), str(audience["realm"])
        ),
        token_url=str(state["tokenURL"]),
        credential=str(state["credential"]),
        namespace_uid=str(state["namespaceUID"]),
        issued_at=_time(state["issuedAt"]),
        expires_at=_time(state["expiresAt"]),
    )


def _time(text: object) -> datetime:
    moment = parse_rfc3339(text)
    if moment is None:
        raise ValueError("not a time")
    return moment
