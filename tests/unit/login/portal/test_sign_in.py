"""A sign-in through the portal's pages, and everything that is not one."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.login.attempt import Attempt
from citrix_oauth_operator.login.portal import sign_ins
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import Fault
from tests.unit.login.portal.stage import ALICE, BOB, ISSUER, PAGE, URL, Stage, within


async def test_a_sign_in_from_the_button_to_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """The browser brings the code to the portal, the operator redeems it, and the page follows."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    assert begun.url.startswith(f"{ISSUER}/authorize?")
    assert begun.query["redirect_uri"] == f"{URL}/callback"
    assert (begun.query["code_challenge_method"], begun.query["response_mode"]) == ("S256", "form_post")
    ticket = within(await alice.come_back(begun))
    assert not stage.handed_over()
    assert within(await alice.get(ticket)) == begun.page
    given = stage.handed_over()
    assert (given["code"], given["redirect_uri"], given["nonce"]) == (
        "CANARY-code",
        f"{URL}/callback",
        begun.query["nonce"],
    )
    at_work = await alice.get(begun.page)
    assert ("has arrived" in at_work.text, 'http-equiv="refresh" content="2"' in at_work.text) == (True, True)
    stage.redeem()
    done = await alice.get(begun.page)
    assert ("team-a/reports has a token" in done.text, "Signed in as sub-of-alice." in done.text) == (True, True)
    assert "refresh" not in done.text
    said = [record.message for record in caplog.records if record.name.endswith(".audit")]
    assert [line.split()[1:4] for line in said] == [
        ["SignInBegun", "client=team-a/reports", "user=alice"],
        ["SignInHandedOver", "client=team-a/reports", "user=alice"],
    ]


async def test_a_challenge_of_the_server_goes_with_the_browser_and_on_no_page() -> None:
    """What the policy wants beyond the last sign-in (docs/systems/entra-id.md)."""
    stage, claims = Stage(), '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    condition = {"type": "Stalled", "status": "True", "reason": "ConditionalAccess", "message": "A policy says no."}
    told = {"reason": "ConditionalAccess", "claims": claims}
    stage.client("reports", status={"observedGeneration": 1, "conditions": [condition], "lastError": told})
    alice = stage.browser()
    begun = await alice.begin()
    assert begun.query["claims"] == claims
    assert "acrs" not in (await alice.get(PAGE)).text


async def test_what_the_operator_refuses_is_told_with_its_remedy() -> None:
    """In the operator's words, and with a way to try again."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    await alice.get(within(await alice.come_back(begun)))
    stage.redeem(reason="AccountProblem")
    shown = (await alice.get(begun.page)).text
    assert "Not signed in for team-a/reports" in shown
    assert "AccountProblem: Told." in shown
    assert f'href="/citrix{PAGE}"' in shown


async def test_an_operator_that_does_not_come_is_told() -> None:
    """After the code has expired."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    await alice.get(within(await alice.come_back(begun)))
    stage.clock.advance(timedelta(seconds=91))
    assert "has not redeemed the sign-in" in (await alice.get(begun.page)).text


async def test_a_cancelled_sign_in_is_told_in_words_of_ours() -> None:
    """Nothing that the server wrote is repeated."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    back = await alice.come_back(begun, code=None, error="access_denied", error_description="<b>CANARY</b>")
    shown = await alice.get(within(await alice.get(within(back))))
    assert ("The sign-in was cancelled" in shown.text, "CANARY" in shown.text) == (True, False)
    assert not stage.handed_over()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"state": None}, id="without a state"),
        pytest.param({"state": "x"}, id="with an unknown state"),
        pytest.param({"state": "\u00e4\x00"}, id="with a state that is no ASCII"),
    ],
)
async def test_an_answer_to_no_sign_in_changes_nothing(changed: dict[str, str | None]) -> None:
    """Nor one that comes as a query, or as something else."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    assert (await alice.come_back(begun, **changed)).status_code == 400
    assert (await alice.get("/callback")).status_code == 400
    assert not stage.handed_over()


