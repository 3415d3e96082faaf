"""What is built in, and what is particular about each kind."""

from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.reach import url_flaw
from citrix_oauth_operator.domain.spec import DEFAULT_SERVER
from citrix_oauth_operator.servers import BUILT_IN, profile


def test_the_default_server_is_built_in() -> None:
    """The smallest client needs no object of ours beside it."""
    assert DEFAULT_SERVER in BUILT_IN


def test_citrix_cloud() -> None:
    """24 hours, and nobody knows whether a refresh extends them."""
    server = BUILT_IN["citrix-cloud"]
    assert server.issuer == "https://accounts.cloud.com/core"
    assert server.refresh_token_lifetime == timedelta(hours=24)
    assert server.lifetime_model == "Unknown"
    assert server.reach.allowed_hosts == ("*.cloud.com",)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("citrix-cloud-api", "api.cloud.com"),
        ("citrix-cloud-api-us", "api-us.cloud.com"),
        ("citrix-cloud-api-eu", "api-eu.cloud.com"),
        ("citrix-cloud-api-ap-s", "api-ap-s.cloud.com"),
        ("citrix-cloud-api-jp", "api.citrixcloud.jp"),
    ],
)
def test_each_region_of_the_api_has_its_host(name: str, host: str) -> None:
    """The customer's id goes into the path."""
    server = BUILT_IN[name]
    token = server.endpoints.of_customer("acmecust01").token
    assert token == f"https://{host}/cctrustoauth2/acmecust01/tokens/clients"
    assert server.access_token_lifetime == timedelta(hours=1)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_servers_pass_the_checks_that_objects_pass(name: str) -> None:
    """Https, reachable without a word of the admin, known by the name they have."""
    server = BUILT_IN[name]
    assert server.name == name
    assert url_flaw(server.identity, server.reach) is None
    assert not server.reach.allowed_addresses


@pytest.mark.parametrize("kind", ServerType)
def test_every_kind_has_a_profile_whose_header_takes_the_token(kind: ServerType) -> None:
    """Whatever the header looks like."""
    value = profile(kind).authorization.format(token="CANARY")
    own = {ServerType.CITRIX_CLOUD_API: "CwsAuth Bearer=CANARY", ServerType.STOREFRONT: "CitrixAuth CANARY"}
    assert value == own.get(kind, "Bearer CANARY")
