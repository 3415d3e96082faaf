"""Signatures of id_tokens: the keys a server publishes, and what one of them has signed.

Imported at the first sign-in only: `cryptography` would be a tenth of the memory of a process that refreshes tokens.
"""

from __future__ import annotations

from typing import TypeGuard

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from citrix_oauth_operator.domain.secrecy import SecretText

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_UNREADABLE = (JoseError, ValueError, TypeError, KeyError)


def usable_keys(keys: list[object]) -> KeySet | None:
    """Return the public keys of a JWK Set's `keys` that signatures can be verified with; the others are passed over."""
    usable = [key for key in keys if _is_usable(key)]
    return KeySet.import_key_set({"keys": usable}) if usable else None


def _is_usable(key: object) -> TypeGuard[dict[str, str | list[str]]]:
    if not isinstance(key, dict) or str(key.get("kty")) not in {"RSA", "EC"} or key.get("use", "sig") != "sig":
        return False
    try:
        KeySet.import_key_set({"keys": [key]})
    except (*_UNREADABLE, AttributeError):
        return False
    return True


def verified(token: SecretText, keys: KeySet) -> bytes | None:
    """Return the payload of a token that one of the keys has signed, with an algorithm of ours."""
    try:
        return jws.deserialize_compact(token.reveal().encode(), keys, algorithms=list(ALGORITHMS)).payload
    except _UNREADABLE:
        return None


def unverified(token: SecretText) -> bytes | None:
    """Return the payload of a token that nobody vouches for but the connection it came through."""
    try:
        return jws.extract_compact(token.reveal().encode()).payload
    except _UNREADABLE:
        return None
