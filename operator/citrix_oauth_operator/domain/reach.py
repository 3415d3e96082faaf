"""Where a server may live: which URLs, hosts and addresses the operator may be sent to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .client_key import ClientKey

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Reach:
    """How and where to the server may be connected to.

    Attributes:
        ca_bundle: PEM; None means the image's CA store.
        allowed_addresses: networks beyond the public internet.
        identity: what the TLS connection is opened with, where a client proves itself by it (RFC 8705).
        allowed_hosts: patterns (`*.cloud.com`, `wsp.example:8443`) of hosts that documents may name besides the
            server's own; one with a port means that port alone.
    """

    ca_bundle: str | None = field(default=None, repr=False)
    allowed_addresses: tuple[Network, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    identity: ClientKey | None = field(default=None, repr=False)


def host_matches(host: str, pattern: str) -> bool:
    """Whether a host is meant by `login.example.com`, or by `*.example.com` at any depth below it."""
    host, pattern = host.lower(), pattern.lower()
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def allowed_origin(host: str, reach: Reach) -> str | None:
    """Return where a host that somebody else named is asked, at the port that the admin allows it with, or None."""
    for pattern in reach.allowed_hosts:
        name, _, port = pattern.partition(":")
        if host_matches(host, name):
            return f"https://{host}:{port}" if port else f"https://{host}"
    return None


def host_flaw(url: str, own: str, reach: Reach) -> str | None:
    """Say why a document must not name a URL, or None: it lives neither at the host of `own` nor at an allowed one."""
    if flaw := url_flaw(url, reach):
        return flaw
    parts = urlsplit(url)
    host = parts.hostname or ""
    for pattern in reach.allowed_hosts:
        name, _, port = pattern.partition(":")
        if host_matches(host, name) and port in {"", str(parts.port)}:
            return None
    return None if host == urlsplit(own).hostname else "lives on a host that is not allowed"


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
