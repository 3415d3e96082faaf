"""What a customer's discovery document says of a sign-in; it leads to the metadata of the authorization server.

Source: "Getting Started" and the samples of the Unified Workspace API. No byte of a credential goes there: the header
carries the application id, which is public. What answers an id that is not known yet is documented nowhere, so any 4xx
is taken for that, for as long as a new id may need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import allowed_origin, host_flaw
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Server
from citrix_oauth_operator.domain.spec import Customer

from .documents import HOSTS, DocumentTransport
from .lookups import MOST
from .raw import RawAnswer
from .strict_json import parse_object

PATIENCE_SECONDS = 300.0  # with a new application id
_PATH = "/citrixapi/discovery/configurations"
_METADATA = "/.well-known/openid-configuration"
_OFFLINE = "offline_access"  # never in the document: it is asked for besides
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")  # RFC 6749 section 3.3
_ACR_VALUES = re.compile(r"[\x20-\x7e]{0,1024}")
_MOST_SCOPES = 64


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a customer's document wants of a sign-in.

    Attributes:
        issuer: whose metadata document it names.
        prompt: "Login" where the customer's people are always to be asked; else empty.
    """

    issuer: str
    scopes: tuple[str, ...]
    prompt: str
    acr_values: str

    def server_of(self, server: Server) -> Server:
        """Return the server whose metadata is to be read; its own spelling of its issuer (a slash more) stands."""
        return server if (server.issuer or "").rstrip("/") == self.issuer else replace(server, issuer=self.issuer)


class Documents:
    """Fetches the documents of customers, with patience for those that are new."""

    def __init__(self, transport: DocumentTransport, clock: Callable[[], float]) -> None:
        self._transport, self._clock = transport, clock
        self._refused: dict[tuple[Server, Customer], float] = {}  # since when

    async def look_up(self, key: tuple[Server, Customer]) -> Wishes | Problem:
        """Return what the document says, or why it cannot be had."""
        server, customer = key
        origin = allowed_origin(customer.domain, server.reach)
        if origin is None:
            return _NOT_ALLOWED
        headers = {"Citrix-ApplicationId": customer.application_id}
        answer = await self._transport.get_json(origin + _PATH, headers, server.reach)
        if isinstance(answer, NotSent):
            return answer.problem
        if isinstance(answer, Uncertain):
            return _failed("could not be read", answer.problem.http_status)
        if 400 <= answer.status < 500 and answer.status not in {408, 429}:  # noqa: PLR2004
            return self._not_known(key, answer.status)
        self._refused.pop(key, None)
        return _wishes(answer, server)

    def _not_known(self, key: tuple[Server, Customer], status: int) -> Problem:
        now = self._clock()
        since = self._refused.setdefault(key, now)
        while len(self._refused) > MOST:
            self._refused.pop(next(iter(self._refused)))
        told = _NEW if now - since < PATIENCE_SECONDS else _UNKNOWN
        return replace(told, http_status=status)


def _wishes(answer: RawAnswer, server: Server) -> Wishes | Problem:
    document = parse_object(answer.body) if answer.status == 200 else None  # noqa: PLR2004
    if document is None:
        return _failed("is not there, or is not JSON", answer.status)
    settings = _object(document.members, "clientSettings")
    url = _object(settings, "oidcConfiguration").get("oidc_discovery_endpoint")
    if not isinstance(url, str) or not url.endswith(_METADATA):
        return _failed("names no metadata document (oidc_discovery_endpoint)")
    if flaw := host_flaw(url, server.issuer or "", server.reach):
        return _failed(f"names a metadata document that {flaw}", remedy=HOSTS)
    scopes, acr_values = document.members.get("authScopes") or [], settings.get("acr_values") or ""
    if not isinstance(scopes, list) or len(scopes) > _MOST_SCOPES or not all(_is(_SCOPE, scope) for scope in scopes):
        return _failed("holds authScopes that are no list of scopes")
    if not isinstance(acr_values, str) or not _ACR_VALUES.fullmatch(acr_values):
        return _failed("holds acr_values that cannot be sent")
    return Wishes(
        issuer=url.removesuffix(_METADATA),
        scopes=tuple(dict.fromkeys([*scopes, _OFFLINE])) if scopes else (),
        prompt="Login" if settings.get("promptLoginEnabled") is True else "",
        acr_values=acr_values,
    )


def _object(members: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = members.get(name)
    return found if isinstance(found, dict) else {}


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _failed(flaw: str, status: int | None = None, remedy: str = "") -> Problem:
    return Problem(
        Reason.DISCOVERY_FAILED,
        f"the discovery document of the customer (spec.citrix.customerDomain) {flaw}",
        remedy or "check spec.citrix.customerDomain, or remove it with applicationID: then the server's own is used",
        http_status=status,
    )


_NEW = Problem(
    Reason.DISCOVERY_FAILED,
    "the customer's discovery document (spec.citrix.customerDomain) is refused for spec.citrix.applicationID; a new"
    " application id can take 5 minutes to be accepted",
    "wait some minutes; if that does not help, compare both fields with the client's registration",
)

_UNKNOWN = Problem(
    Reason.SPEC_INVALID,
    "The customer's discovery document is refused for spec.citrix.applicationID, for more than 5 minutes now.",
    "Compare spec.citrix.customerDomain and applicationID with the client's registration (Identity and Access"
    " Management > API Access > Workspace API); the application id is another value than the client id.",
)

_NOT_ALLOWED = Problem(
    Reason.SPEC_INVALID,
    "The host in spec.citrix.customerDomain is not one that the AuthorizationServer allows.",
    "Correct spec.citrix.customerDomain; if it is the customer's own domain, an admin adds it to spec.allowedHosts of"
    " the AuthorizationServer.",
)
