"""Where endpoints come from, and which of them are believed."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach, host_matches
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.raw import RawAnswer

ISSUER = "https://login.example.com/core"
SERVER = Server("s", ServerType.OIDC, ISSUER, reach=Reach(allowed_hosts=("*.cloud.com",)))
TOKEN = ISSUER + "/connect/token"
GOOD = {"issuer": ISSUER, "token_endpoint": TOKEN}
UNREACHABLE = Problem(Reason.SERVER_UNREACHABLE, "no")


class Documents:
    """Serves documents by URL and counts; holds answers back while `open` is clear."""

    def __init__(self, **documents: object) -> None:
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.answer: RawAnswer | NotSent | Uncertain = RawAnswer(404, {}, b"")
        self._documents = documents

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Serve."""
        assert (headers, reach) == ({}, SERVER.reach)
        self.asked.append(url)
        await self.open.wait()
        name = "oidc" if url.endswith("openid-configuration") else "oauth"
        return found(self._documents[name]) if name in self._documents else self.answer


def found(document: object) -> RawAnswer:
    """Answer 200."""
    return RawAnswer(200, {}, json.dumps(document).encode())


class Clock:
    """A monotonic clock that moves when told."""

    now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


async def look_up(document: object, server: Server = SERVER) -> Endpoints | Problem:
    """Discover once."""
    return await Discovery(Documents(oidc=document)).endpoints(server)


async def test_the_openid_document_is_asked_for_first() -> None:
    """By the address that the standard makes of the issuer."""
    documents = Documents(oidc={**GOOD, "authorization_endpoint": ISSUER + "/authorize"})
    endpoints = await Discovery(documents).endpoints(SERVER)
    assert endpoints == Endpoints(token=TOKEN, authorization=ISSUER + "/authorize", issuer=ISSUER)
    assert documents.asked == [ISSUER + "/.well-known/openid-configuration"]


async def test_a_server_without_it_is_asked_for_the_oauth_document() -> None:
    """RFC 8414 puts the path behind the well-known part."""
    documents = Documents(oauth=GOOD)
    assert await Discovery(documents).endpoints(SERVER) == Endpoints(token=TOKEN, issuer=ISSUER)
    assert documents.asked[1] == "https://login.example.com/.well-known/oauth-authorization-server/core"


async def test_an_issuer_with_a_slash_keeps_it_in_the_comparison_only() -> None:
    """One slash in the address, byte for byte in the comparison."""
    server = replace(SERVER, issuer=ISSUER + "/")
    documents = Documents(oidc={**GOOD, "issuer": ISSUER + "/"})
    assert isinstance(await Discovery(documents).endpoints(server), Endpoints)
    assert documents.asked == [ISSUER + "/.well-known/openid-configuration"]


async def test_a_token_endpoint_by_hand_needs_no_document() -> None:
    """Also where there is an issuer."""
    documents = Documents()
    by_hand = Endpoints(token="https://api.example.com/{customerID}/token")
    assert await Discovery(documents).endpoints(replace(SERVER, endpoints=by_hand)) == by_hand
    assert not documents.asked


async def test_other_endpoints_by_hand_win_over_the_document() -> None:
    """The admin's word stands against the server's."""
    server = replace(SERVER, endpoints=Endpoints(revocation="https://login.example.com/mine"))
    document = {**GOOD, "revocation_endpoint": "https://login.example.com/theirs"}
    assert await look_up(document, server) == Endpoints(
        token=TOKEN, revocation="https://login.example.com/mine", issuer=ISSUER
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({**GOOD, "issuer": ISSUER + "/"}, "another issuer", id="an issuer with a slash more"),
        pytest.param({"token_endpoint": TOKEN}, "another issuer", id="no issuer"),
        pytest.param({"issuer": ISSUER}, "no token_endpoint", id="no token endpoint"),
        pytest.param({**GOOD, "token_endpoint": None}, "no token_endpoint", id="null for the token endpoint"),
        pytest.param({**GOOD, "token_endpoint": 7}, "token_endpoint that is not a URL", id="a number for a URL"),
        pytest.param(
            {**GOOD, "token_endpoint": "http://login.example.com/t"},
            "token_endpoint that is not https",
            id="plain http",
        ),
        pytest.param(
            {**GOOD, "token_endpoint": "http://169.254.169.254/t"}, "token_endpoint that is not https", id="metadata"
        ),
        pytest.param(
            {**GOOD, "token_endpoint": "https://evil.example.net/t"}, "token_endpoint that lives", id="a foreign host"
        ),
        pytest.param(
            {**GOOD, "token_endpoint": "https://login.example.com@evil.example.net/"}, "not a plain URL", id="user info"
        ),
        pytest.param(
            {**GOOD, "revocation_endpoint": "https://evil.example.net/r"},
            "revocation_endpoint",
            id="a foreign side door",
        ),
        pytest.param([GOOD], "not JSON", id="an array"),
    ],
)
async def test_documents_that_are_not_believed(document: object, words: str) -> None:
    """The message names the field, the remedy what to do."""
    problem = await look_up(document)
    assert isinstance(problem, Problem)
    assert problem.reason is Reason.DISCOVERY_FAILED
    assert words in problem.message
    assert "spec." in problem.remedy
    assert "evil" not in problem.message


