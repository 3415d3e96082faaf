"""What to sign in for, and what stands in the way before anybody has typed a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Unreachable
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import Customer
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.login.attempt import Wanted
from citrix_oauth_operator.login.ending import Ending, SignInEnded
from citrix_oauth_operator.login.plan import plan
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.transport import Transport

APPLICATION = "6c4a2f0e-1111-4222-8333-444455556666"
HERE = "http://localhost:7182/callback"
FOUND = Endpoints(token="https://accounts.example/token", authorization="https://accounts.example/authorize")


class OneServer:
    """An API server with at most one AuthorizationServer, or with an error in its place."""

    def __init__(self, found: JSON | ApiError | None = None) -> None:
        self.found = found

    async def get(self, _path: str) -> JSON | None:
        """Return it."""
        if isinstance(self.found, ApiError):
            raise self.found
        return self.found


class Found:
    """Discovery that has found endpoints, or has not."""

    def __init__(self, found: Endpoints | Problem = FOUND) -> None:
        self.found = found
        self.asked_for: Customer | None = None

    async def endpoints(self, _server: Server, customer: Customer | None = None) -> Endpoints | Problem:
        """Return them."""
        self.asked_for = customer
        return self.found


def _client(status: Mapping[str, Any] | None = None, **spec: object) -> JSON:
    metadata = {"namespace": "team-a", "name": "reports", "uid": "u", "generation": 1}
    return {
        "metadata": metadata,
        "spec": {"clientID": "id==", **spec},
        "status": {"observedGeneration": 1, **(status or {})},
    }


async def _wanted(body: JSON, api: OneServer | None = None, found: Found | None = None) -> Wanted:
    planned = await plan(cast("Api", api or OneServer()), found or Found(), body, HERE)
    assert str(planned.ref) == "team-a/reports"
    return planned.wanted


def _server(**spec: object) -> OneServer:
    return OneServer(
        {
            "metadata": {"name": "ours", "uid": "v", "generation": 1},
            "spec": {"type": "OIDC", "issuer": "https://ours.example", **spec},
        }
    )


async def test_the_smallest_client_signs_in_with_what_its_kind_of_server_needs() -> None:
    """Scopes of Citrix Cloud, and no prompt of ours."""
    wanted = await _wanted(_client())
    assert wanted == Wanted(
        endpoint=FOUND.authorization,
        token_endpoint=FOUND.token,
        client_id="id==",
        redirect_uri=HERE,
        scopes=("openid", "wsp", "spa", "leases", "offline_access"),
        issuer="https://accounts.cloud.com/core",
    )


async def test_the_client_decides_scopes_and_redirect_uri() -> None:
    """And an OpenID server is asked for consent, without which it drops offline_access."""
    login = {"redirectURI": "https://localhost:8443/cb"}
    body = _client(scopes=["offline_access", "api"], login=login, authorizationServerRef={"name": "ours"})
    wanted = await _wanted(body, _server())
    assert (wanted.scopes, wanted.redirect_uri, wanted.prompt) == (
        ("offline_access", "api"),
        login["redirectURI"],
        "consent",
    )


async def test_the_customers_document_decides_scopes_prompt_and_acr_values() -> None:
    """The client's own scopes win over it; the issuer that it led to is the one that must answer."""
    wishes = replace(
        FOUND, issuer="https://jp.example", scopes=("openid", "offline_access"), prompt="Login", acr_values="a"
    )
    wanted = await _wanted(_client(), found=Found(wishes))
    assert (wanted.scopes, wanted.prompt, wanted.acr_values, wanted.issuer) == (
        ("openid", "offline_access"),
        "Login",
        "a",
        "https://jp.example",
    )
    wanted = await _wanted(_client(scopes=["offline_access", "api"]), found=Found(wishes))
    assert wanted.scopes == ("offline_access", "api")


async def test_the_customer_is_the_clients() -> None:
    """Both of its fields are handed on."""
    found = Found()
    await _wanted(_client(citrix={"customerDomain": "acme.cloud.com", "applicationID": APPLICATION}), found=found)
    assert found.asked_for == Customer("acme.cloud.com", APPLICATION)


CHALLENGE = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


async def test_what_the_server_wants_beyond_the_last_sign_in_is_asked_for() -> None:
    """A claims challenge; without it the same policy would refuse the new token as well."""
    assert (await _wanted(_client({"lastError": {"claims": CHALLENGE}}))).claims == CHALLENGE


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"lastError": {"claims": CHALLENGE}, "observedGeneration": 0}, id="of another spec"),
        pytest.param({"lastError": {"claims": '{"access_token":{"a":{"value":"<b>"}}}'}}, id="of no such kind"),
        pytest.param({"lastError": {"claims": 7}}, id="that is no text"),
    ],
)
async def test_a_challenge_of_nobody_is_not_passed_on(status: dict[str, Any]) -> None:
    """Status is read as anybody may have written it."""
    assert not (await _wanted(_client(status))).claims


TENANT = "https://login.microsoftonline.com/6c4a2f0e-1111-4222-8333-444455556666"
BOTH = {"token": "https://as.example/token", "authorization": "https://as.example/authorize"}


