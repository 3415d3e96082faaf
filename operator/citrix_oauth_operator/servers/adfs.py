"""Active Directory Federation Services: a refresh token that is rarely replaced, and whose end is announced.

There is no complete list of its numbers; an unknown one is shown as it is. MSIS9615 is in Microsoft's "AD FS scenarios
for developers", with 401; the others are from public reports that hold the text that is meant here. 9682 and 9683 were
only ever seen by Windows devices that ask for a token of their own.
Sources: [MS-OAPX], "AD FS single sign-on settings", "AD FS OpenID Connect/OAuth flows".
"""

from __future__ import annotations

import re
from datetime import timedelta

from citrix_oauth_operator.domain.catalogue import Catalogue, Finding, rows
from citrix_oauth_operator.domain.kinds import Kind, Layout, LifetimeModel, Lifetimes
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.ways_out import Section

from .profile import Profile

_SIGN_IN = "sign in again (kubectl citrix-oauth login)"
_LOG = "the event log of ADFS holds the request under status.lastError.transactionId"

_LINES: tuple[tuple[tuple[int, ...], Finding], ...] = (
    (
        (9615,),
        Finding(
            Reason.GRANT_EXPIRED,
            "the refresh token expired: ADFS ends it at a fixed time after the sign-in (8 hours, if nobody changed it)",
            f"{_SIGN_IN}; Set-AdfsProperties -SsoLifetime makes it longer",
        ),
    ),
    (
        (9614,),
        Finding(
            Reason.GRANT_REJECTED,
            "the refresh token is not taken",
            f"{_SIGN_IN}: a changed password, a disabled user or an administrator's cut-off ends it",
        ),
    ),
    ((9612,), Finding(Reason.GRANT_REJECTED, "the code of the sign-in is not taken", _SIGN_IN)),
    (
        (9622,),
        Finding(
            Reason.CLIENT_REJECTED,
            "the client's proof is not taken",
            "check client_secret or private_key; Set-AdfsServerApplication -ResetClientSecret makes another secret",
        ),
    ),
    (
        (9607,),
        Finding(
            Reason.CLIENT_REJECTED,
            "ADFS knows no such client",
            "correct spec.clientID: Get-AdfsServerApplication and Get-AdfsNativeClientApplication list them",
        ),
    ),
    (
        (9605,),
        Finding(
            Reason.CLIENT_REJECTED,
            "the client may not ask for this resource",
            "Grant-AdfsApplicationPermission for the client and the Web API that spec.resource names",
        ),
    ),
    (
        (9602,),
        Finding(
            Reason.SCOPE_REJECTED,
            "ADFS knows no such resource",
            "write spec.resource as the identifier of the relying party: Get-AdfsWebApiApplication lists them",
        ),
    ),
    (
        (9659,),
        Finding(
            Reason.ACCOUNT_PROBLEM,
            "user or password are wrong",
            f"correct the account in Active Directory, then {_SIGN_IN}",
        ),
    ),
    (
        (9682, 9683),
        Finding(
            Reason.CONDITIONAL_ACCESS,
            "ADFS wants the token of a registered device, which a pod cannot have",
            f"issue refresh tokens without a device (IssueOAuthRefreshTokensTo); {Section.DEVICE.hint}",
        ),
    ),
)

PROFILE = Profile(
    kind=Kind(
        Lifetimes(
            access_token=timedelta(hours=1),
            refresh_token=timedelta(hours=8),
            model=LifetimeModel.ABSOLUTE,
            reusable=True,
        ),
        Layout(
            issuer=re.compile(r"https?://[^/]+/adfs"),
            example="https://adfs.example.com/adfs",
            paths={"token": "oauth2/token", "authorization": "oauth2/authorize", "keys": "discovery/keys"},
        ),
    ),
    scopes=("openid",),
    offline_scope="",  # IssueOAuthRefreshTokensTo of the relying party decides
    consent_prompt="",
    transaction_header="client-request-id",
    catalogue=Catalogue(
        remedies={
            "invalid_client": "check spec.clientID and client_secret against Get-AdfsServerApplication",
            "invalid_grant": f"{_SIGN_IN}; {_LOG}",
            "unauthorized_client": "Grant-AdfsApplicationPermission for the client and the Web API",
        },
        errors={
            "interaction_required": Finding(
                Reason.CONDITIONAL_ACCESS,
                "ADFS wants a person at a browser before it gives another token",
                f"{_SIGN_IN}; {Section.MULTI_FACTOR.hint}",
            )
        },
        codes={code: row for numbers, finding in _LINES for code, row in rows("MSIS", numbers, finding).items()},
    ),
)
