"""PUBLISH: the token Secret that pods mount; ours by label and owner reference, never anybody else's."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from citrix_oauth_operator.domain.model import ClientRef, Token, TokenSecret
from citrix_oauth_operator.domain.template import NO_TEMPLATE, SecretTarget, SecretTemplate, content

from .api import JSON, Api
from .grant_codec import token_of, token_state
from .labels import (
    CONTENT_HASH,
    MANAGED_BY,
    OPERATOR,
    TEMPLATE_HASH,
    TOKEN_STATE,
    of_client,
    reference,
    secret_path,
)
from .secret_codec import decode, encode

SECRET_TYPE = "Opaque"


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

    async def observe(self, ref: ClientRef, target: SecretTarget) -> TokenSecret:
        """Return what is known about the Secret in the client's namespace, against what is wanted of it."""
        secret = await self._api.get(secret_path(ref.namespace, target.name))
        if secret is None:
            return TokenSecret()
        metadata = secret["metadata"]
        if not _is_ours(metadata, ref):
            return TokenSecret(exists=True, resource_version=metadata["resourceVersion"])
        token = _token(secret) if _is_unedited(secret) else None
        intact = token is not None and _is_as_wanted(metadata, ref, target.template)
        return TokenSecret(True, True, token, intact, metadata["resourceVersion"])

    async def publish(self, ref: ClientRef, target: SecretTarget, token: Token, seen: TokenSecret) -> TokenSecret:
        """Write the whole Secret over what was seen; without a readable template, what nobody had to ask for.

        Raises:
            Conflict: somebody wrote or created it since.
        """
        body, self._held[ref.uid] = _body(ref, target, token), token
        if seen.exists:
            body["metadata"]["resourceVersion"] = seen.resource_version
            written = await self._api.replace(secret_path(ref.namespace, target.name), body)
        else:
            written = await self._api.create(f"/api/v1/namespaces/{ref.namespace}/secrets", body)
        version = written["metadata"]["resourceVersion"]
        self._written[ref.uid] = (target.name, version)
        self._held.pop(ref.uid, None)
        return TokenSecret(True, True, token, True, version)

    async def delete_old(self, ref: ClientRef, name: str) -> None:
        """Delete the Secret a client used before it was renamed, if it is ours."""
        secret = await self._api.get(secret_path(ref.namespace, name))
        if secret is not None and _is_ours(secret["metadata"], ref):
            await self._api.delete(secret_path(ref.namespace, name), secret["metadata"])


def _body(ref: ClientRef, target: SecretTarget, token: Token) -> JSON:
    template = target.template or NO_TEMPLATE
    data, state = content(token, template), orjson.dumps(token_state(token)).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": {
            "name": target.name,
            "namespace": ref.namespace,
            "labels": {**template.labels, **of_client(ref)},
            "annotations": {
                **template.annotations,
                TOKEN_STATE: state,
                CONTENT_HASH: _hash(data, state),
                **({TEMPLATE_HASH: template.fingerprint} if template.fingerprint else {}),
            },
            "ownerReferences": [_owner(ref)],
        },
        "data": encode(data),
    }


def _owner(ref: ClientRef) -> dict[str, Any]:
    return {**reference(ref), "controller": True, "blockOwnerDeletion": False}


def _is_ours(metadata: JSON, ref: ClientRef) -> bool:
    labelled = (metadata.get("labels") or {}).get(MANAGED_BY) == OPERATOR
    return labelled and any(owner.get("uid") == ref.uid for owner in metadata.get("ownerReferences") or ())


def _is_unedited(secret: JSON) -> bool:
    """Whether the data and its times are what we wrote, no key more."""
    texts, annotations = decode(secret), secret["metadata"].get("annotations") or {}
    written = annotations.get(CONTENT_HASH) == _hash(texts, annotations.get(TOKEN_STATE, ""))
    return texts.keys() == (secret.get("data") or {}).keys() and written


def _is_as_wanted(metadata: JSON, ref: ClientRef, template: SecretTemplate | None) -> bool:
    """Whether the rest is what we would write; labels and annotations that others added are theirs."""
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if not of_client(ref).items() <= labels.items():
        return False
    return template is None or (
        annotations.get(TEMPLATE_HASH, "") == template.fingerprint
        and template.labels.items() <= labels.items()
        and template.annotations.items() <= annotations.items()
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
