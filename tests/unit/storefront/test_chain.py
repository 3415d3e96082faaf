"""The chain against the stand-in StoreFront, with each of its deviations."""

from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.answers import Answer, Granted
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.storefront.reactions import REACTIONS
from tests.standins.storefront.service import BASIC, POST_BACK, PROTOCOLS, START, STORE, TOKEN
from tests.standins.web import Request
from tests.unit.storefront.wire import LOST, UNREACHABLE, Stage

HOUR = timedelta(hours=1)
FULL_CHAIN = [("GET", STORE), ("POST", TOKEN), ("POST", PROTOCOLS), ("POST", BASIC), ("POST", TOKEN), ("GET", STORE)]
REFRESH = [("GET", STORE), ("POST", TOKEN), ("GET", STORE)]
FORMS = ("ExplicitForms",)


def problem(answer: Answer) -> Problem:
    """Return why there is no token."""
    assert not isinstance(answer, Granted)
    return answer.problem


async def test_the_whole_chain() -> None:
    """Challenge, token service, choices, logon, service token, and the store takes it."""
    stage = Stage()
    answer = await stage.run()
    assert isinstance(answer, Granted)
    assert answer.lifetime == HOUR
    assert stage.server.asked == FULL_CHAIN
    assert stage.marks.told == ["begin", "accepted"]
    assert stage.primary is not None
    assert stage.primary.expires_at - stage.clock.now() == 20 * HOUR


async def test_a_refresh_is_a_new_service_token_from_the_primary() -> None:
    """No password is posted for it."""
    stage = Stage()
    first = await stage.run()
    stage.server.asked.clear()
    second = await stage.run()
    assert isinstance(first, Granted)
    assert isinstance(second, Granted)
    assert first.access_token != second.access_token
    assert stage.server.asked == REFRESH
    assert stage.posts == 1


async def test_a_refused_primary_takes_the_full_chain() -> None:
    """Its life was shorter than it said."""
    stage = Stage()
    await stage.run()
    stage.server.forget_primaries()
    assert isinstance(await stage.run(), Granted)
    assert stage.posts == 2


DEVIATIONS: dict[str, dict[str, object]] = {
    "a space before commas": {"spelling": "comma"},
    "no commas": {"spelling": "missing"},
    "an unquoted hint": {"spelling": "unquoted"},
    "a space in the realm": {"spelling": "space"},
    "folded lines": {"spelling": "folded"},
    "several challenges": {"spelling": "crowd"},
    "a template to echo": {"template": "v2 'x'"},
    "a server's clock that is ahead": {"clock_ahead": timedelta(hours=3)},
    "a server's clock that is behind": {"clock_ahead": -timedelta(hours=30)},
    "a dead first location": {"dead_first_location": True},
    "relative locations of choices": {"relative_choices": True},
    "unknown children": {"unknown_children": True},
    "no namespace": {"no_namespace": True},
    "a lifetime that contradicts the times": {"lying_lifetime": True},
    "a lifetime alone": {"no_expiry": True},
    "choices as 200": {"choices_as_200": True},
}


@pytest.mark.parametrize("protocol", ["HttpBasic", "ExplicitForms"])
@pytest.mark.parametrize("quirks", DEVIATIONS.values(), ids=DEVIATIONS)
async def test_deviations_of_the_documents_are_taken(quirks: dict[str, object], protocol: str) -> None:
    """Each by itself, with each protocol."""
    stage = Stage(protocol)
    for name, value in quirks.items():
        setattr(stage.quirks, name, value)
    answer = await stage.run()
    assert isinstance(answer, Granted)
    assert answer.lifetime == HOUR
    assert stage.posts == 1