async def test_a_server_that_knows_no_form_post_is_understood_too() -> None:
    """Its code does not stay in the address."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    back = await alice.http.get(
        f"{URL}/callback", params={"code": "a-code", "state": begun.query["state"], "iss": ISSUER}
    )
    ticket = within(back)
    assert "a-code" not in ticket
    await alice.get(ticket)
    assert stage.handed_over()["code"] == "a-code"


async def test_a_parameter_given_twice_is_nobodys_answer() -> None:
    """Two readers could take another one each."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    form = f"state={begun.query['state']}&code=a&code=b&iss={ISSUER}"
    back = await alice.http.post(f"{URL}/callback", content=form)
    assert back.status_code == 400


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param(None, id="none"),
        pytest.param("https://evil.example", id="another one"),
        pytest.param("", id="empty"),
    ],
)
async def test_an_answer_of_another_server_is_not_used(issuer: str | None) -> None:
    """RFC 9207: this one says that it always names itself."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    ticket = within(await alice.come_back(begun, iss=issuer))
    assert "RFC 9207" in (await alice.get(within(await alice.get(ticket)))).text
    assert not stage.handed_over()


async def test_the_first_answer_counts_and_every_later_one_shows_the_same_page() -> None:
    """Double click, reload, the back button, a second tab with the same sign-in."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    first, second = [within(await alice.come_back(begun, code=code)) for code in ("CANARY-1", "CANARY-2")]
    assert within(await alice.get(second)) == begun.page
    assert within(await alice.get(first)) == begun.page
    assert stage.handed_over()["code"] == "CANARY-2"
    third = within(await alice.come_back(begun, error="access_denied"))
    assert within(await alice.get(third)) == begun.page
    assert (await alice.get(first)).status_code == 400
    stage.redeem()
    assert "has a token" in (await alice.get(begun.page)).text
    assert len(stage.cluster.writes("/secrets")) == 2  # the trial and the one


async def test_a_ticket_is_not_used_up_by_whoever_only_looks_ahead() -> None:
    """HEAD is what link checkers send."""
    stage = Stage()
    alice = stage.browser()
    ticket = within(await alice.come_back(await alice.begin()))
    assert (await alice.http.head(URL + ticket)).status_code == 405
    assert (await alice.get(ticket)).status_code == 303


async def test_two_sign_ins_in_one_browser_do_not_disturb_each_other() -> None:
    """Each has a state of its own; both know the browser."""
    stage = Stage()
    stage.client("other")
    alice = stage.browser()
    one, other = await alice.begin(), await alice.begin("/team-a/other")
    for begun, code in ((other, "CANARY-other"), (one, "CANARY-one")):
        await alice.get(within(await alice.come_back(begun, code=code)))
    assert (stage.handed_over()["code"], stage.handed_over("other")["code"]) == ("CANARY-one", "CANARY-other")


async def test_another_browser_gets_nothing_of_a_sign_in() -> None:
    """Neither its page nor its answer: who is sent to the server by somebody else signs in for nobody."""
    stage = Stage()
    attacker, victim = stage.browser(), stage.browser()
    await victim.get("/")
    begun = await attacker.begin()
    ticket = within(await victim.come_back(begun))
    assert (await victim.get(begun.page)).status_code == 400
    assert (await victim.get(ticket)).status_code == 400
    assert (await attacker.get(ticket)).status_code == 400
    assert ("On to the sign-in" in (await attacker.get(begun.page)).text, stage.handed_over()) == (True, {})


