"""An authorization server as the platform's admin describes it (kind AuthorizationServer)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urljoin

from .durations import parse_duration
from .fields import FieldError, Fields
from .kinds import Kind, Layout, LifetimeModel, ServerType
from .reach import Network, Reach, url_flaw
from .selector import LabelSelector


@dataclass(frozen=True, slots=True)
class Endpoints:
    """URLs of one server (RFC 8414 section 2); empty where not known.

    Attributes:
        token: of a StoreFront its base URL, which challenges say the rest about.
        keys: of the JWK Set that its id_tokens are signed with.
        issuer: whom its id_tokens name.
        names_issuer: whether every answer of the authorization endpoint names the issuer (RFC 9207 section 3).
        scopes, prompt, acr_values: what the customer's discovery document wants of a sign-in; empty: it says nothing.
        mtls_token: for clients that prove themselves by a certificate (RFC 8705 section 5); empty: `token`, too.
    """

    token: str = ""
    authorization: str = ""
    revocation: str = ""
    keys: str = ""
    issuer: str = ""
    names_issuer: bool = False
    scopes: tuple[str, ...] = ()
    prompt: str = ""
    acr_values: str = ""
    mtls_token: str = ""

    def of_customer(self, customer_id: str) -> Endpoints:
        """Fill `{customerID}` in the paths."""
        token, authorization, revocation = (url.replace("{customerID}", customer_id) for url in self._urls())
        return replace(self, token=token, authorization=authorization, revocation=revocation)

    def needs_customer(self) -> bool:
        """Whether a URL holds the `{customerID}` placeholder."""
        return any("{customerID}" in url for url in self._urls())

    def _urls(self) -> tuple[str, str, str]:
        return self.token, self.authorization, self.revocation


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """What the server may be asked: in flight, requests a second, and seconds between two requests of one grant."""

    concurrency: int = 8
    per_second: int = 20
    burst: int = 100
    min_interval: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class AllowedNamespaces:
    """Which namespaces may name the server in a CitrixClient."""

    names: frozenset[str] | None = None
    selector: LabelSelector | None = None

    def needs_labels(self) -> bool:
        """Whether the answer depends on the namespace's labels."""
        return self.selector is not None

    def allow(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether clients in `namespace`, which carries `labels`, may use the server."""
        if self.names is not None:
            return namespace in self.names
        return self.selector is None or self.selector.matches(labels)


@dataclass(frozen=True, slots=True)
class Server:
    """One authorization server, parsed and checked; a built-in one has no object that somebody could correct.

    Attributes:
        reusable, issues_refresh_tokens: as its type's `Lifetimes` say.
    """

    name: str
    type: ServerType
    issuer: str | None = None
    endpoints: Endpoints = Endpoints()
    reach: Reach = field(default_factory=Reach)
    allowed_namespaces: AllowedNamespaces = AllowedNamespaces()
    requests: RequestBudget = RequestBudget()
    access_token_lifetime: timedelta = timedelta(minutes=30)
    refresh_token_lifetime: timedelta | None = None
    lifetime_model: LifetimeModel = LifetimeModel.UNKNOWN
    reuse_grace: timedelta = timedelta(0)
    reusable: bool = False
    issues_refresh_tokens: bool = True
    built_in: bool = False

    @property
    def identity(self) -> str:
        """What a grant is bound to: the issuer, or the token endpoint given by hand."""
        return self.issuer or self.endpoints.token


def parse_server(
    name: str, spec: Mapping[str, object], kind_of: Callable[[ServerType], Kind] = lambda _type: Kind()
) -> Server:
    """Parse the spec of an AuthorizationServer.

    Args:
        kind_of: what is known of a type, where the spec does not say.

    Raises:
        FieldError: names every wrong field and its remedy.
    """
    fields = Fields(spec)
    server_type = fields.enum("type", ServerType, ServerType.OIDC, required=True)
    kind = kind_of(server_type)
    lifetimes = kind.lifetimes
    requests, tokens = fields.sub("requests"), fields.sub("refreshToken")
    issuer = _issuer(fields, kind.layout)
    server = Server(
        name=name,
        type=server_type,
        issuer=issuer,
        endpoints=_endpoints(fields.sub("endpoints"), issuer or "", kind.layout),
        reach=_reach(fields),
        allowed_namespaces=_allowed_namespaces(fields.sub("allowedNamespaces")),
        requests=RequestBudget(
            concurrency=requests.number("concurrency", 8),
            per_second=requests.number("perSecond", 20),
            burst=requests.number("burst", 100),
            min_interval=_duration(requests, "minInterval", "60s") or timedelta(0),
        ),
        access_token_lifetime=_duration(fields, "accessTokenLifetime") or lifetimes.access_token,
        refresh_token_lifetime=_duration(tokens, "lifetime") or lifetimes.refresh_token,
        lifetime_model=tokens.enum("lifetimeModel", LifetimeModel, lifetimes.model),
        reuse_grace=_duration(tokens, "reuseGrace") or timedelta(0),
        reusable=lifetimes.reusable,
        issues_refresh_tokens=lifetimes.issued,
    )
    if server_type is ServerType.STOREFRONT:
        server = replace(server, endpoints=Endpoints(token=fields.sub("storefront").text("baseURL") or ""))
    _check_urls(server, fields)
    fields.check()
    return server


def _issuer(fields: Fields, layout: Layout) -> str | None:
    issuer = fields.text("issuer") or None
    if issuer and layout.issuer and not layout.issuer.fullmatch(issuer):
        fields.note("spec.issuer", "is not an issuer of this type", f"write it like {layout.example}")
        return None
    return issuer


def _endpoints(fields: Fields, issuer: str, layout: Layout) -> Endpoints:
    """Return what is given by hand over what the type's layout says of the issuer."""
    found = {field: urljoin(f"{issuer}/", path) for field, path in layout.paths.items()} if issuer else {}
    for name in ("token", "authorization", "revocation"):
        found[name] = fields.text(name) or found.get(name, "")
    return Endpoints(
        token=found["token"],
        authorization=found["authorization"],
        revocation=found["revocation"],
        keys=found.get("keys", ""),
        issuer=issuer if layout.paths else "",
    )


def _reach(fields: Fields) -> Reach:
    return Reach(_ca_bundle(fields), _addresses(fields), fields.texts("allowedHosts"))


def _ca_bundle(fields: Fields) -> str | None:
    encoded = fields.text("caBundle")
    if not encoded:
        return None
    try:
        pem = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        pem = ""
    if "-----BEGIN CERTIFICATE-----" not in pem:
        fields.note("spec.caBundle", "is not base64 of PEM certificates", "put `base64 -w0 < ca.pem` there")
    return pem


def _addresses(fields: Fields) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in fields.texts("allowedAddresses"))
    except ValueError:
        fields.note("spec.allowedAddresses", "holds something that is no CIDR", "write 10.0.0.0/8")
        return ()


