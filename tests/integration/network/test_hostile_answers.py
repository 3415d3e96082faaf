"""Every answer that a broken or hostile token endpoint was seen to give, over a real socket and real TLS.

What counts is what is believed of the refresh token, and that nothing a server wrote is told.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from citrix_oauth_operator.clock import SystemClock
from citrix_oauth_operator.domain.answers import Answer, Granted, NotSent
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.grants.token_endpoint import TokenEndpoint
from citrix_oauth_operator.wire.transport import Transport
from tests.integration.network.hostile_cases import ACCESS, CASES, GOOD, NEW, OLD, Case
from tests.standins import token_endpoint as standin
from tests.standins.token_endpoint import json_reply
from tests.unit.examples import SERVER, inputs
from tests.unit.wire.sockets import trusting


@pytest.fixture(scope="module")
def scripted() -> standin.TokenEndpoint:
    """One server, so one certificate, for all cases; each case opens its own listener."""
    return standin.TokenEndpoint(tls=True)


@pytest.fixture
async def endpoint(scripted: standin.TokenEndpoint) -> AsyncIterator[standin.TokenEndpoint]:
    """A listening server with an empty script."""
    scripted.requests.clear()
    async with scripted:
        yield scripted


def _towards(endpoint: standin.TokenEndpoint) -> Inputs:
    server = replace(SERVER, reach=trusting(endpoint))
    return inputs(server=server, endpoints=Endpoints(token=endpoint.url))


async def _refresh(endpoint: standin.TokenEndpoint, deadline: float) -> Answer:
    grants = TokenEndpoint(Transport(deadline=deadline), SystemClock())
    towards = _towards(endpoint)
    return grants.read(towards, await grants.refresh(towards, SecretText(OLD)))


async def _refresh_shortened(endpoint: standin.TokenEndpoint) -> Answer:
    """Refresh with a short deadline; one that a slow machine needs for the handshake is made longer."""
    deadline = 0.3
    while isinstance(answer := await _refresh(endpoint, deadline), NotSent) and deadline < 60:
        deadline *= 2
    return answer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_an_answer(case: Case, endpoint: standin.TokenEndpoint) -> None:
    """It means what its row says, and what must be kept is kept."""
    endpoint.script(case.reply)
    answer = await (_refresh_shortened(endpoint) if case.shortened else _refresh(endpoint, 60))
    assert type(answer) is case.kind, answer
    problem = answer.flaw if isinstance(answer, Granted) else answer.problem
    assert (problem.reason if problem else None) is case.reason, problem
    if isinstance(answer, Granted):
        assert answer.refresh_token == (SecretText(case.refresh_token) if case.refresh_token else None)
        assert answer.access_token == (SecretText(case.access_token) if case.access_token else None)
        assert answer.lifetime.total_seconds() == case.lifetime
    else:
        assert answer.problem.oauth_error == case.oauth_error
        wait = answer.problem.retry_after
        assert (int(wait.total_seconds()) if wait else None) == case.retry_after
    assert "CANARY" not in repr(answer)
    assert len(endpoint.requests) + endpoint.refused <= 1, "sent once, whatever came back"
    endpoint.refused = 0


async def test_the_server_that_is_used_for_all_rows_is_taken_when_it_is_well(endpoint: standin.TokenEndpoint) -> None:
    """Else the rows would prove nothing."""
    endpoint.script(json_reply(GOOD))
    answer = await _refresh(endpoint, 60)
    assert isinstance(answer, Granted)
    assert (answer.refresh_token, answer.access_token) == (SecretText(NEW), SecretText(ACCESS))
    (request,) = endpoint.requests
    assert request.form["refresh_token"] == OLD
