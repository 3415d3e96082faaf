"""A revocation request (RFC 7009): the client's own authentication, one try, one word for the audit log."""

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.grants.revocation import revoke
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.examples import WELL
from tests.unit.fakes import T0

TOKEN = SecretText("CANARY-rt")
INPUTS = replace(
    WELL.ready_inputs, client_secret=SecretText("CANARY-cs"), endpoints=Endpoints("https://a/t", "", "https://a/r")
)
LOST = Problem(Reason.OUTCOME_UNKNOWN, "lost")


class Wire:
    """Remembers the one request."""

    def __init__(self, answer: RawAnswer | NotSent | Uncertain) -> None:
        self.answer = answer
        self.sent: list[tuple[str, dict[str, list[str]]]] = []

    async def post_form(self, url: str, body: bytes, *_: object, **_more: object) -> RawAnswer | NotSent | Uncertain:
        """Answer."""
        self.sent.append((url, parse_qs(body.decode())))
        return self.answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(RawAnswer(200, {}, b""), "", id="revoked"),
        pytest.param(RawAnswer(400, {}, b"{}"), "Refused", id="refused"),
        pytest.param(NotSent(LOST), "NotSent", id="unreachable"),
        pytest.param(Uncertain(LOST), "AnswerLost", id="lost"),
    ],
)
async def test_one_request_with_the_clients_own_authentication(
    answer: RawAnswer | NotSent | Uncertain, why: str
) -> None:
    """The refresh token, with its hint."""
    wire = Wire(answer)
    assert await revoke(wire, lambda: T0, INPUTS, TOKEN) == why
    ((url, form),) = wire.sent
    assert url == "https://a/r"
    assert (form["token"], form["token_type_hint"]) == (["CANARY-rt"], ["refresh_token"])
    assert form["client_secret"] == ["CANARY-cs"]


async def test_a_server_without_the_endpoint_is_not_asked() -> None:
    """Many have none."""
    wire = Wire(RawAnswer(200, {}, b""))
    assert await revoke(wire, lambda: T0, replace(INPUTS, endpoints=Endpoints("https://a/t")), TOKEN) == "NoEndpoint"
    assert await revoke(wire, lambda: T0, replace(INPUTS, client_secret=None), TOKEN) == "NoCredentials"
    assert wire.sent == []