async def test_another_person_in_the_same_browser_gets_nothing_of_a_sign_in() -> None:
    """Who began it would be answerable for the other's rights."""
    stage = Stage()
    stage.cluster.rights.add(("bob", "team-a", ""))
    browser = stage.browser()
    begun = await browser.begin()
    ticket = within(await browser.come_back(begun))
    browser.http.headers["Authorization"] = f"Bearer {BOB}"
    assert (await browser.get(begun.page)).status_code == 400
    assert (await browser.get(ticket)).status_code == 400
    assert not stage.handed_over()


async def test_a_right_that_was_taken_away_meanwhile_counts() -> None:
    """The code is not handed over."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    ticket = within(await alice.come_back(begun))
    stage.cluster.rights.clear()
    await alice.get(ticket)
    assert "You may not sign in for this client any more." in (await alice.get(begun.page)).text
    assert not stage.handed_over()


async def test_a_sign_in_expires_after_ten_minutes() -> None:
    """Before its answer and between the answer and its ticket."""
    stage = Stage()
    alice = stage.browser()
    late, later = await alice.begin(), await alice.begin()
    ticket = within(await alice.come_back(later))
    stage.clock.advance(timedelta(minutes=10, seconds=1))
    for expired in (await alice.come_back(late), await alice.get(late.page), await alice.get(ticket)):
        assert (expired.status_code, "more than 10 minutes ago" in expired.text) == (400, True)
    assert not stage.handed_over()


@pytest.mark.parametrize(
    ("headers", "changed"),
    [
        pytest.param({}, {"form_token": ""}, id="no token"),
        pytest.param({}, {"form_token": "0" * 64}, id="a wrong token"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, {}, id="another site's page"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, {}, id="a neighbour's page"),
        pytest.param({"Cookie": ""}, {}, id="no cookie"),
    ],
)
async def test_only_a_form_of_ours_begins_a_sign_in(headers: dict[str, str], changed: dict[str, str]) -> None:
    """Of this browser and of this person."""
    stage = Stage()
    alice = stage.browser()
    shown = await alice.get("/")
    token = shown.text.partition('name="form_token" value="')[2].partition('"')[0]
    pressed = await alice.http.post(URL + PAGE, data={"form_token": token, **changed}, headers=headers)
    assert (pressed.status_code, len(stage.sign_ins._by_id)) == (403, 0)


async def test_a_form_of_somebody_else_or_of_another_browser_is_not_ours() -> None:
    """The token is bound to both."""
    stage = Stage()
    stage.cluster.rights.add(("bob", "team-a", ""))
    alice, bob = stage.browser(), stage.browser(BOB)
    token = (await alice.get("/")).text.partition('name="form_token" value="')[2].partition('"')[0]
    assert (await bob.press(form_token=token)).status_code == 403
    alice.http.headers["Authorization"] = f"Bearer {BOB}"
    assert (await alice.http.post(URL + PAGE, data={"form_token": token})).status_code == 403


async def test_a_get_begins_nothing() -> None:
    """Whatever its query says."""
    stage = Stage()
    await stage.browser().get(f"{PAGE}?form_token=x&next=https://evil.example")
    assert not stage.sign_ins._by_id


async def _told(stage: Stage) -> httpx.Response:
    return await stage.browser().press()


async def test_what_stands_in_the_way_is_told_before_anybody_signs_in() -> None:
    """The client's state, the server's refusal, an earlier sign-in, the portal's rights."""
    stage = Stage()
    stage.client("reports", suspend=True)
    shown = await _told(stage)
    assert (shown.status_code, "spec.suspend is true" in shown.text) == (409, True)

    stage.client("reports", login={"redirectURI": "http://localhost:7182/callback"})
    stage.documents.page = RawAnswer(400, {}, b"<html>")
    shown = await _told(stage)
    assert (shown.status_code, f"the redirect URI {URL}/callback is not in" in shown.text) == (409, True)


async def test_a_right_that_the_portal_lacks_is_not_told_as_the_persons(caplog: pytest.LogCaptureFixture) -> None:
    """The log says which one it is."""
    stage = Stage()
    stage.cluster.faults.append(Fault("POST", "/secrets", before=ApiError(403)))
    shown = await _told(stage)
    assert (shown.status_code, "The portal itself lacks a right" in shown.text) == (409, True)
    assert "create Secrets in namespace team-a" in caplog.text


