"""The desired state of one OAuth client (spec of CitrixClient), parsed and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .fields import FieldError, Fields
from .template import parse_template


class GrantType(StrEnum):
    """How a client comes to its access token."""

    REFRESH_TOKEN = "RefreshToken"
    CLIENT_CREDENTIALS = "ClientCredentials"
    CITRIX_AUTH = "CitrixAuth"


class ClientAuthentication(StrEnum):
    """How the client proves itself at the token endpoint (RFC 6749 section 2.3)."""

    CLIENT_SECRET_POST = "ClientSecretPost"
    CLIENT_SECRET_BASIC = "ClientSecretBasic"
    PRIVATE_KEY_JWT = "PrivateKeyJWT"
    TLS_CLIENT_AUTH = "TLSClientAuth"
    NONE = "None"

    @property
    def needs_secret(self) -> bool:
        """Whether the credentials Secret must hold `client_secret`."""
        return self in {ClientAuthentication.CLIENT_SECRET_POST, ClientAuthentication.CLIENT_SECRET_BASIC}

    @property
    def needs_key(self) -> bool:
        """Whether it must hold a private key."""
        return self in {ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.TLS_CLIENT_AUTH}

    @property
    def needs_certificate(self) -> bool:
        """Whether it must hold the key's certificate, too."""
        return self is ClientAuthentication.TLS_CLIENT_AUTH


class LogonProtocol(StrEnum):
    """How a user logs on at StoreFront, by the names that its choices have."""

    HTTP_BASIC = "HttpBasic"
    EXPLICIT_FORMS = "ExplicitForms"
    CERTIFICATE = "Certificate"

    @property
    def needs_certificate(self) -> bool:
        """Whether it shows a certificate, and no password is sent."""
        return self is LogonProtocol.CERTIFICATE


DEFAULT_PROTOCOLS = (LogonProtocol.HTTP_BASIC, LogonProtocol.EXPLICIT_FORMS)
DEFAULT_SERVER = "citrix-cloud"
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_STORE_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~-]|%20)+)+/?")
CUSTOMER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # goes into a path: a dot or a slash would change where

