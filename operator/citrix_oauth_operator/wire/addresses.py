"""Which addresses may be connected to: the public internet, and what the admin names."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from citrix_oauth_operator.domain.reach import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

#: Never by default. `is_global` alone is not enough: its answer for some of these depends on the Python version, and
#: some (cloud metadata, relays that embed an IPv4 address) count as global everywhere.
DENIED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; cloud metadata lives here, too
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, cloud metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local use
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)


class AddressDenied(Exception):
    """The host resolves to an address outside what is allowed; carries neither the host nor the address."""


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether `address` may be connected to: named by the admin, or plainly public."""
    if any(address in network for network in allowed):
        return True
    return address.is_global and not any(address in network for network in DENIED)


async def checked_addresses(host: str, port: int, allowed: Sequence[Network], resolve: Resolve) -> Sequence[str]:
    """Resolve `host` once and return its addresses, in the order to try them.

    One forbidden address among them condemns the name: a mixed answer is how a rebinding server starts.

    Raises:
        AddressDenied: an address is not allowed.
        OSError: the name does not resolve.
    """
    addresses = await resolve(host, port)
    if not addresses:
        raise OSError(socket.EAI_NONAME, "no address")
    if not all(is_allowed(ipaddress.ip_address(address), allowed) for address in addresses):
        raise AddressDenied
    return addresses


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Resolve through the system; a literal address stays what it is, without a thread.

    Raises:
        OSError: the name does not resolve.
    """
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label longer than DNS allows
        raise OSError(socket.EAI_NONAME, "not a host name") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
