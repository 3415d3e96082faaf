"""What a customer's discovery document says of a sign-in, and how much of it is believed."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import Customer
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.raw import RawAnswer

APPLICATION = "0a9b8c7d-1111-4222-8333-444455556666"
ACME = Customer("acme.cloud.com", APPLICATION)
ISSUER = "https://accounts.cloud.com/core"
DOCUMENT = "https://acme.cloud.com/citrixapi/discovery/configurations"
METADATA = ISSUER + "/.well-known/openid-configuration"
SERVER = Server("s", ServerType.CITRIX_CLOUD, ISSUER, reach=Reach(allowed_hosts=("*.cloud.com",)))
GOOD = {
    "services": [{"service": "store", "endpoints": []}],
    "authScopes": ["openid", "wsp", "spa", "leases"],
    "clientSettings": {
        "customerDomain": "acme.cloud.com",
        "promptLoginEnabled": True,
        "acr_values": "idp:acme tenant:1",
        "oidcConfiguration": {"oidc_discovery_endpoint": METADATA},
    },
}
FOUND = Endpoints(token=ISSUER + "/token", authorization=ISSUER + "/authorize", issuer=ISSUER)
WISHES = replace(
    FOUND,
    scopes=("openid", "wsp", "spa", "leases", "offline_access"),
    prompt="Login",
    acr_values="idp:acme tenant:1",
)


class Site:
    """The customer's host and the authorization server's: documents by URL; a metadata document for any issuer."""

    def __init__(self, document: object = None) -> None:
        self.asked: list[str] = []
        self.answer: RawAnswer | NotSent | Uncertain = _json(GOOD if document is None else document)

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Serve; the application id goes to the customer's host alone."""
        assert reach.allowed_hosts
        self.asked.append(url)
        if url.endswith("/configurations"):
            assert headers == {"Citrix-ApplicationId": APPLICATION}
            return self.answer
        assert headers == {}
        issuer = url.removesuffix("/.well-known/openid-configuration")
        own = {"issuer": issuer, "token_endpoint": issuer + "/token", "authorization_endpoint": issuer + "/authorize"}
        return _json(own)


class Clock:
    """A monotonic clock that moves when told."""

    now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def _json(document: object) -> RawAnswer:
    return RawAnswer(200, {}, json.dumps(document).encode())


def _changed(**settings: object) -> object:
    return {**GOOD, "clientSettings": {**GOOD["clientSettings"], **settings}}  # type: ignore[dict-item] # a dict


def _leading_to(url: object) -> object:
    return _changed(oidcConfiguration={"oidc_discovery_endpoint": url})


async def test_the_document_says_where_and_how_to_sign_in() -> None:
    """Its scopes and offline_access, which is never among them; Login where people are always to be asked."""
    site = Site()
    assert await Discovery(site).endpoints(SERVER, ACME) == WISHES
    assert site.asked == [DOCUMENT, METADATA]


async def test_what_the_document_leaves_out_is_the_servers_own() -> None:
    """No prompt unless it is true, and nothing else stands for true."""
    document = {
        "clientSettings": {"promptLoginEnabled": "true", "oidcConfiguration": {"oidc_discovery_endpoint": METADATA}}
    }
    assert await Discovery(Site(document)).endpoints(SERVER, ACME) == FOUND


async def test_the_document_may_lead_to_another_issuer_on_an_allowed_host() -> None:
    """As for customers of another region."""
    there = "https://accounts.jp.cloud.com/core"
    found = await Discovery(Site(_leading_to(there + "/.well-known/openid-configuration"))).endpoints(SERVER, ACME)
    assert isinstance(found, Endpoints)
    assert (found.token, found.issuer) == (there + "/token", there)


async def test_endpoints_by_hand_win_and_the_wishes_stand() -> None:
    """No metadata is read then."""
    site, by_hand = Site(), Endpoints(token="https://accounts.cloud.com/mine")
    found = await Discovery(site).endpoints(replace(SERVER, endpoints=by_hand), ACME)
    assert isinstance(found, Endpoints)
    assert (found.token, found.prompt, site.asked) == (by_hand.token, "Login", [DOCUMENT])


