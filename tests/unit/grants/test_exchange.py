"""One token request as each grant makes it, and what is read from what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from citrix_oauth_operator.domain.answers import Granted, NotSent, Refused, Uncertain
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientAuthentication, ClientSpec, GrantType
from citrix_oauth_operator.grants import client_credentials, refresh_token
from citrix_oauth_operator.grants.exchange import Client, read
from citrix_oauth_operator.servers import BUILT_IN
from citrix_oauth_operator.wire.raw import RawAnswer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SPEC = ClientSpec(
    grant_type=GrantType.REFRESH_TOKEN,
    client_id="id==",
    server_name="s",
    credentials_name="c",
    client_authentication=ClientAuthentication.CLIENT_SECRET_POST,
    secret_name="t",
    scopes=("openid", "wsp"),
    resource="urn:example:api",
    customer_id="acmecust01",
)
CLIENT = Client(SPEC, SecretText("CANARY-secret"))
CLOUD, API = BUILT_IN["citrix-cloud"], BUILT_IN["citrix-cloud-api"]
OIDC = Server("s", ServerType.OIDC, "https://login.example.com")
ENDPOINTS = Endpoints(token="https://login.example.com/token")
RT = SecretText("CANARY-rt")
OK = RawAnswer(200, {}, b'{"access_token": "CANARY-at", "expires_in": "60"}')


@dataclass
class Recorder:
    """A transport that remembers one request and answers what it was told."""

    answer: RawAnswer | NotSent | Uncertain = OK
    url: str = ""
    form: dict[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    async def post_form(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        reach: Reach,
        *,
        on_sending: Callable[[], None] | None = None,
    ) -> RawAnswer | NotSent | Uncertain:
        """Answer."""
        assert isinstance(reach, Reach)
        assert not self.url, "one request a grant"
        self.url, self.form, self.headers = url, parse_qs(body.decode()), headers
        if on_sending and not isinstance(self.answer, NotSent):
            on_sending()
        return self.answer


ECHO = {"citrix-error-source": "CANARY-rt", "citrix-transactionid": "CANARY-secret", "retry-after": "7"}


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_what_a_server_repeats_of_the_request_shows_nowhere(status: int) -> None:
    """Codes and ids of an answer reach status: a hostile or careless server may put the request there."""
    body = b'{"error": "CANARY-rt CANARY-secret"}' if status != 200 else b'{"error": "x"}'
    transport = Recorder(RawAnswer(status, ECHO, body))
    answer = read(await refresh(transport), OIDC, NOW)
    assert isinstance(answer, Refused | Uncertain)
    assert "CANARY" not in repr(answer)


async def test_a_server_that_keeps_the_refresh_token_may_repeat_it() -> None:
    """In the tokens of a 200 it is no echo."""
    body = b'{"access_token": "CANARY-at", "refresh_token": "CANARY-rt"}'
    answer = read(await refresh(Recorder(RawAnswer(200, {}, body))), OIDC, NOW)
    assert isinstance(answer, Granted)
    assert answer.refresh_token == RT


async def refresh(
    transport: Recorder, client: Client = CLIENT, server: Server = OIDC, endpoints: Endpoints = ENDPOINTS
) -> RawAnswer | NotSent | Uncertain:
    """Refresh at NOW."""
    return await refresh_token.refresh(transport, client, server, endpoints, RT, lambda: NOW)


async def test_a_refresh_sends_neither_scope_nor_resource() -> None:
    """A real server answers an unwished resource with an error after it has spent the refresh token."""
    transport = Recorder()
    await refresh(transport)
    assert transport.url == ENDPOINTS.token
    assert transport.form == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["CANARY-rt"],
        "client_id": ["id=="],
        "client_secret": ["CANARY-secret"],
    }


async def test_client_credentials_send_scope_and_resource() -> None:
    """As the spec names them."""
    transport = Recorder()
    await client_credentials.obtain(transport, CLIENT, OIDC, ENDPOINTS, lambda: NOW)
    assert transport.form == {
        "grant_type": ["client_credentials"],
        "scope": ["openid wsp"],
        "resource": ["urn:example:api"],
        "client_id": ["id=="],
        "client_secret": ["CANARY-secret"],
    }


async def test_client_credentials_without_scope_and_resource_send_neither() -> None:
    """An empty field is not the same as none."""
    transport = Recorder()
    client = replace(CLIENT, spec=replace(SPEC, scopes=(), resource=None))
    await client_credentials.obtain(transport, client, OIDC, ENDPOINTS, lambda: NOW)
    assert set(transport.form) == {"grant_type", "client_id", "client_secret"}


async def test_the_customer_goes_into_the_path() -> None:
    """Citrix Cloud's API has a token endpoint a customer."""
    transport = Recorder()
    await client_credentials.obtain(transport, CLIENT, API, API.endpoints, lambda: NOW)
    assert transport.url == "https://api.cloud.com/cctrustoauth2/acmecust01/tokens/clients"


