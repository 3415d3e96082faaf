"""Citrix Cloud's administration APIs: client credentials of a service principal, one token endpoint a region."""

from __future__ import annotations

from datetime import timedelta

from citrix_oauth_operator.domain.catalogue import Catalogue
from citrix_oauth_operator.domain.kinds import Kind, Lifetimes, ServerType
from citrix_oauth_operator.domain.server import Endpoints, Server

from .profile import Profile

_LIFETIMES = Lifetimes(access_token=timedelta(hours=1), issued=False)

PROFILE = Profile(
    kind=Kind(_LIFETIMES),
    offers_customer=True,  # header Citrix-CustomerId
    authorization="CwsAuth Bearer={token}",  # an equals sign, not a space
    transaction_header="Citrix-TransactionId",
    catalogue=Catalogue(
        {
            "invalid_client": (
                "check clientID, client_secret and the secret's expiry date under Identity and Access Management > "
                "API Access > Service principals, and that authorizationServerRef names the customer's region"
            ),
        }
    ),
)

_HOSTS = {
    "citrix-cloud-api": "api.cloud.com",
    "citrix-cloud-api-us": "api-us.cloud.com",
    "citrix-cloud-api-eu": "api-eu.cloud.com",
    "citrix-cloud-api-ap-s": "api-ap-s.cloud.com",
    "citrix-cloud-api-jp": "api.citrixcloud.jp",
}

BUILT_IN = tuple(
    Server(
        name=name,
        type=ServerType.CITRIX_CLOUD_API,
        endpoints=Endpoints(token=f"https://{host}/cctrustoauth2/{{customerID}}/tokens/clients"),
        access_token_lifetime=_LIFETIMES.access_token,
        issues_refresh_tokens=_LIFETIMES.issued,
    )
    for name, host in _HOSTS.items()
)
