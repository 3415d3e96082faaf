"""What `portal` was told, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """Settings of `citrix-oauth portal`; none of them is secret.

    Attributes:
        url: where a browser reaches the portal, without a slash at its end; all it knows of its own address.
        namespaces: whose clients are shown; empty: of all namespaces.
    """

    url: str
    port: int
    namespaces: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The path below which the pages are; empty for the root."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def redirect_uri(self) -> str:
        """Where authorization servers send browsers back to."""
        return f"{self.url}/callback"
