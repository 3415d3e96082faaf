"""Data of Secrets: base64 both ways, and the few JSON values our own Secrets hold."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any


def encode(data: Mapping[str, str]) -> dict[str, str]:
    """Return `data` of a Secret."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}


def decode(secret: Mapping[str, Any]) -> dict[str, str]:
    """Return the text values of a Secret; values that are no UTF-8 text are left out."""
    texts = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            texts[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return texts
