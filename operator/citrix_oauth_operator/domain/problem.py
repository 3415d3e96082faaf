"""What went wrong, as a value: one shape for status, Events, metrics and logs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from .reasons import TRANSIENT, Reason

_PRINTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def sanitised(text: object, limit: int = 64) -> str | None:
    """Return server text cut to `limit` characters of RFC 6749 section A.8's set, or None when nothing is left."""
    if not isinstance(text, str):
        return None
    return _PRINTABLE.sub("", text)[:limit] or None


WAIT = (
    "Nothing needs to be done now: it is tried again at status.nextRefreshTime. If it lasts, ask whoever runs the"
    " authorization server."
)


def as_sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    text = text.strip()
    is_field = "." in text.partition(" ")[0]  # spec.clientID is written as it is
    begun = text if is_field else text[:1].upper() + text[1:]
    return begun and begun + ("" if begun.endswith((".", "!", "?")) else ".")


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure, in words that name what is wrong and what helps.

    Attributes:
        message: one sentence of ours; names fields and objects, never quotes a server.
        remedy: what a person does about it; empty when waiting is the remedy.
        oauth_error: the `error` code of RFC 6749 section 5.2, sanitised.
        server_code: the server's own number or word (AADSTS50076), sanitised.
        transaction_id: the id the vendor's support asks for, sanitised.
        claims: what the next sign-in must ask for (`domain.claims_challenge`), as JSON.
        retry_after: the server's wish (RFC 9110 section 10.2.3), already clamped.
    """

    reason: Reason
    message: str
    remedy: str = ""
    oauth_error: str | None = None
    http_status: int | None = None
    server_code: str | None = None
    transaction_id: str | None = None
    claims: str | None = None
    retry_after: timedelta | None = None

    @property
    def advice(self) -> str:
        """What a person does about it, as a sentence; for what passes by itself: wait."""
        return as_sentence(self.remedy) or (WAIT if self.transient else "")

    @property
    def transient(self) -> bool:
        """Whether repeating may help without a person."""
        return self.reason in TRANSIENT
