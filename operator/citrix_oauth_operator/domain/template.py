"""What the token Secret holds: the operator's own keys, and what `spec.secret.template` asks for besides them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .durations import rfc3339
from .fields import FieldError, Fields
from .model import Token

LONGEST_ACCESS_TOKEN = 64 * 1024  # characters; a longer one is TokenTooLarge
OWN_KEYS = ("access_token", "token_type", "expires_at", "authorization")
CUSTOMER_KEY = "customer_id"
_OWN_DOMAIN, _MANAGED_BY = "citrix-oauth.dev/", "app.kubernetes.io/managed-by"

#: The pattern of the CRD: no `{{` but around one of the four names.
_TEXT = re.compile(r"([^{]|\{[^{]|\{\{ *(access_token|token_type|expires_at|authorization) *\}\})*\{?")
_PLACEHOLDER = re.compile(r"\{\{ *([a-z_]+) *\}\}")
_KEY = re.compile(r"(?!\.\.|\.$)[A-Za-z0-9._-]{1,253}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_LONGEST_DOMAIN = 253
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")

#: What the API server takes: data of 1 MiB and annotations of 256 KiB, less what the operator itself writes there.
_LONGEST = dict.fromkeys(("access_token", "authorization"), LONGEST_ACCESS_TOKEN + 32)
_DATA_BYTES = 1024 * 1024 - 2 * (LONGEST_ACCESS_TOKEN + 1024)
_ANNOTATION_BYTES = (256 - 32) * 1024


@dataclass(frozen=True, slots=True)
class SecretTemplate:
    """What a team wants on its token Secret; `string_data` may hold placeholders, the rest is taken as it is."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    string_data: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Tell one template from another; empty for one that asks for nothing."""
        if not (self.labels or self.annotations or self.string_data):
            return ""
        parts = [dict(self.labels), dict(self.annotations), dict(self.string_data)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


NO_TEMPLATE = SecretTemplate()


@dataclass(frozen=True, slots=True)
class SecretTarget:
    """The token Secret as it is wanted; template None: what is wanted cannot be read, nothing is said about it."""

    name: str
    template: SecretTemplate | None = NO_TEMPLATE


def parse_template(spec: Mapping[str, object]) -> SecretTemplate:
    """Parse `secret.template` of the spec of a CitrixClient.

    Raises:
        FieldError: the API server would refuse the Secret, it would hold something else than the team thinks, or it
            could become larger than a Secret may be.
    """
    fields = Fields(spec).sub("secret").sub("template")
    labels, annotations, data = (fields.text_map(key) for key in ("labels", "annotations", "stringData"))
    fields.check()
    for key, texts in (("labels", labels), ("annotations", annotations)):
        _check_names(fields.path(key), texts)
    for name, value in labels.items():
        if not _LABEL_VALUE.fullmatch(value):
            raise FieldError(
                fields.path("labels"),
                f"gives {name} a value that is no label's",
                "use at most 63 letters, digits, '-', '_' and '.', or an annotation",
            )
    if sum(_bytes(name) + _bytes(value) for name, value in annotations.items()) > _ANNOTATION_BYTES:
        raise FieldError(fields.path("annotations"), "is larger than 224 KiB in all", "shorten it")
    _check_data(fields.path("stringData"), data)
    return SecretTemplate(labels, annotations, data)


def readable_template(spec: Mapping[str, object]) -> SecretTemplate | None:
    """Return the template also of a client that is otherwise in trouble: its token Secret is kept all the same."""
    try:
        return parse_template(spec)
    except FieldError:
        return None


def content(token: Token, template: SecretTemplate) -> dict[str, str]:
    """Return the data of the token Secret: four keys that pods read, and the template's, rendered."""
    access_token = token.access_token.reveal()
    own = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_at": rfc3339(token.expires_at),
        "authorization": token.authorization.format(token=access_token),
    }
    rendered = {
        key: _PLACEHOLDER.sub(lambda found: own[found[1]], text)  # one pass: a value is never looked at again
        for key, text in template.string_data.items()
    }
    customer = {CUSTOMER_KEY: token.customer_id} if token.customer_id else {}
    return customer | rendered | own  # a team that uses the name for something else has asked for that


def _check_names(path: str, texts: Mapping[str, str]) -> None:
    for name in texts:
        if name.startswith(_OWN_DOMAIN) or name == _MANAGED_BY:
            raise FieldError(path, f"sets {name}, which the operator keeps for itself", "remove it")
        domain, slash, rest = name.rpartition("/")
        in_domain = not slash or (len(domain) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(domain))
        if not (in_domain and _NAME.fullmatch(rest)):
            raise FieldError(path, "has a key that Kubernetes does not take", "write it like example.com/team")


def _check_data(path: str, data: Mapping[str, str]) -> None:
    size = 0
    for key, text in data.items():
        if key in OWN_KEYS:
            raise FieldError(path, f"sets {key}, which the operator writes", "use another key")
        if not _KEY.fullmatch(key):
            raise FieldError(
                path,
                "has a key that cannot be a file name",
                "use at most 253 letters, digits, '-', '_' and '.', not beginning with '..'",
            )
        if not _TEXT.fullmatch(text):
            raise FieldError(
                path,
                f"has something else than a placeholder after {{{{ in key {key}",
                f"use {', '.join(f'{{{{ {name} }}}}' for name in OWN_KEYS)} only",
            )
        size += _bytes(text) + sum(_LONGEST.get(name, 0) for name in _PLACEHOLDER.findall(text))
    if size > _DATA_BYTES:
        raise FieldError(
            path,
            "could make the token Secret larger than 1 MiB, counting 64 KiB for each use of the access token",
            "shorten the texts, or use access_token and authorization less often",
        )


def _bytes(text: str) -> int:
    return len(text.encode())