_CUSTOMER = {
    "customerDomain": (
        re.compile(r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)+"),
        "is not a host name in lower case",
        "write it without scheme, port and path, for example acme.cloud.com",
    ),
    "applicationID": (
        re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
        "is not a UUID",
        "copy the application id, which is another value than the client id, from the client's registration",
    ),
}


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose discovery document says how to sign in: the host that serves it, and the application that asks for it."""

    domain: str
    application_id: str


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """What an application team wants; every value usable as it is.

    Attributes:
        customer: whose discovery document is to be used; None: the server's own metadata.
        redirect_uri, expected_subject: of the sign-in; None: the tool's own, and anybody's.
        store_path, protocols: of CitrixAuth: what is called first, and how to log on, best first.
    """

    grant_type: GrantType
    client_id: str
    server_name: str
    credentials_name: str | None
    client_authentication: ClientAuthentication
    secret_name: str
    scopes: tuple[str, ...] = ()
    resource: str | None = None
    customer_id: str | None = None
    customer: Customer | None = None
    at_percent: int = 60
    suspend: bool = False
    redirect_uri: str | None = None
    expected_subject: str | None = None
    store_path: str = ""
    protocols: tuple[LogonProtocol, ...] = ()

    @property
    def needs_password(self) -> bool:
        """Whether the credentials Secret must hold user name and password."""
        return any(not one.needs_certificate for one in self.protocols)

    @property
    def needs_certificate(self) -> bool:
        """Whether it must hold a private key and its certificate."""
        return self.client_authentication.needs_certificate or any(one.needs_certificate for one in self.protocols)


def parse_spec(name: str, spec: Mapping[str, object]) -> ClientSpec:
    """Parse the spec of the CitrixClient called `name`.

    Raises:
        FieldError: names every wrong field and its remedy; also fields whose behaviour is not there yet.
    """
    fields = Fields(spec)
    grant_type = fields.enum("grantType", GrantType, GrantType.REFRESH_TOKEN)
    _refuse_unsupported(fields, grant_type)
    credentials = fields.sub("credentialsSecretRef").text("name") or None
    login = fields.sub("login")
    speaks_oauth = grant_type is not GrantType.CITRIX_AUTH
    default = ClientAuthentication.CLIENT_SECRET_POST if credentials and speaks_oauth else ClientAuthentication.NONE
    parsed = ClientSpec(
        grant_type=grant_type,
        client_id=fields.text("clientID") or "",
        server_name=fields.sub("authorizationServerRef").text("name") or DEFAULT_SERVER,
        credentials_name=credentials,
        client_authentication=fields.enum("clientAuthentication", ClientAuthentication, default),
        secret_name=fields.sub("secret").text("name") or f"{name}-token",
        scopes=fields.texts("scopes"),
        resource=fields.text("resource"),
        customer_id=fields.sub("citrix").text("customerID"),
        customer=_customer(fields.sub("citrix"), grant_type),
        at_percent=fields.sub("refresh").number("atPercent", 60),
        suspend=fields.flag("suspend"),
        redirect_uri=login.text("redirectURI"),
        expected_subject=login.text("expectedSubject"),
        **_storefront(fields, grant_type),
    )
    _check(parsed, fields)
    try:
        parse_template(spec)  # part of the Secret's target, not of what a token is made from: only refused here
    except FieldError as error:
        fields.note_all(error)
    fields.check()
    return parsed


def _refuse_unsupported(fields: Fields, grant_type: GrantType) -> None:
    """Refuse what a later version does: a field is never ignored."""
    unsupported = {
        "deletionPolicy": fields.text("deletionPolicy") == "Revoke" and grant_type is GrantType.CLIENT_CREDENTIALS,
    }
    for key, present in unsupported.items():
        if present:
            fields.note(fields.path(key), "asks for something that is not supported yet", "remove or change it")


def _customer(citrix: Fields, grant_type: GrantType) -> Customer | None:
    """Read which discovery document to use: both fields, or none of them."""
    values = {key: citrix.text(key) for key in _CUSTOMER}
    if not any(values.values()):
        return None
    for key, (form, flaw, remedy) in _CUSTOMER.items():
        value = values[key]
        if grant_type is not GrantType.REFRESH_TOKEN:
            citrix.note(citrix.path(key), f"is not used by grantType {grant_type}", "remove it")
        elif value is None:
            citrix.note(citrix.path(key), "is missing", "set customerDomain and applicationID, or neither of them")
        elif not form.fullmatch(value):
            citrix.note(citrix.path(key), flaw, remedy)
    return Customer(values["customerDomain"] or "", values["applicationID"] or "")


def _storefront(fields: Fields, grant_type: GrantType) -> dict[str, Any]:
    """Return what is said of the store; a place in a path, never another host."""
    if grant_type is not GrantType.CITRIX_AUTH:
        if fields.has("storefront"):
            fields.note("spec.storefront", f"is not used by grantType {grant_type}", "remove it")
        return {}
    store = fields.sub("storefront")
    path, named = store.text("storePath") or "", store.texts("protocols") or DEFAULT_PROTOCOLS
    if not _STORE_PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        fields.note(
            "spec.storefront.storePath", "is not the path of a store", "write it like /Citrix/Store/resources/v2"
        )
    if not set(named) <= set(LogonProtocol):
        fields.note("spec.storefront.protocols", "holds an unknown protocol", f"use {' or '.join(LogonProtocol)}")
        named = DEFAULT_PROTOCOLS
    return {"store_path": path, "protocols": tuple(map(LogonProtocol, named))}


def _check(spec: ClientSpec, fields: Fields) -> None:
    if spec.grant_type is GrantType.CITRIX_AUTH:
        if spec.credentials_name is None:
            remedy = "name the Secret that holds username and password, or tls.crt and tls.key"
            fields.note("spec.credentialsSecretRef", "is missing", remedy)
        return
    if not _VISIBLE_ASCII.fullmatch(spec.client_id):
        fields.note("spec.clientID", "is not visible ASCII", "copy the id from the server's client registration")
    if spec.customer_id and not CUSTOMER_ID.fullmatch(spec.customer_id):
        fields.note("spec.citrix.customerID", "is not a customer id", "use letters, digits, - and _ only")
    public = spec.client_authentication is ClientAuthentication.NONE
    if spec.grant_type is GrantType.CLIENT_CREDENTIALS and public:
        fields.note("spec.clientAuthentication", "None cannot be used with ClientCredentials", "use ClientSecretPost")
    if spec.credentials_name is None and not public:
        fields.note("spec.credentialsSecretRef", "is missing", "name the Secret that holds client_secret")
