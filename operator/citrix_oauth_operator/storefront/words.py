"""What people read about StoreFront: what is wrong, and what they do about it."""

from __future__ import annotations

from dataclasses import replace

from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason

_ANEW = (
    "Put the right value into key password (or username) of the credentials Secret; if it is right and the account was"
    " mended, ask for one more try with annotation citrix-oauth.dev/requested-at."
)

PASSWORD_REFUSED = Problem(
    Reason.PASSWORD_REFUSED,
    "StoreFront refused the user name or the password; it is not sent again before it changes, so that the account is"
    " not locked.",
    _ANEW,
)
BAD_PASSWORD = Problem(
    Reason.PASSWORD_REFUSED,
    "The password has changed or ended since StoreFront issued its token; it is not sent again before it changes here.",
    _ANEW,
    server_code="badpassword",
)
PASSWORD_MUST_CHANGE = Problem(
    Reason.PASSWORD_MUST_CHANGE,
    "StoreFront wants the user to set a new password; the old one is not sent again.",
    "Set a new password for the account where it is kept (Active Directory), and put it into key password of the"
    " credentials Secret.",
)
BAD_ACCOUNT = Problem(
    Reason.ACCOUNT_PROBLEM,
    "StoreFront says that the account is invalid, for example locked or disabled; its password is not sent again.",
    "Unlock or enable the account, then ask for one more try with annotation citrix-oauth.dev/requested-at.",
    server_code="badaccount",
)
FORBIDDEN = replace(
    BAD_ACCOUNT,
    message="StoreFront does not let this account log on; its password is not sent again.",
    server_code=None,
    http_status=403,
)
SECOND_FACTOR = Problem(
    Reason.SECOND_FACTOR_REQUIRED,
    "StoreFront's logon form asks for a passcode or an answer that a service has not got.",
    "Exempt this account from the second factor, or offer HttpBasic on an internal store without one, and name that"
    " store in spec.storefront.storePath.",
)
CERTIFICATE_REFUSED = Problem(
    Reason.CLIENT_REJECTED,
    "StoreFront does not take the certificate of key tls.crt.",
    "Put a certificate for client authentication into tls.crt, and its key into tls.key, of the credentials Secret: one"
    " that has not expired, of an authority that StoreFront's server trusts, and that it maps to the account.",
)
CERTIFIED_ACCOUNT = Problem(
    Reason.CLIENT_REJECTED,
    "StoreFront says that the account of the certificate is invalid, for example locked or disabled.",
    "Unlock or enable the account; it is tried again hourly, and at once with annotation"
    " citrix-oauth.dev/requested-at.",
)
NOT_TRUSTED = Problem(
    Reason.CLIENT_REJECTED,
    "The store does not trust the authentication service that issued the token.",
    "In StoreFront, let the store trust its authentication service (Manage Authentication Methods, shared"
    " authentication service), or correct spec.storefront.storePath.",
    server_code="nottrusted",
)
PASSWORD_CLAIM_NOT_FOUND = Problem(
    Reason.CLIENT_REJECTED,
    "The store needs a token that was issued for a password, and this one was not.",
    "Name a protocol with a password (HttpBasic, ExplicitForms) in spec.storefront.protocols.",
    server_code="passwordClaimNotFound",
)
INVALID_AUDIENCE = Problem(
    Reason.CLIENT_REJECTED,
    "StoreFront did not issue the token for the address at which the store was asked.",
    "Make spec.storefront.baseURL of the AuthorizationServer the base URL that StoreFront's console shows.",
    server_code="invalidAudience",
)
WRONG_CLAIMS = Problem(
    Reason.CLIENT_REJECTED,
    "StoreFront's token does not hold the claims that the store needs.",
    "Compare the claims that the store requires with what its authentication method issues, in StoreFront.",
    server_code="wrongclaims",
)
GATEWAY_CLAIMS_INCONSISTENT = Problem(
    Reason.CLIENT_REJECTED,
    "The token was issued through another gateway than the one the store was asked through.",
    "Let all calls take one path: directly to StoreFront, or all through the same Citrix Gateway.",
    server_code="gatewayclaimsinconsistent",
)
NOT_STOREFRONT = Problem(
    Reason.RESPONSE_INVALID,
    "What answers is not StoreFront: no message of its own, perhaps a Citrix Gateway's page.",
    "Check spec.storefront.baseURL of the AuthorizationServer (the store itself, not a gateway) and"
    " spec.storefront.storePath.",
)
NO_CHALLENGE = Problem(
    Reason.RESPONSE_INVALID,
    "The store does not ask for a CitrixAuth token.",
    "Check spec.storefront.storePath: it is the path of the resources service, for example /Citrix/Store/resources/v2.",
)
NO_LOCATION = Problem(
    Reason.ADDRESS_NOT_ALLOWED,
    "StoreFront sends token requests to a host that is not allowed.",
    "If that is meant, an admin adds the host to spec.allowedHosts of the AuthorizationServer.",
)
REFUSES_ITS_OWN = Problem(
    Reason.RESPONSE_INVALID,
    "StoreFront refuses a token that it has just issued.",
    "Compare the clocks of the StoreFront servers, and look into their event log (Citrix Delivery Services).",
)
ERROR = Problem(
    Reason.SERVER_ERROR,
    "StoreFront reports an error of its own.",
    "Look into the StoreFront server's event log (Citrix Delivery Services).",
)
TOKEN_TOO_LARGE = Problem(
    Reason.TOKEN_TOO_LARGE,
    "StoreFront's token is longer than 65536 characters.",
    "Let the account be a member of fewer groups: each one is a claim of the token.",
)


def not_offered(offered: tuple[str, ...]) -> Problem:
    """Return the problem of a server that offers none of the protocols that the client may use."""
    known = ", ".join(name for name in _PROTOCOLS if name in offered) or "none that is known"
    return Problem(
        Reason.CLIENT_REJECTED,
        f"StoreFront offers none of spec.storefront.protocols; of the known ones it offers: {known}.",
        "Enable HTTP Basic or User name and password under Manage Authentication Methods of the store, or change"
        " spec.storefront.protocols.",
    )


_PROTOCOLS = (
    "ExplicitForms",
    "CustomForms",
    "HttpBasic",
    "Certificate",
    "CertificateIdentityDeclaration",
    "IntegratedWindows",
    "CitrixAGBasic",
    "CitrixFederation",
)
