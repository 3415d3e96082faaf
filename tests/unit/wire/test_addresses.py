"""The address guard on its own; the transport's tests send through it."""

import ipaddress

import pytest

from citrix_oauth_operator.wire.addresses import DENIED, is_allowed


@pytest.mark.parametrize("network", DENIED, ids=str)
def test_denied_networks_are_denied_at_both_ends(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> None:
    """Also where the standard library calls an address global."""
    assert not is_allowed(network[0], ())
    assert not is_allowed(network[-1], ())


@pytest.mark.parametrize("network", DENIED, ids=str)
def test_an_admin_can_allow_each_of_them(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> None:
    """On-premises servers live there."""
    assert is_allowed(network[1 if network.num_addresses > 1 else 0], (network,))


@pytest.mark.parametrize("address", ["20.50.2.10", "8.8.8.8", "2603:1020:201:10::10f", "2a00:1450:4001:81b::200e"])
def test_the_public_internet_is_allowed(address: str) -> None:
    """Without a word in spec.allowedAddresses."""
    assert is_allowed(ipaddress.ip_address(address), ())


def test_allowing_ipv4_loopback_does_not_allow_its_embedded_spellings() -> None:
    """Each spelling has to be named by itself."""
    loopback = (ipaddress.ip_network("127.0.0.0/8"),)
    assert is_allowed(ipaddress.ip_address("127.0.0.1"), loopback)
    for address in ("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::1"):
        assert not is_allowed(ipaddress.ip_address(address), loopback)


@pytest.mark.parametrize(
    "address",
    ["::ffff:8.8.8.8", "::8.8.8.8", "::ffff:0:808:808", "64:ff9b::808:808", "2002:808:808::1", "2001:0:808:808::1"],
)
def test_addresses_that_embed_another_are_denied_whatever_they_embed(address: str) -> None:
    """Where such a packet ends is decided by a relay; newer versions of Python call some of them global."""
    assert not is_allowed(ipaddress.ip_address(address), ())
    assert any(ipaddress.ip_address(address) in network for network in DENIED)
