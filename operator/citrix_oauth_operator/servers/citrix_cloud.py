"""Citrix Cloud's authorization server for Workspace users: refresh tokens of 24 hours, replaced at each refresh."""

from __future__ import annotations

from datetime import timedelta

from citrix_oauth_operator.domain.catalogue import Catalogue
from citrix_oauth_operator.domain.kinds import Kind, Lifetimes, ServerType
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.server import Server

from .profile import Profile

#: It is not documented whether a refresh extends the 24 hours.
_LIFETIMES = Lifetimes(access_token=timedelta(minutes=30), refresh_token=timedelta(hours=24))

PROFILE = Profile(
    kind=Kind(_LIFETIMES),
    scopes=("openid", "wsp", "spa", "leases", "offline_access"),
    consent_prompt="",  # it has an own page for that, and shows it when it must
    transaction_header="Citrix-TransactionId",
    catalogue=Catalogue(
        {
            "invalid_client": (
                "check clientID and client_secret against Identity and Access Management > API Access > Workspace API; "
                "a disabled client is refused, too"
            ),
            "invalid_grant": "sign in again: a refresh token lives 24 hours and can be used once",
            "invalid_scope": (
                "spec.scopes must hold openid, wsp, spa and leases, and offline_access only where Offline Access is"
                " enabled on the client in Workspace API"
            ),
            "unsupported_grant_type": (
                "a client of Workspace API signs people in (grantType RefreshToken); service principals are of"
                " authorizationServerRef citrix-cloud-api"
            ),
            "unauthorized_client": "allow Offline Access on the client in Workspace API, then sign in again",
        }
    ),
)

BUILT_IN = Server(
    name="citrix-cloud",
    type=ServerType.CITRIX_CLOUD,
    issuer="https://accounts.cloud.com/core",
    reach=Reach(allowed_hosts=("*.cloud.com",)),
    access_token_lifetime=_LIFETIMES.access_token,
    refresh_token_lifetime=_LIFETIMES.refresh_token,
    lifetime_model=_LIFETIMES.model,
)