async def test_a_cluster_that_fails_at_the_hand_over_is_told() -> None:
    """The code is lost with it: it may have been handed over or not."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    ticket = within(await alice.come_back(begun))
    stage.cluster.faults.append(Fault("POST", "/secrets", before=ApiError(500)))
    await alice.get(ticket)
    assert "The cluster did not take the sign-in." in (await alice.get(begun.page)).text


async def test_a_person_has_at_most_eight_open_sign_ins() -> None:
    """The oldest makes room; nobody else's does."""
    stage = Stage()
    stage.cluster.rights.add(("bob", "team-a", ""))
    alice, bob = stage.browser(), stage.browser(BOB)
    bobs = await bob.begin()
    begun = [await alice.begin() for _ in range(sign_ins.MOST_OF_ONE_PERSON + 1)]
    shown = [(await alice.get(one.page)).status_code for one in begun]
    assert shown == [400, *[200] * sign_ins.MOST_OF_ONE_PERSON]
    assert (await bob.get(bobs.page)).status_code == 200


async def test_a_person_cannot_keep_others_out_by_giving_sign_ins_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was answered is shown for a while; of one person no more is kept of it than of what is open."""
    monkeypatch.setattr(sign_ins, "MOST_OF_ALL", 2 * sign_ins.MOST_OF_ONE_PERSON)
    stage = Stage()
    stage.cluster.rights.add(("bob", "team-a", ""))
    alice = stage.browser()
    for _ in range(sign_ins.MOST_OF_ALL + 1):
        begun = await alice.begin()
        await alice.get(within(await alice.come_back(begun, code=None, error="access_denied")))
        assert "was cancelled" in (await alice.get(begun.page)).text
    await stage.browser(BOB).begin()


async def test_all_together_have_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory ends somewhere."""
    monkeypatch.setattr(sign_ins, "MOST_OF_ALL", 1)
    stage = Stage()
    await stage.browser().begin()
    assert (await _told(stage)).status_code == 503


async def test_a_flood_of_answers_to_one_sign_in_is_not_kept() -> None:
    """The latest few are."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    tickets = [within(await alice.come_back(begun)) for _ in range(9)]
    assert len(stage.sign_ins._by_ticket) == 4
    assert (await alice.get(tickets[0])).status_code == 400
    assert (await alice.get(tickets[-1])).status_code == 303


async def test_a_body_that_is_too_long_is_not_read() -> None:
    """Nobody needs to be known for a POST to the callback."""
    back = await Stage().browser("").http.post(f"{URL}/callback", content=b"state=" + b"x" * 70_000)
    assert (back.status_code, back.headers["cache-control"]) == (413, "no-store")


async def test_a_portal_that_was_started_anew_knows_no_sign_in() -> None:
    """It says so, and begins another; pages that are open go on working."""
    before, after = Stage(), Stage()
    alice = before.browser()
    begun = await alice.begin()
    alice.http._transport = after.browser().http._transport
    assert "before the portal restarted" in (await alice.come_back(begun)).text
    await alice.begin()
    assert len(after.sign_ins._by_id) == 1


async def test_nothing_of_a_sign_in_can_be_printed() -> None:
    """State, nonce and verifier are what the whole thing rests on."""
    stage = Stage()
    alice = stage.browser()
    begun = await alice.begin()
    await alice.come_back(begun)
    (one,) = stage.sign_ins._by_id.values()
    secrets = [one.attempt.state, one.attempt.nonce, one.attempt.code_verifier]
    assert isinstance(one.attempt, Attempt)
    assert not [secret for secret in (*(s.reveal() for s in secrets), "CANARY", ALICE) if secret in repr(one)]
