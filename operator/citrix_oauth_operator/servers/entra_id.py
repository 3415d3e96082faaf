"""Microsoft Entra ID, endpoints of version 2: refresh tokens of 90 days, of which a replaced one goes on working.

Microsoft asks applications to act on `error` alone, for numbers change: a number names the reason and the remedy that
a person reads, and an unknown one is shown as it is (status.lastError.serverCode).
Sources: "Refresh tokens in the Microsoft identity platform", "Microsoft Entra authentication and authorization error
codes" (each number below is in its table), "OAuth 2.0 authorization code flow". Not in that table, but in public
reports with the text that is meant here: 1002012, 7000213, 9002327.
"""

from __future__ import annotations

import re
from datetime import timedelta

from citrix_oauth_operator.domain.catalogue import Catalogue, Finding, rows
from citrix_oauth_operator.domain.kinds import Kind, Layout, LifetimeModel, Lifetimes
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.ways_out import Section

from .profile import Profile

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LOG = "look the request up in Entra's sign-in log by status.lastError.transactionId (the correlation id)"
_SIGN_IN = "sign in again (kubectl citrix-oauth login)"
_MFA = Section.MULTI_FACTOR.hint
_POLICY = Section.CONDITIONAL_ACCESS.hint
_DEVICE = Section.DEVICE.hint


def _access(message: str, remedy: str) -> Finding:
    return Finding(Reason.CONDITIONAL_ACCESS, message, remedy)


def _account(message: str, remedy: str) -> Finding:
    return Finding(Reason.ACCOUNT_PROBLEM, message, remedy)


def _client(message: str, remedy: str) -> Finding:
    return Finding(Reason.CLIENT_REJECTED, message, remedy)


_INTERACTION = _access(
    "Entra ID wants a person at a browser before it gives another token",
    f"{_SIGN_IN}; {_LOG}; {_POLICY}",
)
_CONSENT = Finding(
    Reason.SCOPE_REJECTED,
    "nobody has consented to what spec.scopes asks for",
    "an administrator grants consent for the application (App registrations > API permissions), or correct spec.scopes",
)

