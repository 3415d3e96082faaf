"""What came back from a server, before anybody has looked into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from citrix_oauth_operator.domain.secrecy import SecretText, StaysHere


@dataclass(frozen=True, slots=True)
class RawAnswer(StaysHere):
    """One complete HTTP answer; printing it shows neither headers nor body, which may hold tokens.

    Attributes:
        headers: names in lower case; repeated ones joined with a comma.
        sent_at: when the first byte of the request was written; lifetimes count from here.
        transaction_id: what the request carried, for the vendor's support.
        secrets: what the request carried besides: nothing of it is told to anybody, whoever repeats it.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    sent_at: datetime | None = None
    transaction_id: str | None = None
    secrets: tuple[SecretText, ...] = ()

    @property
    def encoding(self) -> str:
        """What the body is encoded with, though nobody asked for it; empty for nothing."""
        named = self.headers.get("content-encoding", "").strip().lower()
        return "" if named == "identity" else named

    @property
    def successful(self) -> bool:
        """Whether the status is one that may come with tokens: 200 by the RFC, its neighbours by proxies' habit."""
        return 200 <= self.status < 300  # noqa: PLR2004
