"""Where a server may live: which URLs, hosts and addresses the operator may be sent to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Reach:
    """How and where to the server may be connected to.

    Attributes:
        ca_bundle: PEM; None means the image's CA store.
        allowed_addresses: networks beyond the public internet.
        allowed_hosts: patterns (`*.cloud.com`) of hosts that documents may name besides the server's own.
    """

    ca_bundle: str | None = field(default=None, repr=False)
    allowed_addresses: tuple[Network, ...] = ()
    allowed_hosts: tuple[str, ...] = ()


def url_flaw(url: str, reach: Reach) -> str | None:
    """Say why a URL must not be called, or None: only https, but for a loopback address that is allowed by name."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        return "is not a URL"
    if not parts.hostname or not port_ok or parts.username is not None or parts.fragment or not url.isascii():
        return "is not a plain URL"
    if parts.scheme == "https" or (parts.scheme == "http" and _allowed_loopback(parts.hostname, reach)):
        return None
    return "is not https"


def _allowed_loopback(host: str, reach: Reach) -> bool:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return False
    return address.is_loopback and any(address in network for network in reach.allowed_addresses)