@pytest.mark.parametrize(
    ("hosts", "asked"),
    [
        pytest.param(("acme.cloud.com",), DOCUMENT, id="by name"),
        pytest.param(("*.cloud.com:8443",), DOCUMENT.replace(".com", ".com:8443"), id="at the admin's port"),
        pytest.param(
            ("*.cloud.org", "acme.cloud.com:99999"), DOCUMENT.replace(".com", ".com:99999"), id="the first that fits"
        ),
    ],
)
async def test_the_host_is_asked_where_the_admin_allows_it(hosts: tuple[str, ...], asked: str) -> None:
    """A tenant names no port."""
    site = Site()
    await Discovery(site).endpoints(replace(SERVER, reach=Reach(allowed_hosts=hosts)), ACME)
    assert site.asked[0] == asked


@pytest.mark.parametrize("domain", ["evil.example", "acme.cloud.com.evil.example", "cloud.com"])
async def test_a_host_that_is_not_allowed_is_never_asked(domain: str) -> None:
    """A tenant names hosts, an admin allows them."""
    site = Site()
    problem = await Discovery(site).endpoints(SERVER, Customer(domain, APPLICATION))
    assert isinstance(problem, Problem)
    assert (problem.reason, site.asked, "spec.allowedHosts" in problem.remedy) == (Reason.SPEC_INVALID, [], True)
    assert domain not in problem.message


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param([GOOD], "not JSON", id="an array"),
        pytest.param({}, "names no metadata", id="nothing"),
        pytest.param(_changed(oidcConfiguration=[METADATA]), "names no metadata", id="an array for an object"),
        pytest.param({**GOOD, "clientSettings": "x"}, "names no metadata", id="a text for an object"),
        pytest.param(_leading_to(7), "names no metadata", id="a number for a URL"),
        pytest.param(_leading_to(ISSUER), "names no metadata", id="some other page"),
        pytest.param(_leading_to(METADATA.replace("https", "http")), "is not https", id="plain http"),
        pytest.param(_leading_to(METADATA.replace("cloud.com", "evil.net")), "not allowed", id="a foreign host"),
        pytest.param(_leading_to(METADATA.replace("//", "//x@")), "not a plain URL", id="user info"),
        pytest.param({**GOOD, "authScopes": "openid"}, "authScopes", id="a text for scopes"),
        pytest.param({**GOOD, "authScopes": ["openid wsp"]}, "authScopes", id="two scopes in one"),
        pytest.param({**GOOD, "authScopes": [7]}, "authScopes", id="a number for a scope"),
        pytest.param({**GOOD, "authScopes": ["a"] * 65}, "authScopes", id="scopes without end"),
        pytest.param(_changed(acr_values=["a"]), "acr_values", id="a list of acr_values"),
        pytest.param(_changed(acr_values="a\r\nb"), "acr_values", id="a line break in acr_values"),
        pytest.param(_changed(acr_values="a" * 1025), "acr_values", id="acr_values without end"),
    ],
)
async def test_documents_that_are_not_believed(document: object, words: str) -> None:
    """Nothing of them is told but what is wrong."""
    problem = await Discovery(Site(document)).endpoints(SERVER, ACME)
    assert isinstance(problem, Problem)
    assert (problem.reason, words in problem.message, "evil" in problem.message) == (
        Reason.DISCOVERY_FAILED,
        True,
        False,
    )
    assert "spec." in problem.remedy


REFUSED = [RawAnswer(status, {}, b'{"error":"x"}') for status in (400, 401, 403, 404)]


