"""Where the transport connects to, and where it does not."""

import ipaddress

import pytest

from citrix_oauth_operator.domain.answers import NotSent
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.transport import Transport
from tests.standins.token_endpoint import (
    TokenEndpoint,
    json_reply,
)
from tests.unit.wire.sockets import Resolver, post


async def test_addresses_are_tried_in_order_until_one_answers() -> None:
    """The first address is dead; both were checked before."""
    async with TokenEndpoint() as endpoint:
        endpoint.script(json_reply({}))
        url = endpoint.url.replace("127.0.0.1", "login.example.com")
        transport = Transport(resolve=Resolver(["127.0.0.2", "127.0.0.1"]))
        assert isinstance(await post(url, transport=transport), RawAnswer)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://" + host + "/", id=host)
        for host in (
            "localhost",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",  # noqa: S104
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "169.254.169.254",
            "192.0.0.192",
            "100.100.100.200",
            "168.63.129.16",
            "10.96.0.1",
            "[fd00:ec2::254]",
            "[fe80::1]",
        )
    ],
)
async def test_no_spelling_of_a_private_address_is_connected_to(url: str) -> None:
    """The system's own resolver reads the odd spellings; the result is what is checked."""
    answer = await post(url, reach=Reach(), transport=Transport(deadline=20))
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.ADDRESS_NOT_ALLOWED
    assert "spec.allowedAddresses" in answer.problem.remedy
    assert "AuthorizationServer" in answer.problem.remedy


async def test_rebinding_finds_nothing_to_change() -> None:
    """The name is resolved once: the answer that was checked is the one that is used."""
    async with TokenEndpoint() as endpoint:
        url = endpoint.url.replace("127.0.0.1", "rebind.example.com")
        resolver = Resolver(["192.0.2.1"], ["127.0.0.1"])
        reach = Reach(allowed_addresses=(ipaddress.ip_network("192.0.2.0/24"),))
        answer = await post(url, reach=reach, transport=Transport(deadline=0.3, resolve=resolver))
        assert isinstance(answer, NotSent)
        assert len(resolver.asked) == 1
        assert not endpoint.requests


async def test_one_forbidden_address_condemns_the_name() -> None:
    """Else a server could offer a good address for the check and hope for the other one."""
    async with TokenEndpoint() as endpoint:
        url = endpoint.url.replace("127.0.0.1", "mixed.example.com")
        answer = await post(url, transport=Transport(resolve=Resolver(["127.0.0.1", "169.254.169.254"])))
        assert isinstance(answer, NotSent)
        assert answer.problem.reason is Reason.ADDRESS_NOT_ALLOWED
        assert not endpoint.requests


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "http://0177.0.0.1/",
        "https://",
        "http://[::1",
        "https://" + "a" * 300 + ".example/",
        "ftp://127.0.0.1/",
    ],
)
async def test_a_url_that_cannot_be_called_is_not_sent(url: str) -> None:
    """Such URLs are refused long before; here they must not raise."""
    assert isinstance(await post(url), NotSent)