@pytest.mark.parametrize(
    ("server", "endpoint", "scopes", "prompt"),
    [
        pytest.param(
            {"type": "EntraID", "issuer": f"{TENANT}/v2.0"},
            f"{TENANT}/oauth2/v2.0/authorize",
            ("openid", "offline_access"),
            "",
            id="EntraID",
        ),
        pytest.param(
            {"type": "ADFS", "issuer": "https://sts.example/adfs"},
            "https://sts.example/adfs/oauth2/authorize",
            ("openid",),
            "",
            id="ADFS",
        ),
        pytest.param(
            {"type": "OIDC", "issuer": "https://as.example", "endpoints": BOTH},
            BOTH["authorization"],
            ("openid", "offline_access"),
            "consent",
            id="OIDC",
        ),
    ],
)
async def test_each_kind_signs_in_at_its_own_page(
    server: dict[str, object], endpoint: str, scopes: tuple[str, ...], prompt: str
) -> None:
    """Found without a document where the kind's layout says it; the resource goes along."""
    body = _client(**OURS, resource="urn:example:api")
    discovery = Discovery(Transport())  # nobody is asked
    planned = await plan(
        cast("Api", OneServer({"metadata": {"name": "ours", "uid": "v", "generation": 1}, "spec": server})),
        discovery,
        body,
        HERE,
    )
    wanted = planned.wanted
    assert (wanted.endpoint, wanted.scopes, wanted.prompt) == (endpoint, scopes, prompt)
    assert (wanted.issuer, wanted.resource) == (server["issuer"], "urn:example:api")


@pytest.mark.parametrize("promised", [True, False])
async def test_a_server_that_promises_to_name_itself_is_held_to_it(promised: bool) -> None:
    """RFC 9207: an answer without `iss` is then somebody else's."""
    wanted = await _wanted(_client(), found=Found(replace(FOUND, names_issuer=promised)))
    assert wanted.iss_required is promised


async def test_a_built_in_server_is_known_to_who_may_not_read_servers() -> None:
    """Most people have rights in one namespace alone."""
    assert (await _wanted(_client(), OneServer(ApiError(403)))).issuer == "https://accounts.cloud.com/core"


def _stalled(reason: str, **status: object) -> dict[str, Any]:
    return {"conditions": [{"type": "Stalled", "status": "True", "reason": reason, "message": "Told so."}], **status}


OURS = {"authorizationServerRef": {"name": "ours"}}
BY_HAND = Endpoints(token="https://ours.example/token")
PER_CUSTOMER = Endpoints(token="https://ours.example/{customerID}/t", authorization="https://ours.example/a")
DISCOVERY = Problem(Reason.DISCOVERY_FAILED, "the metadata document is not there", "check spec.issuer")


@pytest.mark.parametrize(
    ("body", "api", "found", "ending", "words"),
    [
        pytest.param(
            _client(clientID="a b"), None, None, Ending.REFUSED, "spec.clientID is not visible", id="a wrong field"
        ),
        pytest.param(
            _client(grantType="ClientCredentials", credentialsSecretRef={"name": "x"}),
            None,
            None,
            Ending.REFUSED,
            "Nobody signs in",
            id="client credentials",
        ),
        pytest.param(_client(suspend=True), None, None, Ending.REFUSED, "spec.suspend is true", id="suspended"),
        pytest.param(
            _client(_stalled("ClaimedByAnotherOperator")), None, None, Ending.REFUSED, "Told so.", id="no sign-in helps"
        ),
        pytest.param(_client(**OURS), None, None, Ending.REFUSED, "no AuthorizationServer ours", id="no such server"),
        pytest.param(
            _client(**OURS), OneServer(ApiError(403)), None, Ending.NO_RIGHTS, "may not read", id="a server to read"
        ),
        pytest.param(_client(), None, Found(DISCOVERY), Ending.REFUSED, "Check spec.issuer.", id="no metadata"),
        pytest.param(_client(**OURS), _server(), Found(BY_HAND), Ending.REFUSED, "no authorization", id="no endpoint"),
        pytest.param(
            _client(**OURS), _server(), Found(PER_CUSTOMER), Ending.REFUSED, "customerID", id="whose customer"
        ),
        pytest.param(
            _client(scopes=["openid"]), None, None, Ending.REFUSED, "no offline_access", id="no offline access"
        ),
    ],
)
async def test_what_stands_in_the_way_is_told_first(
    body: JSON, api: OneServer | None, found: Found | None, ending: Ending, words: str
) -> None:
    """In sentences, the remedy among them."""
    with pytest.raises(SignInEnded) as caught:
        await _wanted(body, api, found)
    assert (caught.value.ending, words in str(caught.value)) == (ending, True), str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(_stalled("LoginRequired"), id="what a sign-in is for"),
        pytest.param(_stalled("CredentialsNotFound"), id="a Secret that may just have been corrected"),
        pytest.param(_stalled("AddressNotAllowed", observedGeneration=0), id="a verdict about an older spec"),
    ],
)
async def test_a_client_that_is_stalled_can_be_signed_in(status: dict[str, Any]) -> None:
    """That is when people do it."""
    assert (await _wanted(_client(status))).redirect_uri == HERE


async def test_an_api_server_that_is_down_is_no_verdict() -> None:
    """The command says so, as every other one does."""
    with pytest.raises(Unreachable):
        await _wanted(_client(), OneServer(Unreachable()))