@pytest.mark.parametrize("answer", REFUSED, ids=lambda answer: str(answer.status))
async def test_a_new_application_id_is_given_five_minutes(answer: RawAnswer) -> None:
    """Then it is wrong, and a person is told what to compare; once it is taken, all is well."""
    site, clock = Site(), Clock()
    site.answer = answer
    discovery = Discovery(site, clock)
    told = []
    for _ in range(8):
        problem = await discovery.endpoints(SERVER, ACME)
        assert isinstance(problem, Problem)
        told.append((clock.now - 1000.0, problem.reason, problem.transient, problem.http_status))
        clock.now += 60
    assert all(entry[1:3] == (Reason.DISCOVERY_FAILED, True) for entry in told if entry[0] < 300)
    assert all(entry[1:3] == (Reason.SPEC_INVALID, False) for entry in told if entry[0] >= 300)
    assert {entry[3] for entry in told} == {answer.status}
    site.answer = _json(GOOD)
    assert await discovery.endpoints(SERVER, ACME) == WISHES


async def test_each_application_id_has_its_own_five_minutes() -> None:
    """A corrected one is new."""
    site, clock = Site(), Clock()
    site.answer = REFUSED[0]
    discovery = Discovery(site, clock)
    await discovery.endpoints(SERVER, ACME)
    clock.now += 301
    late = await discovery.endpoints(SERVER, ACME)
    new = await discovery.endpoints(SERVER, replace(ACME, domain="beta.cloud.com"))
    assert isinstance(late, Problem)
    assert isinstance(new, Problem)
    assert (late.reason, new.reason) == (Reason.SPEC_INVALID, Reason.DISCOVERY_FAILED)


UNREACHABLE = NotSent(Problem(Reason.SERVER_UNREACHABLE, "no"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(UNREACHABLE, Reason.SERVER_UNREACHABLE, id="not reached"),
        pytest.param(Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "x")), Reason.DISCOVERY_FAILED, id="half an answer"),
        pytest.param(RawAnswer(429, {}, b""), Reason.DISCOVERY_FAILED, id="too many"),
        pytest.param(RawAnswer(503, {}, b""), Reason.DISCOVERY_FAILED, id="an error"),
        pytest.param(RawAnswer(302, {"location": DOCUMENT}, b""), Reason.DISCOVERY_FAILED, id="a redirect"),
    ],
)
async def test_a_failure_passes_by_itself_however_long_it_lasts(
    answer: RawAnswer | NotSent | Uncertain, reason: Reason
) -> None:
    """It says nothing about the application id."""
    site, clock = Site(), Clock()
    site.answer = answer
    discovery = Discovery(site, clock)
    for _ in range(8):
        problem = await discovery.endpoints(SERVER, ACME)
        assert isinstance(problem, Problem)
        assert (problem.reason, problem.transient) == (reason, True)
        clock.now += 60


@pytest.mark.parametrize("answer", [UNREACHABLE, REFUSED[2]], ids=["not reached", "refused"])
async def test_a_document_that_was_read_once_is_good_until_a_newer_one_is(answer: RawAnswer | NotSent) -> None:
    """Refreshes go on without the customer's host; it is asked for an hour's news, and then each minute."""
    site, clock = Site(), Clock()
    discovery = Discovery(site, clock)
    await discovery.endpoints(SERVER, ACME)
    site.answer = answer
    for _ in range(200):
        clock.now += 60
        assert await discovery.endpoints(SERVER, ACME) == WISHES
    assert site.asked.count(DOCUMENT) > 100
    site.answer = _json(_changed(acr_values="new"))
    clock.now += 60
    found = await discovery.endpoints(SERVER, ACME)
    assert isinstance(found, Endpoints)
    assert found.acr_values == "new"


async def test_documents_are_kept_for_an_hour() -> None:
    """Each customer's for itself."""
    site, clock = Site(), Clock()
    discovery = Discovery(site, clock)
    for seconds in (0, 3599, 1):
        clock.now += seconds
        await discovery.endpoints(SERVER, ACME)
    await discovery.endpoints(SERVER, replace(ACME, domain="beta.cloud.com"))
    assert [site.asked.count(url) for url in (DOCUMENT, DOCUMENT.replace("acme", "beta"))] == [2, 1]