#: Numbers that share a line share meaning and remedy.
_LINES: tuple[tuple[tuple[int, ...], Finding], ...] = (
    (
        (50076, 50074, 50078),
        _access("Entra ID asks for multi-factor authentication", f"{_SIGN_IN}, with the second factor; {_MFA}"),
    ),
    (
        (50072, 50079),
        _access("the user must register for multi-factor authentication first", f"register, then {_SIGN_IN}; {_MFA}"),
    ),
    ((50158,), _access("an external security challenge was not met", f"{_SIGN_IN}; {_POLICY}")),
    (
        (53003, 50131),
        _access("a Conditional Access policy blocks this token", f"{_LOG}: it names the policy; {_POLICY}"),
    ),
    (
        (53000,),
        _access("a Conditional Access policy wants a compliant device, which a pod cannot be", _DEVICE),
    ),
    ((53001,), _access("a Conditional Access policy wants a joined device, which a pod cannot be", _DEVICE)),
    ((53002,), _access("a Conditional Access policy wants an approved application", _DEVICE)),
    (
        (50097, 50129, 50155, 50187),
        _access(
            "Entra ID wants a device that has proved itself (a Primary Refresh Token), which a pod cannot", _DEVICE
        ),
    ),
    (
        (50005,),
        _access("a Conditional Access policy takes certain device platforms only, and a pod is none of them", _DEVICE),
    ),
    (
        (53004,),
        _access(
            "the user must register for multi-factor authentication first, and was kept from it because of a risk",
            f"an administrator clears the risk; then register and {_SIGN_IN}; {_MFA}",
        ),
    ),
    (
        (53011, 530032, 530035),
        _access(
            "a risk or security policy blocks the user", f"an administrator clears the risk or changes it; {_POLICY}"
        ),
    ),
    (
        (700082, 70008),
        Finding(
            Reason.GRANT_EXPIRED,
            "the refresh token expired, because it was not used for too long",
            f"{_SIGN_IN}, and find out why the operator did not run",
        ),
    ),
    (
        (700084,),
        Finding(
            Reason.GRANT_EXPIRED,
            "the refresh token of a single-page application ended after its fixed 24 hours",
            f"register the redirect URI as platform Web or Mobile and desktop, not Single-page application; {_SIGN_IN}",
        ),
    ),
    (
        (9002327,),
        _client(
            "the redirect URI is registered for a single-page application, whose tokens only a browser may redeem",
            f"register it as platform Web or Mobile and desktop applications; then {_SIGN_IN}",
        ),
    ),
    (
        (70043,),
        Finding(
            Reason.GRANT_EXPIRED,
            "the sign-in frequency of a Conditional Access policy ended the grant",
            f"{_SIGN_IN}; a longer sign-in frequency for this application makes it rarer",
        ),
    ),
    (
        (50173, 50132, 50133),
        Finding(
            Reason.GRANT_REJECTED,
            "the grant was revoked",
            f"the password was changed or reset, or the sessions were revoked: {_SIGN_IN}",
        ),
    ),
    ((50055, 50144), _account("the user's password has expired", f"change the password, then {_SIGN_IN}")),
    (
        (50057,),
        _account("the user is disabled", "enable the user in Entra ID, then ask for a refresh or sign in again"),
    ),
    (
        (50053,),
        _account(
            "the user is locked, or the address is blocked", "wait for the lock to end or lift it; then sign in again"
        ),
    ),
    (
        (50034, 50126),
        _account("the user does not exist, or the password is wrong", f"correct the account, then {_SIGN_IN}"),
    ),
    (
        (50105,),
        _account(
            "the user is not assigned to the application",
            "assign the user (Enterprise applications > Users and groups)",
        ),
    ),
    ((65001,), _CONSENT),
    (
        (7000222,),
        _client(
            "the client's secret has expired",
            "create another one under App registrations > Certificates & secrets, and put it into client_secret of the"
            " credentials Secret",
        ),
    ),
    (
        (7000215,),
        _client(
            "the client's secret is wrong",
            "put the secret's value into client_secret, not its id: both stand under Certificates & secrets",
        ),
    ),
    (
        (7000218,),
        _client(
            "the client proved itself with nothing, and it is not a public one",
            "put client_secret or private_key into the credentials Secret, or allow public client flows there",
        ),
    ),
    (
        (700025,),
        _client("the client is a public one and must send no secret", "set spec.clientAuthentication: None"),
    ),
    (
        (700016,),
        _client(
            "the tenant knows no such application", "check spec.clientID, and the tenant in spec.issuer of the server"
        ),
    ),
    ((90002,), _client("there is no such tenant", "correct the tenant in spec.issuer of the AuthorizationServer")),
    ((7000112,), _client("the application is disabled", "enable it under Enterprise applications > Properties")),
    (
        (700027, 7000213, 700030),
        _client(
            "the client's assertion or its certificate is not taken",
            "upload the certificate of tls.crt under Certificates & secrets, and check that private_key belongs to it"
            " and that the clocks agree",
        ),
    ),
    (
        (70011, 1002012),
        Finding(
            Reason.SCOPE_REJECTED,
            "a scope is not one that the tenant knows",
            "write scopes as api://…/name, or with grantType ClientCredentials as api://…/.default",
        ),
    ),
    (
        (54005, 501481),
        Finding(Reason.GRANT_REJECTED, "the code of the sign-in was used before, or belongs to another one", _SIGN_IN),
    ),
    (
        (50196,),
        Finding(
            Reason.SERVER_THROTTLED, "Entra ID sees the same request too often", "look for another program that uses it"
        ),
    ),
    ((90055,), Finding(Reason.SERVER_THROTTLED, "Entra ID gets too many requests of this tenant")),
    ((90033, 90006, 50087), Finding(Reason.SERVER_ERROR, "Entra ID has a passing trouble")),
)

PROFILE = Profile(
    kind=Kind(
        Lifetimes(
            access_token=timedelta(hours=1),
            refresh_token=timedelta(days=90),
            model=LifetimeModel.SLIDING,
            reusable=True,
        ),
        Layout(
            issuer=re.compile(rf"https?://[^/]+/{_GUID}/v2\.0"),
            example="https://login.microsoftonline.com/<the tenant's id, a GUID>/v2.0",
            paths={
                "token": "../oauth2/v2.0/token",
                "authorization": "../oauth2/v2.0/authorize",
                "keys": "../discovery/v2.0/keys",
            },
        ),
    ),
    consent_prompt="",
    transaction_header="client-request-id",
    headers={"return-client-request-id": "true"},
    catalogue=Catalogue(
        remedies={
            "invalid_client": "check spec.clientID and client_secret (App registrations > Certificates & secrets)",
            "invalid_grant": f"{_SIGN_IN}; {_LOG}",
            "unauthorized_client": "check spec.clientID, and that the registration allows this grant",
        },
        errors={"interaction_required": _INTERACTION, "login_required": _INTERACTION, "consent_required": _CONSENT},
        codes={code: row for numbers, finding in _LINES for code, row in rows("AADSTS", numbers, finding).items()},
        suberrors={
            "basic_action": _INTERACTION,
            "additional_action": _INTERACTION,
            "message_only": _INTERACTION,
            "consent_required": _CONSENT,
            "user_password_expired": _account("the user's password has expired", f"change it, then {_SIGN_IN}"),
            "bad_token": Finding(Reason.GRANT_REJECTED, "the refresh token is no longer good", f"{_SIGN_IN}"),
        },
    ),
)
