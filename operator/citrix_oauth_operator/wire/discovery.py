"""Where a server's endpoints are: by hand, or from its metadata document (OpenID Connect Discovery, RFC 8414)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from authlib.oauth2.rfc8414 import get_well_known_url

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import host_flaw
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import Customer

from .customer import Documents
from .documents import HOSTS, DocumentTransport
from .lookups import Lookups
from .raw import RawAnswer
from .strict_json import parse_object

_FIELDS = {
    "token": "token_endpoint",
    "authorization": "authorization_endpoint",
    "revocation": "revocation_endpoint",
    "keys": "jwks_uri",
}


class Discovery:
    """Finds endpoints and remembers them: an hour, failures for 5 to 60 s; an edited server is another server.

    A customer's document, once read, is good until a newer one is: while it cannot be had, nothing is lost.
    """

    def __init__(self, transport: DocumentTransport, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._servers = Lookups(self._look_up, clock)
        self._customers = Lookups(Documents(transport, clock).look_up, clock, stale_is_good=True)

    async def endpoints(self, server: Server, customer: Customer | None = None) -> Endpoints | Problem:
        """Return the endpoints of `server`, by way of a customer's document where there is one.

        One fetch serves all who ask meanwhile, whoever of them gives up.
        """
        if customer is None:
            return await self._endpoints(server)
        wanted = await self._customers.get((server, customer))
        if isinstance(wanted, Problem):
            return wanted
        found = await self._endpoints(wanted.server_of(server))
        if isinstance(found, Problem):
            return found
        return replace(found, scopes=wanted.scopes, prompt=wanted.prompt, acr_values=wanted.acr_values)

    async def aclose(self) -> None:
        """Give up what is being fetched."""
        await self._customers.aclose()
        await self._servers.aclose()

    async def _endpoints(self, server: Server) -> Endpoints | Problem:
        by_hand = server.endpoints.token or server.issuer is None
        return server.endpoints if by_hand else await self._servers.get(server)

    async def _look_up(self, server: Server) -> Endpoints | Problem:
        issuer = server.issuer or ""
        answer = await self._transport.get_json(
            issuer.rstrip("/") + "/.well-known/openid-configuration", {}, server.reach
        )
        if isinstance(answer, RawAnswer) and answer.status == 404:  # noqa: PLR2004
            url: str = get_well_known_url(issuer.rstrip("/"), external=True)
            answer = await self._transport.get_json(url, {}, server.reach)
        if isinstance(answer, NotSent):
            return answer.problem
        if isinstance(answer, Uncertain):
            return _failed("could not be read", answer.problem.http_status)
        return _endpoints(answer, server)


def _endpoints(answer: RawAnswer, server: Server) -> Endpoints | Problem:
    document = parse_object(answer.body) if answer.status == 200 else None  # noqa: PLR2004
    if document is None:
        return _failed("is not there, or is not JSON", answer.status)
    if document.members.get("issuer") != server.issuer:
        return _failed("names another issuer", remedy="write spec.issuer exactly as the server does, slash or none")
    found: dict[str, str] = {}
    for field, name in _FIELDS.items():
        url = getattr(server.endpoints, field) or document.members.get(name) or ""
        if not isinstance(url, str):
            return _failed(f"holds a {name} that is not a URL")
        flaw = host_flaw(url, server.issuer or "", server.reach) if url else None
        if flaw and field == "keys":
            url = ""  # only a sign-in needs them
        elif flaw:
            return _failed(f"holds a {name} that {flaw}", remedy=HOSTS)
        found[field] = url
    if not found["token"]:
        return _failed("holds no token_endpoint", remedy="set spec.endpoints.token of the AuthorizationServer")
    names_issuer = document.members.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(
        token=found["token"],
        authorization=found["authorization"],
        revocation=found["revocation"],
        keys=found["keys"],
        issuer=server.issuer or "",
        names_issuer=names_issuer,
        mtls_token=_mtls_token(document.members, server),
    )


def _mtls_token(members: Mapping[str, object], server: Server) -> str:
    """Return the alias for clients with a certificate (RFC 8705 section 5), where it may be called."""
    aliases = members.get("mtls_endpoint_aliases")
    url = aliases.get("token_endpoint") if isinstance(aliases, Mapping) else None
    usable = isinstance(url, str) and host_flaw(url, server.issuer or "", server.reach) is None
    return url if usable and isinstance(url, str) else ""


def _failed(flaw: str, status: int | None = None, remedy: str = "") -> Problem:
    return Problem(
        Reason.DISCOVERY_FAILED,
        f"the metadata document of the authorization server {flaw}",
        remedy or "check spec.issuer of the AuthorizationServer, or set spec.endpoints.token",
        http_status=status,
    )