@pytest.mark.parametrize("form", ["plain", "domain", "notice", "success"])
async def test_forms_that_lead_to_a_token(form: str) -> None:
    """Of one form, with a domain field, with a notice afterwards, with a success that brings no token yet."""
    stage = Stage(*FORMS)
    stage.quirks.form = form
    assert isinstance(await stage.run(), Granted)
    assert stage.marks.told == ["begin", "accepted"]
    assert stage.server.posts == [("EXAMPLE\\svc", "CANARY-pw")]


#: Form, posts of the password, what its mark is told, and the reason.
ENDS = {
    "passcode": (0, [], Reason.SECOND_FACTOR_REQUIRED),
    "newpassword": (0, [], Reason.PASSWORD_MUST_CHANGE),
    "second": (1, ["begin", "refused"], Reason.SECOND_FACTOR_REQUIRED),
    "update": (1, ["begin", "refused"], Reason.PASSWORD_MUST_CHANGE),
    "fail": (1, ["begin", "refused"], Reason.PASSWORD_REFUSED),
    "cancelled": (1, ["begin", "refused"], Reason.PASSWORD_REFUSED),
}


@pytest.mark.parametrize(("form", "end"), ENDS.items(), ids=ENDS)
async def test_forms_that_lead_nowhere(form: str, end: tuple[int, list[str], Reason]) -> None:
    """A person must do something; the password is posted once at most."""
    stage = Stage(*FORMS)
    stage.quirks.form = form
    found = problem(await stage.run())
    assert (stage.posts, stage.marks.told, found.reason) == end
    assert found.remedy


@pytest.mark.parametrize("protocol", ["HttpBasic", "ExplicitForms"])
async def test_a_wrong_password_is_posted_once_and_marked(protocol: str) -> None:
    """By a status of 401, or by a 200 whose form has an error label."""
    stage = Stage(protocol)
    stage.password = "CANARY-wrong"
    found = problem(await stage.run())
    assert found.reason is Reason.PASSWORD_REFUSED
    assert stage.marks.told == ["begin", "refused"]
    assert stage.marks.problem == found
    assert stage.posts == 1
    assert stage.primary is None


@pytest.mark.parametrize(
    ("status", "told", "reason"),
    [
        (403, ["begin", "refused"], Reason.ACCOUNT_PROBLEM),
        (404, ["begin", "unjudged"], Reason.RESPONSE_INVALID),
        (302, ["begin", "unjudged"], Reason.RESPONSE_INVALID),
        (429, ["begin", "unjudged"], Reason.SERVER_THROTTLED),
        (503, ["begin", "unjudged"], Reason.SERVER_ERROR),
        (500, ["begin"], Reason.PASSWORD_REFUSED),
        (200, ["begin"], Reason.PASSWORD_REFUSED),
    ],
)
async def test_what_a_status_says_of_the_password(status: int, told: list[str], reason: Reason) -> None:
    """Refused, never judged, or in doubt: then its mark stays as it is."""
    stage = Stage()
    stage.quirks.basic_status = status
    assert problem(await stage.run()).reason is reason
    assert stage.marks.told == told


@pytest.mark.parametrize(
    ("basic_reason", "reason"),
    [("badaccount", Reason.ACCOUNT_PROBLEM), ("badpassword", Reason.PASSWORD_REFUSED), ("x", Reason.PASSWORD_REFUSED)],
)
async def test_a_challenge_beside_the_refusal_says_more(basic_reason: str, reason: Reason) -> None:
    """A locked account is no wrong password."""
    stage = Stage()
    stage.password, stage.quirks.basic_reason = "CANARY-wrong", basic_reason
    assert problem(await stage.run()).reason is reason


@pytest.mark.parametrize(
    ("status", "told", "reason"),
    [
        ("error-service-unavailable", ["begin", "unjudged"], Reason.SERVER_ERROR),
        ("error-sessionid-expired", ["begin", "unjudged"], Reason.SERVER_ERROR),
        ("error-internal-failure", ["begin"], Reason.PASSWORD_REFUSED),
    ],
)
async def test_what_a_forms_status_says_of_the_password(status: str, told: list[str], reason: Reason) -> None:
    """An internal failure may have come after the judgement."""
    stage = Stage(*FORMS)
    stage.quirks.status = status
    assert problem(await stage.run()).reason is reason
    assert stage.marks.told == told


