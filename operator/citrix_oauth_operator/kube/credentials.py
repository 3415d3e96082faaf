"""The credentials Secret: the keys that a client uses, each checked, in the words a person reads."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.durations import parse_rfc3339
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText, StaysHere
from citrix_oauth_operator.domain.spec import ClientSpec, GrantType

from .api import JSON
from .labels import CREDENTIALS_EXPIRE_AT
from .secret_codec import decode

NEXT = "_next"
_SECRET_LIMIT, _PEM_LIMIT, _TYPED_LIMIT = 8192, 65536, 256
_PEM_KEYS = ("private_key", "tls.key")


@dataclass(frozen=True, slots=True)
class Proof(StaysHere):
    """What the client shows: a secret, a key, or nothing."""

    secret: SecretText | None = None
    key: ClientKey | None = None

    @property
    def fingerprint(self) -> str | None:
        """Tell one from another; None of none."""
        if self.key is not None:
            return self.key.fingerprint
        return self.secret.fingerprint(64) if self.secret else None


@dataclass(frozen=True, slots=True)
class Credentials(StaysHere):
    """What a client's Secret holds for it.

    Attributes:
        spare: to be shown when the server refuses `proof`: the one of a rollover.
        login: of CitrixAuth with a password: user name and password.
        names: whom the certificate names; empty without one.
        end: when the proof ends, as a person noted or the certificate says.
    """

    proof: Proof = Proof()
    spare: Proof | None = None
    seed: SecretText | None = None
    end: datetime | None = None
    login: tuple[str, SecretText] | None = None
    names: str = ""


def read_credentials(spec: ClientSpec, secret: JSON | None) -> Credentials | Problem:
    """Return what `spec` needs of its Secret, or the first key that is missing or wrong."""
    if spec.credentials_name is None:
        return Credentials()
    if secret is None:
        return problems.credentials_not_found(spec.credentials_name)
    keys = _Keys(spec.credentials_name, decode(secret), set(secret.get("data") or {}))
    proof, spare = _proof(spec, keys, ""), _proof(spec, keys, NEXT)
    seed = keys.text("refresh_token") if spec.grant_type is GrantType.REFRESH_TOKEN else None
    login = _login(keys) if spec.needs_password else None
    if keys.problem is not None:
        return keys.problem
    noted = _noted_end(secret["metadata"])
    names, certificate_end = _certified(proof)
    ends = [end for end in (noted, certificate_end) if end is not None]
    return Credentials(proof or Proof(), spare, seed, min(ends, default=None), login, names)


class _Keys:
    """Reads keys, and remembers the first that cannot be used."""

    def __init__(self, name: str, texts: dict[str, str], present: set[str]) -> None:
        self._name, self._texts, self._present = name, texts, present
        self.problem: Problem | None = None

    def has(self, key: str) -> bool:
        return key in self._present

    def wrong(self, key: str, flaw: str) -> None:
        self.problem = self.problem or problems.credentials_key(self._name, key, flaw)

    def text(self, key: str, *, required: bool = False) -> SecretText | None:
        if not self.has(key) and not required:
            return None
        value = self._texts.get(key)
        if flaw := _flaw(value, present=self.has(key)):
            self.wrong(key, flaw)
            return None
        return SecretText(value or "")

    def typed(self, key: str) -> SecretText:
        """Return what people type: a user name or a password, with spaces and any letters, but without a line break."""
        value = self._texts.get(key)
        if flaw := _flaw_of_typed(value, present=self.has(key)):
            self.wrong(key, flaw)
        return SecretText(value or "")

    def pem(self, key: str) -> str:
        """Return a text of several lines; empty where there is none."""
        value = self._texts.get(key, "")
        if self.has(key) and (not value.strip() or not value.isascii() or len(value) > _PEM_LIMIT):
            self.wrong(key, "is no PEM text")
            return ""
        return value


def _login(keys: _Keys) -> tuple[str, SecretText]:
    username, password = keys.typed("username"), keys.typed("password")
    return username.reveal(), password


def _proof(spec: ClientSpec, keys: _Keys, suffix: str) -> Proof | None:
    method = spec.client_authentication
    if method.needs_secret:
        secret = keys.text(f"client_secret{suffix}", required=not suffix)
        return Proof(secret) if secret else None
    certified = spec.needs_certificate
    return _key_proof(keys, suffix, certified=certified) if certified or method.needs_key else None


def _key_proof(keys: _Keys, suffix: str, *, certified: bool) -> Proof | None:
    """Return the key; of a Secret of type kubernetes.io/tls, as certificate managers keep it, too."""
    if suffix:
        name, certificate = f"private_key{suffix}", ""
        if certified or not keys.has(name):
            return None  # a certificate and its key change at once, in one write
    else:
        name = next((name for name in _PEM_KEYS if keys.has(name)), "tls.key" if certified else "private_key")
        certificate = keys.pem("tls.crt")
    for needed in (name, *(("tls.crt",) if certified else ())):
        if not keys.has(needed):
            keys.wrong(needed, "is missing")
    key_id = keys.text(f"key_id{suffix}")
    pem = keys.pem(name)
    if keys.problem is not None:
        return None
    return _checked(keys, name, ClientKey(SecretText(pem), certificate, key_id.reveal() if key_id else ""))


def _checked(keys: _Keys, name: str, key: ClientKey) -> Proof | None:
    from citrix_oauth_operator.wire import key_material  # noqa: PLC0415 - 10 MiB that nobody without a key needs

    if flawed := key_material.flaw(key):
        part, flaw = flawed
        keys.wrong(name if part == "key" else "tls.crt", flaw)
        return None
    return Proof(key=key)


def _certified(proof: Proof | None) -> tuple[str, datetime | None]:
    """Return whom the certificate names, and when it ends."""
    if proof is None or proof.key is None or not proof.key.certificate:
        return "", None
    from citrix_oauth_operator.wire import key_material  # noqa: PLC0415 - as above

    return key_material.certificate_names(proof.key), key_material.certificate_end(proof.key)


def _noted_end(metadata: JSON) -> datetime | None:
    """Return the end that a person noted: a time (RFC 3339), or a day, which ends the proof as it begins."""
    noted = (metadata.get("annotations") or {}).get(CREDENTIALS_EXPIRE_AT)
    if not isinstance(noted, str):
        return None
    try:
        return parse_rfc3339(noted) or datetime.strptime(noted, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _flaw(value: str | None, *, present: bool) -> str | None:
    if not present:
        return "is missing"
    if value is None or not value.isascii():
        return "holds something else than ASCII text"
    if not value:
        return "is empty"
    if len(value) > _SECRET_LIMIT:
        return "is longer than 8192 characters"
    if any(not "\x21" <= character <= "\x7e" for character in value):
        return "holds a space, a line break or a control character"
    return None


def _flaw_of_typed(value: str | None, *, present: bool) -> str | None:
    if not present:
        return "is missing"
    if not value:
        return "is empty" if value == "" else "holds something else than UTF-8 text"
    if len(value) > _TYPED_LIMIT:
        return f"is longer than {_TYPED_LIMIT} characters"
    if any(unicodedata.category(character) == "Cc" for character in value):
        return "holds a line break or a control character"
    return None
