"""What the authorization server would show, asked before a person is sent there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.login.callback import Declined
from citrix_oauth_operator.login.probe import refusal
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.examples import UNREACHABLE
from tests.unit.login.attempts import WANTED

CITRIX = b"<h1>Unable to Process Your Request</h1><p>Transaction ID: <b>0f8fad5b-d9cb-469f-a165-70867728950e</b></p>"
ERROR_PAGE = "https://login.example/core/home/error?errorId=CANARY"


def _to(location: str, status: int = 302) -> RawAnswer:
    return RawAnswer(status, {"location": location}, b"")


class Pages:
    """A server that answers one request after the other."""

    def __init__(self, *answers: RawAnswer | NotSent | Uncertain) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def get_json(self, url: str, _headers: Mapping[str, str], _reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Answer."""
        self.asked.append(url)
        return self.answers.pop(0)


async def _found(*answers: RawAnswer | NotSent | Uncertain) -> Declined | None:
    pages = Pages(*answers)
    found = await refusal(pages, WANTED, Reach())
    assert pages.answers == []
    assert all("state=" in url for url in pages.asked[:1])
    return found


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_to("/core/account/login?returnUrl=x"), id="its sign-in page"),
        pytest.param(_to("https://other.example/error"), id="another host: not for us to visit"),
        pytest.param(RawAnswer(200, {}, b"<form>"), id="a form at once"),
        pytest.param(RawAnswer(403, {}, b"robots"), id="a guard that wants a browser"),
        pytest.param(RawAnswer(503, {}, b""), id="trouble of its own"),
        pytest.param(NotSent(UNREACHABLE), id="not reached from here"),
        pytest.param(Uncertain(UNREACHABLE), id="no whole answer"),
    ],
)
async def test_what_may_work_in_the_browser_is_left_to_it(answer: RawAnswer | NotSent | Uncertain) -> None:
    """The machine of the command may see less than the browser."""
    assert await _found(answer) is None


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([RawAnswer(400, {}, b"<html>invalid_redirect_uri")], id="at once"),
        pytest.param([RawAnswer(200, {}, CITRIX)], id="Citrix's page, which claims that all is well"),
        pytest.param([_to(ERROR_PAGE), RawAnswer(200, {}, CITRIX)], id="by a redirect"),
        pytest.param([_to("/core/home/error?errorId=CANARY"), NotSent(UNREACHABLE)], id="by a redirect to nowhere"),
    ],
)
async def test_an_error_page_is_told_with_what_it_can_mean(answers: list[RawAnswer | NotSent]) -> None:
    """Nobody comes back from it: without this the command would wait for ten minutes."""
    found = await _found(*answers)
    assert found is not None
    assert "error page" in found.message
    assert WANTED.redirect_uri in found.remedy
    assert "CANARY" not in repr(found)
    if isinstance(answers[-1], RawAnswer) and answers[-1].body == CITRIX:
        assert "transaction id 0f8fad5b-d9cb-469f-a165-70867728950e" in found.message


async def test_an_error_for_the_redirect_uri_is_read_as_if_it_had_come_there() -> None:
    """It needs no browser to be told."""
    found = await _found(_to(f"{WANTED.redirect_uri}?error=invalid_scope&state=x", 303))
    assert found is not None
    assert found.error == "invalid_scope"
    assert await _found(_to(f"{WANTED.redirect_uri}?code=x")) is None