@pytest.mark.parametrize(("protocol", "path"), [("HttpBasic", BASIC), ("ExplicitForms", POST_BACK)])
async def test_a_lost_answer_to_a_password_is_a_doubt(protocol: str, path: str) -> None:
    """The mark stays; the password is not tried again by another way."""
    stage = Stage(protocol)
    stage.wire.after = lambda request: LOST if request.path == path else None
    assert problem(await stage.run()).message == "in doubt"
    assert stage.marks.told == ["begin"]
    assert stage.posts == 1


async def test_a_password_that_never_left_is_not_marked() -> None:
    """No connection."""
    stage = Stage()
    stage.wire.before = lambda request: UNREACHABLE if request.path == BASIC else None
    assert await stage.run() == UNREACHABLE
    assert stage.marks.told == ["begin", "unjudged"]


@pytest.mark.parametrize("path", [STORE, TOKEN, PROTOCOLS, START])
async def test_a_lost_answer_to_anything_else_is_free_to_repeat(path: str) -> None:
    """Nothing rotates: what is uncertain is as good as not sent."""
    stage = Stage(*FORMS)
    stage.wire.after = lambda request: LOST if request.path == path else None
    assert problem(await stage.run()).transient
    assert stage.marks.told == []


#: What each reason comes to when the primary token is refused for it: logons in all, and the problem.
OF_THE_PRIMARY: dict[str, tuple[int, Reason | None]] = {
    "notoken": (2, None),
    "expired": (2, None),
    "notforthisservice": (2, None),
    "nottrusted": (1, Reason.CLIENT_REJECTED),
    "invalidtoken": (2, None),
    "passwordClaimNotFound": (1, Reason.CLIENT_REJECTED),
    "badpassword": (1, Reason.PASSWORD_REFUSED),
    "badaccount": (1, Reason.ACCOUNT_PROBLEM),
    "invalidAudience": (1, Reason.CLIENT_REJECTED),
    "tokenSignatureNotVerified": (2, None),
    "wrongclaims": (1, Reason.CLIENT_REJECTED),
    "gatewayclaimsinconsistent": (1, Reason.CLIENT_REJECTED),
    "somethingnew": (2, None),
}

#: The same for a service token that the store refuses.
OF_THE_SERVICE_TOKEN = {
    **OF_THE_PRIMARY,
    "notoken": (1, None),
    "expired": (1, None),
    "notforthisservice": (1, None),
    "invalidtoken": (1, None),
    "somethingnew": (1, None),
}


def test_every_reason_has_its_row() -> None:
    """The twelve of the document, and one that it does not know."""
    assert set(OF_THE_PRIMARY) == set(OF_THE_SERVICE_TOKEN) == {*REACTIONS, "somethingnew"}
    assert len(REACTIONS) == 12


@pytest.mark.parametrize(("reason", "row"), OF_THE_PRIMARY.items(), ids=OF_THE_PRIMARY)
async def test_each_reason_against_a_primary_token(reason: str, row: tuple[int, Reason | None]) -> None:
    """The full chain, or a person."""
    stage = Stage()
    await stage.run()
    stage.quirks.primary_reasons = [reason]
    answer = await stage.run()
    assert (stage.posts, None if isinstance(answer, Granted) else answer.problem.reason) == row
    assert isinstance(answer, Granted) or answer.problem.remedy


@pytest.mark.parametrize(("reason", "row"), OF_THE_SERVICE_TOKEN.items(), ids=OF_THE_SERVICE_TOKEN)
async def test_each_reason_against_a_service_token(reason: str, row: tuple[int, Reason | None]) -> None:
    """Another service token, another logon, or a person."""
    stage = Stage()
    await stage.run()
    stage.quirks.service_reasons = [reason]
    answer = await stage.run()
    assert (stage.posts, None if isinstance(answer, Granted) else answer.problem.reason) == row


