"""What every grant shares: who asks, one request, and reading what came back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from citrix_oauth_operator.domain.answers import Answer, NotSent, Uncertain
from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import CUSTOMER_ID, ClientSpec
from citrix_oauth_operator.servers import profile
from citrix_oauth_operator.wire.client_auth import Authentication
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import Addressed, read_answer, token_request


class TokenTransport(Protocol):
    """What carries one token request."""

    async def post_form(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        reach: Reach,
        *,
        on_sending: Callable[[], None] | None = None,
    ) -> RawAnswer | NotSent | Uncertain:
        """Send once; `on_sending` is called right before the first byte."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client as it presents itself to a server."""

    spec: ClientSpec
    client_secret: SecretText | None = None
    key: ClientKey | None = None

    @classmethod
    def of(cls, inputs: Inputs) -> Client:
        """Return the client that the inputs describe."""
        return cls(inputs.spec, inputs.client_secret, inputs.key)

    @property
    def authentication(self) -> Authentication:
        """How it proves itself."""
        return Authentication(self.spec.client_authentication, self.spec.client_id, self.client_secret, self.key)


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything about a request but the grant itself."""

    transport: TokenTransport
    client: Client
    server: Server
    endpoints: Endpoints
    now: Callable[[], datetime]
    secrets: tuple[SecretText, ...] = ()  # of the grant


async def ask(asking: Asking, grant_type: str, parameters: Mapping[str, str]) -> RawAnswer | NotSent | Uncertain:
    """Send one token request; the answer carries when it was sent and the vendor's transaction id."""
    client, server = asking.client, asking.server
    problem = _unready(client, asking.endpoints)
    if problem is not None:
        return NotSent(problem)
    endpoints, proof = asking.endpoints.of_customer(client.spec.customer_id or ""), client.authentication
    url = (proof.identity and endpoints.mtls_token) or endpoints.token
    request = token_request(url, grant_type, parameters, proof, Addressed(endpoints.token, asking.now()))
    kind, transaction_id = profile(server.type), str(uuid.uuid4())
    header = kind.transaction_header
    headers = {**request.headers, **kind.headers, **({header: transaction_id} if header else {})}
    sent: list[datetime] = []
    answer = await asking.transport.post_form(
        request.url,
        request.body,
        headers,
        replace(server.reach, identity=proof.identity),
        on_sending=lambda: sent.append(asking.now()),
    )
    if isinstance(answer, RawAnswer):
        answer = replace(answer, secrets=(*asking.secrets, *filter(None, [client.client_secret])))
    return _marked(answer, sent[0] if sent else None, transaction_id if header else None)


def read(answer: RawAnswer | NotSent | Uncertain, server: Server, now: datetime) -> Answer:
    """Say what came back means; never raises."""
    if not isinstance(answer, RawAnswer):
        return answer
    return read_answer(
        answer, default_lifetime=server.access_token_lifetime, catalogue=profile(server.type).catalogue, now=now
    )


def _marked(
    answer: RawAnswer | NotSent | Uncertain, sent_at: datetime | None, transaction_id: str | None
) -> RawAnswer | NotSent | Uncertain:
    match answer:
        case RawAnswer():
            return replace(answer, sent_at=sent_at, transaction_id=transaction_id)
        case Uncertain():
            return Uncertain(replace(answer.problem, transaction_id=transaction_id))
        case _:
            return answer


def _unready(client: Client, endpoints: Endpoints) -> Problem | None:
    if not client.authentication.supported:
        return Problem(
            Reason.CREDENTIALS_INVALID,
            "the client has nothing to prove itself with",
            "put what spec.clientAuthentication needs into the Secret that spec.credentialsSecretRef names",
        )
    if endpoints.needs_customer() and not CUSTOMER_ID.fullmatch(client.spec.customer_id or ""):
        return Problem(
            Reason.SPEC_INVALID,
            "spec.citrix.customerID is missing or malformed, and the server's URL needs it",
            "copy the customer ID from the Citrix Cloud console",
        )
    return None
