"""PUBLISH: the token Secret that pods mount; ours by label and owner reference, never anybody else's."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from citrix_oauth_operator.domain.durations import rfc3339
from citrix_oauth_operator.domain.model import ClientRef, Token, TokenSecret

from .api import JSON, Api
from .grant_codec import token_of, token_state
from .labels import CONTENT_HASH, MANAGED_BY, OPERATOR, TOKEN_STATE, of_client, secret_path
from .secret_codec import decode, encode

SECRET_TYPE = "Opaque"
_OWNER_KIND = "CitrixClient"


def content(token: Token) -> dict[str, str]:
    """Return the four keys pods read."""
    access_token = token.access_token.reveal()
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_at": rfc3339(token.expires_at),
        "authorization": token.authorization.format(token=access_token),
    }


class TokenSecrets:
    """Reads, writes and deletes token Secrets."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._written: dict[str, tuple[str, str]] = {}
        self._held: dict[str, Token] = {}

    def unread(self, ref: ClientRef, name: str) -> TokenSecret | None:
        """Return the Secret as this process wrote it last, unread; None when it has not written it.

        A write over it is guarded by that version: had somebody touched the Secret, the write would be refused.
        """
        written_name, version = self._written.get(ref.uid, ("", ""))
        return TokenSecret(True, True, resource_version=version, unread=True) if written_name == name else None

    def forget(self, ref: ClientRef) -> None:
        """Drop what is remembered of a client that is gone."""
        self._written.pop(ref.uid, None)
        self._held.pop(ref.uid, None)

    def held(self, ref: ClientRef) -> Token | None:
        """Return the token that could not be written yet: where nothing else stores it, another would be asked for."""
        return self._held.get(ref.uid)

    async def observe(self, ref: ClientRef, name: str) -> TokenSecret:
        """Return what is known about the Secret `name` in the client's namespace."""
        secret = await self._api.get(secret_path(ref.namespace, name))
        if secret is None:
            return TokenSecret()
        metadata = secret["metadata"]
        if not _is_ours(metadata, ref):
            return TokenSecret(exists=True, resource_version=metadata["resourceVersion"])
        token = _token(secret)
        intact = token is not None and _is_intact(secret, ref, name)
        return TokenSecret(True, True, token if intact else None, intact, metadata["resourceVersion"])

    async def publish(self, ref: ClientRef, name: str, token: Token, seen: TokenSecret) -> TokenSecret:
        """Write the whole Secret over what was seen.

        Raises:
            Conflict: somebody wrote or created it since.
        """
        body, self._held[ref.uid] = _body(ref, name, token), token
        if seen.exists:
            body["metadata"]["resourceVersion"] = seen.resource_version
            written = await self._api.replace(secret_path(ref.namespace, name), body)
        else:
            written = await self._api.create(f"/api/v1/namespaces/{ref.namespace}/secrets", body)
        version = written["metadata"]["resourceVersion"]
        self._written[ref.uid] = (name, version)
        self._held.pop(ref.uid, None)
        return TokenSecret(True, True, token, True, version)

    async def delete_old(self, ref: ClientRef, name: str) -> None:
        """Delete the Secret a client used before it was renamed, if it is ours."""
        secret = await self._api.get(secret_path(ref.namespace, name))
        if secret is not None and _is_ours(secret["metadata"], ref):
            await self._api.delete(secret_path(ref.namespace, name), secret["metadata"])


def _body(ref: ClientRef, name: str, token: Token) -> JSON:
    data, state = content(token), orjson.dumps(token_state(token)).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": {
            "name": name,
            "namespace": ref.namespace,
            "labels": of_client(ref),
            "annotations": {
                TOKEN_STATE: state,
                CONTENT_HASH: _hash(data, state),
            },
            "ownerReferences": [_owner(ref)],
        },
        "data": encode(data),
    }


def _owner(ref: ClientRef) -> dict[str, Any]:
    return {
        "apiVersion": "citrix-oauth.dev/v1alpha1",
        "kind": _OWNER_KIND,
        "name": ref.name,
        "uid": ref.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def _is_ours(metadata: JSON, ref: ClientRef) -> bool:
    labelled = (metadata.get("labels") or {}).get(MANAGED_BY) == OPERATOR
    return labelled and any(owner.get("uid") == ref.uid for owner in metadata.get("ownerReferences") or ())


def _is_intact(secret: JSON, ref: ClientRef, name: str) -> bool:
    """Whether nobody edited what we wrote; labels and annotations that others added are theirs."""
    metadata = secret["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    ours = of_client(ref)
    return (
        metadata["name"] == name
        and all(labels.get(key) == value for key, value in ours.items())
        and annotations.get(CONTENT_HASH) == _hash(decode(secret), annotations.get(TOKEN_STATE, ""))
    )


def _token(secret: JSON) -> Token | None:
    state = (secret["metadata"].get("annotations") or {}).get(TOKEN_STATE, "")
    try:
        return token_of(orjson.loads(state), decode(secret)["access_token"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _hash(data: dict[str, str], state: str) -> str:
    """Fingerprint the content and its times, so that an edit is seen even where no grant Secret holds the token."""
    return hashlib.sha256(orjson.dumps([data, state], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
