"""NetScaler as OAuth identity provider: short-lived tokens for sign-ins, and no refresh token that anybody documents.

Its metadata document is often blocked (its path is the one that CVE-2023-4966 was probed at), so the token endpoint is
given by hand; spec.issuer, the bare host, adds the other endpoints. It documents no error codes of its own.
Sources: "NetScaler as an OAuth IdP", NITRO authenticationoauthidpprofile.
"""

from __future__ import annotations

import re
from datetime import timedelta

from citrix_oauth_operator.domain.catalogue import Catalogue
from citrix_oauth_operator.domain.kinds import Kind, Layout, Lifetimes

from .profile import Profile

PROFILE = Profile(
    kind=Kind(
        Lifetimes(access_token=timedelta(minutes=5), issued=False),  # skewtime of the profile, 5 if nobody changed it
        Layout(
            issuer=re.compile(r"https?://[^/]+"),
            example="https://gateway.example.com",
            paths={"token": "/oauth/idp/token", "authorization": "/oauth/idp/login", "keys": "/oauth/idp/certs"},
        ),
    ),
    scopes=("openid",),
    offline_scope="",
    consent_prompt="",
    catalogue=Catalogue(
        remedies={
            "invalid_client": "check spec.clientID and client_secret against `show authentication OAuthIdpProfile`",
            "invalid_grant": "sign in again (kubectl citrix-oauth login): a code lives some minutes and works once",
            "unsupported_grant_type": (
                "NetScaler redeems codes of sign-ins only: let the client use the identity provider behind NetScaler"
            ),
        },
    ),
)