def _allowed_namespaces(fields: Fields) -> AllowedNamespaces:
    match fields.text("from") or "All":
        case "Names":
            return AllowedNamespaces(names=frozenset(fields.texts("names")))
        case "Selector":
            return AllowedNamespaces(selector=_selector(fields))
        case _:
            return AllowedNamespaces()


def _selector(fields: Fields) -> LabelSelector | None:
    try:
        return LabelSelector.parse(fields.mapping("selector"))
    except FieldError as error:
        fields.note_all(error)
        return None


def _duration(fields: Fields, key: str, default: str = "") -> timedelta | None:
    text = fields.text(key) or default
    try:
        return parse_duration(text) if text else None
    except ValueError:
        fields.note(fields.path(key), "is not a duration", "write it like 24h, 30m or 60s")
        return None


def _check_urls(server: Server, fields: Fields) -> None:
    if not server.identity:
        fields.note("spec", "has neither issuer nor endpoints.token", "set spec.issuer or spec.endpoints.token")
    token = "spec.storefront.baseURL" if server.type is ServerType.STOREFRONT else "spec.endpoints.token"
    named = {
        "spec.issuer": server.issuer or "",
        token: server.endpoints.token,
        "spec.endpoints.authorization": server.endpoints.authorization,
        "spec.endpoints.revocation": server.endpoints.revocation,
    }
    for path, url in named.items():
        if url and (flaw := url_flaw(url, server.reach)):
            fields.note(path, flaw, "use an https URL without user info and fragment")