@pytest.mark.parametrize("customer", [None, "", "..", "a/b", "a?b", "a%2Fb", "x\n", "a" * 65])
async def test_a_customer_that_would_change_the_path_is_not_sent(customer: str | None) -> None:
    """A tenant writes it; where credentials go is not for tenants to say."""
    transport = Recorder()
    answer = await refresh(transport, replace(CLIENT, spec=replace(SPEC, customer_id=customer)), API, API.endpoints)
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.SPEC_INVALID
    assert not transport.url


async def test_a_client_without_its_secret_is_not_sent() -> None:
    """The remedy names the Secret's field."""
    transport = Recorder()
    answer = await refresh(transport, replace(CLIENT, client_secret=None))
    assert isinstance(answer, NotSent)
    assert answer.problem.reason is Reason.CREDENTIALS_INVALID
    assert not transport.url


@pytest.mark.parametrize("server", [CLOUD, API])
async def test_citrix_gets_a_fresh_transaction_id_that_a_failure_shows(server: Server) -> None:
    """Its support asks for it."""
    transports = [Recorder(RawAnswer(400, {}, b'{"error": "invalid_client"}')) for _ in range(2)]
    answers = [read(await refresh(transport, server=server), server, NOW) for transport in transports]
    sent = [transport.headers["Citrix-TransactionId"] for transport in transports]
    assert [UUID(transaction_id).version for transaction_id in sent] == [4, 4]
    assert len(set(sent)) == 2
    assert [answer.problem.transaction_id for answer in answers if isinstance(answer, Refused)] == sent


async def test_an_uncertain_outcome_carries_it_too() -> None:
    """The request may have arrived."""
    transport = Recorder(Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "x")))
    answer = await refresh(transport, server=CLOUD)
    assert isinstance(answer, Uncertain)
    assert answer.problem.transaction_id == transport.headers["Citrix-TransactionId"]


async def test_other_servers_get_no_such_header() -> None:
    """Some refuse what they do not know."""
    transport = Recorder()
    answer = await refresh(transport)
    assert set(transport.headers) == {"Content-Type", "Accept"}
    assert isinstance(answer, RawAnswer)
    assert answer.transaction_id is None


async def test_the_answer_says_when_the_request_was_sent() -> None:
    """Lifetimes count from there, so that no expiry is ever late."""
    answer = await refresh(Recorder())
    assert isinstance(answer, RawAnswer)
    assert answer.sent_at == NOW


async def test_what_never_left_stays_as_it_is() -> None:
    """A failure before the first byte is passed on."""
    problem = NotSent(Problem(Reason.SERVER_UNREACHABLE, "x"))
    assert await refresh(Recorder(problem), server=CLOUD) == problem
    assert read(problem, CLOUD, NOW) == problem


def test_reading_uses_the_servers_default_life_and_its_catalogue() -> None:
    """What differs between servers is data."""
    silent = RawAnswer(200, {}, b'{"access_token": "CANARY-at"}')
    assert read(silent, API, NOW) == Granted(SecretText("CANARY-at"), timedelta(hours=1))
    refused = read(RawAnswer(400, {}, b'{"error": "invalid_client"}'), CLOUD, NOW)
    assert isinstance(refused, Refused)
    assert "Workspace API" in refused.problem.remedy