@pytest.mark.parametrize(
    ("host", "pattern", "matches"),
    [
        pytest.param("accounts.cloud.com", "*.cloud.com", True, id="a subdomain"),
        pytest.param("a.b.cloud.com", "*.cloud.com", True, id="a subdomain of a subdomain"),
        pytest.param("ACCOUNTS.cloud.com", "*.Cloud.com", True, id="case does not matter"),
        pytest.param("cloud.com", "*.cloud.com", False, id="not the domain itself"),
        pytest.param("evilcloud.com", "*.cloud.com", False, id="not what only ends alike"),
        pytest.param("cloud.com.evil.net", "*.cloud.com", False, id="not what only begins alike"),
        pytest.param("cloud.com", "cloud.com", True, id="a plain name is itself"),
        pytest.param("a.cloud.com", "cloud.com", False, id="a plain name is only itself"),
    ],
)
def test_host_patterns(host: str, pattern: str, matches: bool) -> None:
    """The pattern is the admin's, the host a document's."""
    assert host_matches(host, pattern) is matches


async def test_an_allowed_host_may_be_named() -> None:
    """As Citrix names hosts of its customers."""
    endpoints = await look_up({**GOOD, "token_endpoint": "https://eu.accounts.cloud.com/t"})
    assert endpoints == Endpoints(token="https://eu.accounts.cloud.com/t", issuer=ISSUER)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(NotSent(UNREACHABLE), Reason.SERVER_UNREACHABLE, id="unreachable stays unreachable"),
        pytest.param(Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "x")), Reason.DISCOVERY_FAILED, id="half an answer"),
        pytest.param(RawAnswer(404, {}, b""), Reason.DISCOVERY_FAILED, id="neither document is there"),
        pytest.param(RawAnswer(302, {"location": TOKEN}, b""), Reason.DISCOVERY_FAILED, id="a redirect"),
        pytest.param(RawAnswer(500, {}, b"{}"), Reason.DISCOVERY_FAILED, id="an error"),
    ],
)
async def test_failures_of_the_fetch(answer: RawAnswer | NotSent | Uncertain, reason: Reason) -> None:
    """Nothing is spent by looking, so all of them pass."""
    documents = Documents()
    documents.answer = answer
    problem = await Discovery(documents).endpoints(SERVER)
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.transient) == (reason, True)


async def test_endpoints_are_kept_for_an_hour() -> None:
    """Not asked at every refresh."""
    documents, clock = Documents(oidc=GOOD), Clock()
    discovery = Discovery(documents, clock)
    await discovery.endpoints(SERVER)
    clock.now += 3599
    await discovery.endpoints(SERVER)
    assert len(documents.asked) == 1
    clock.now += 1
    await discovery.endpoints(SERVER)
    assert len(documents.asked) == 2


async def test_an_edited_server_is_looked_up_anew() -> None:
    """Whatever was edited."""
    documents = Documents(oidc=GOOD)
    discovery = Discovery(documents)
    await discovery.endpoints(SERVER)
    await discovery.endpoints(replace(SERVER, reuse_grace=SERVER.reuse_grace * 2 + SERVER.access_token_lifetime))
    assert len(documents.asked) == 2


async def test_failures_are_kept_for_5_to_60_seconds_growing() -> None:
    """A server that is down is not hammered by every client of it; a success starts over."""
    documents, clock = Documents(), Clock()
    documents.answer = NotSent(UNREACHABLE)
    discovery = Discovery(documents, clock)
    pauses = []
    for _ in range(6):
        await discovery.endpoints(SERVER)
        asked, since = len(documents.asked), clock.now
        while len(documents.asked) == asked:
            clock.now += 1
            await discovery.endpoints(SERVER)
        pauses.append(clock.now - since)
    assert pauses == [5, 10, 20, 40, 60, 60]


async def test_all_who_ask_at_once_share_one_fetch_whoever_gives_up() -> None:
    """The first who asked is cancelled; the others still get the endpoints."""
    documents = Documents(oidc=GOOD)
    documents.open.clear()
    discovery = Discovery(documents)
    first, *others = [asyncio.create_task(discovery.endpoints(SERVER)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    documents.open.set()
    assert await asyncio.gather(*others) == [Endpoints(token=TOKEN, issuer=ISSUER)] * 4
    assert first.cancelled()
    assert len(documents.asked) == 1


async def test_closing_gives_up_what_is_being_fetched() -> None:
    """Nothing is left running at shutdown."""
    documents = Documents(oidc=GOOD)
    documents.open.clear()
    discovery = Discovery(documents)
    asking = asyncio.create_task(discovery.endpoints(SERVER))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await discovery.aclose()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize(("promise", "kept"), [(True, True), (False, False), ("true", False), (None, False)])
async def test_a_server_that_names_itself_in_its_answers_is_known(promise: object, kept: bool) -> None:
    """RFC 9207 section 3: only the boolean counts."""
    endpoints = await look_up({**GOOD, "authorization_response_iss_parameter_supported": promise})
    assert isinstance(endpoints, Endpoints)
    assert endpoints.names_issuer is kept