async def test_a_store_that_refuses_every_token_ends_the_chain() -> None:
    """After three, each asked for once."""
    stage = Stage()
    stage.quirks.service_reasons = ["expired"] * 9
    assert problem(await stage.run()).reason is Reason.RESPONSE_INVALID
    assert len(stage.quirks.service_reasons) == 6
    assert stage.posts == 1


async def test_a_token_service_that_refuses_a_new_primary_ends_the_chain() -> None:
    """There is one logon at most."""
    stage = Stage()
    stage.quirks.primary_reasons = ["expired"] * 9
    assert problem(await stage.run()).reason is Reason.RESPONSE_INVALID
    assert stage.posts == 1


@pytest.mark.parametrize(("hosts", "served"), [((), False), (("*.evil.example",), False), (("sf2.example",), True)])
async def test_locations_are_called_on_allowed_hosts_only(hosts: tuple[str, ...], *, served: bool) -> None:
    """What a challenge names is the server's text."""
    stage = Stage(hosts=hosts)
    stage.quirks.foreign_location = "https://sf2.example/x"
    found = problem(await stage.run())
    assert ("sf2.example" in stage.wire.hosts) is served
    assert (found.reason is Reason.ADDRESS_NOT_ALLOWED) is not served


async def test_a_primary_token_is_not_sent_outside_its_protection_space() -> None:
    """Another host that is allowed is still another audience."""
    stage = Stage(hosts=("sf2.example",))
    await stage.run()
    carried: list[Request] = []
    stage.wire.before = carried.append
    stage.quirks.foreign_location = f"https://sf2.example{TOKEN}"
    await stage.run()
    assert [one for one in carried if one.path == TOKEN]
    assert not [one for one in carried if one.path == TOKEN and "authorization" in one.headers]


@pytest.mark.parametrize(("elsewhere", "status"), [("page", 200), ("redirect", 302), ("web", 200)])
async def test_what_is_not_the_store_is_named(elsewhere: str, status: int) -> None:
    """A gateway's page or its redirect, which is not followed, or Receiver for Web, instead of a challenge."""
    stage = Stage()
    stage.quirks.elsewhere = elsewhere
    found = problem(await stage.run())
    assert (found.reason, found.http_status) == (Reason.RESPONSE_INVALID, status)
    assert "Gateway" in found.message
    assert len(stage.server.asked) == 1


async def test_protocols_that_nobody_offers_are_named() -> None:
    """With those that are known and offered; a server's own words are not repeated."""
    stage = Stage()
    stage.quirks.offered = ("IntegratedWindows", "CANARY-new")
    found = problem(await stage.run())
    assert found.reason is Reason.CLIENT_REJECTED
    assert "IntegratedWindows" in found.message
    assert "CANARY" not in found.message


async def test_the_clients_order_of_protocols_counts() -> None:
    """Not the server's."""
    stage = Stage("ExplicitForms", "HttpBasic")
    await stage.run()
    assert ("POST", BASIC) not in stage.server.asked


async def test_a_password_that_ends_is_told_by_a_logon() -> None:
    """Once a logon, not at each refresh."""
    stage = Stage()
    stage.quirks.password_ends = "2026-03-10T00:00:00Z"
    await stage.run()
    assert stage.chain is not None
    assert [one.name for one in stage.chain.endings] == ["Domain password"]
    await stage.run()
    assert stage.chain.endings == ()


async def test_the_life_is_counted_from_when_the_token_was_asked_for() -> None:
    """What the store takes to try it is taken off."""
    stage = Stage()
    stage.wire.after = lambda _: stage.clock.advance(timedelta(seconds=10))
    answer = await stage.run()
    assert isinstance(answer, Granted)
    assert answer.lifetime == HOUR - timedelta(seconds=50)
