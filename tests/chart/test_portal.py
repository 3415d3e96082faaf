"""People sign in through the chart's portal, behind a proxy, in a real browser, at a real authorization server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.browser import new_context
from tests.chart.helm import PORTAL, Helm
from tests.chart.portal import TEAM, USER, Place, made_up, of_people, portal
from tests.chart.proxy import COOKIE, Proxy, documented
from tests.chart.rights import asked, granted, refused, superfluous
from tests.control_plane import ControlPlane, build
from tests.control_plane.children import free_port
from tests.control_plane.connect import connect
from tests.control_plane.plane import is_external
from tests.control_plane.site import Site
from tests.integration.operator.cluster import Object, clients, secrets
from tests.integration.operator.eventually import eventually
from tests.integration.operator.signing_in import agree, cancel, enter
from tests.standins.citrix_cloud import PRIVATE_POST, CitrixCloud

pytestmark = pytest.mark.skipif(is_external(), reason="needs the audit log of a control plane of its own")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="session")
def oauth2_proxy() -> Path:
    """The proxy's program."""
    return build.oauth2_proxy()


@pytest.fixture(scope="module")
def people(citrix_cloud: CitrixCloud) -> Iterator[CitrixCloud]:
    """The server of people's own organisation; on an address of its own, since browsers share cookies between ports."""
    proxies = (citrix_cloud.redirect_uris[1].removesuffix("/callback"), f"https://localhost:{free_port()}")
    with CitrixCloud(host="127.0.0.2", redirect_uris=[f"{proxy}/oauth2/callback" for proxy in proxies]) as made:
        made.configure(rotate=False)  # tests begin with copies of one session: none may end another's
        yield made


@pytest.fixture(scope="module")
def plane(people: CitrixCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of the module's own, which knows people by their id tokens, and keeps an audit log."""
    flags = of_people(people, tmp_path_factory.mktemp("people"))
    with ControlPlane(audited=True, site=Site(api_flags=flags)) as made:
        yield made


@pytest.fixture(scope="module")
def place(  # noqa: PLR0913, PLR0917 - what it is made of
    plane: ControlPlane,
    helm: Helm,
    oauth2_proxy: Path,
    citrix_cloud: CitrixCloud,
    people: CitrixCloud,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """The chart with its portal, installed behind the proxy."""
    folder = tmp_path_factory.mktemp("portal")
    with portal(plane, helm, oauth2_proxy, (citrix_cloud, people), folder) as made:
        yield made


@pytest.fixture(scope="module")
def session(browser: Browser, place: Place) -> Iterator[BrowserContext]:
    """Alice's browser: the server's session outlives a sign-in."""
    context = place.browser_of(browser)
    yield context
    context.close()


@pytest.fixture
def page(browser: Browser, place: Place) -> Iterator[Page]:
    """A browser of Alice's that the server does not know yet."""
    context = place.browser_of(browser)
    yield context.new_page()
    context.close()


def over(page: Page) -> str:
    """Wait for the page of a sign-in that is over; return its text."""
    page.wait_for_selector("main[role=status] h1.good, main[role=status] h1.bad")
    return page.inner_text("main")


def test_a_page_and_a_button_make_a_token_from_nothing(place: Place, session: BrowserContext) -> None:
    """A wrong password first, as people do; the list shows the client before and after."""
    place.client("reports", PRIVATE_POST, login={"expectedSubject": "alice"})
    page = session.new_page()
    page.goto(f"{place.proxy.origin}/")
    assert "Sign-in needed" in page.inner_text(".card:has-text('reports')")
    page.get_by_role("button", name=f"Sign in for {TEAM}/reports").click()
    enter(page, typed="wrong")
    enter(page)
    agree(page)
    told = over(page)
    assert f"{TEAM}/reports has a token" in told
    assert "Signed in as alice." in told
    assert "Somebody must sign in again by " in told
    place.world.ready("reports")
    assert place.world.cluster.get(secrets(TEAM), "reports-login") is None
    page.get_by_role("link", name="All clients").click()
    assert "Well" in page.inner_text(".card:has-text('reports')")


def test_a_second_sign_in_in_the_same_browser_kills_nobodys_grant(place: Place, session: BrowserContext) -> None:
    """The server knows the browser; the old grant is dropped and not revoked."""
    world = place.world
    old = world.grant("reports")
    page = session.new_page()
    place.begin(page, "reports")
    enter(page)
    agree(page)
    assert "has a token" in over(page)
    assert world.grant("reports")["chain"] != old["chain"]
    assert world.cloud.stats().revoked_grants == 0
    assert world.cloud.refresh(old["refresh_token"], PRIVATE_POST.id).is_success
    world.annotate("reports", requested_at="2026-01-01T00:00:00Z")
    world.refreshed("reports", 1)


def test_without_javascript_it_is_the_same(place: Place, browser: Browser) -> None:
    """The server's own page then has a button to post the answer by."""
    place.client("plain")
    context = place.browser_of(browser, scripts=False)
    page = context.new_page()
    place.begin(page, "plain")
    enter(page)
    agree(page)
    page.get_by_role("button", name="Continue").click()
    assert "has a token" in over(page)
    context.close()


def test_a_cancelled_sign_in_changes_nothing(place: Place, page: Page) -> None:
    """And leads back to the button."""
    place.client("cancelled")
    place.begin(page, "cancelled")
    cancel(page)
    assert "The sign-in was cancelled" in over(page)
    assert place.world.cluster.get(secrets(TEAM), "cancelled-login") is None
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_role("button", name="Sign in").wait_for()


def test_a_double_click_on_the_answer_is_one_sign_in(place: Place, page: Page) -> None:
    """The browser sends the code twice; the operator gets it once."""
    place.client("double")
    before = _codes_sent(place)
    answers: list[int] = []

    def twice(route: Route) -> None:
        """Send what the browser sends, and forget the answer, as a browser does at the second click."""
        first = page.request.post(route.request.url, data=route.request.post_data_buffer, headers=FORM, max_redirects=0)
        answers.append(first.status)
        route.continue_()

    page.route("**/callback", twice)
    place.begin(page, "double")
    enter(page)
    agree(page)
    assert "has a token" in over(page)
    assert (answers, _codes_sent(place) - before) == ([303], 1)


def _codes_sent(place: Place) -> int:
    return place.world.cloud.stats().token_requests.get("authorization_code", 0)


def test_the_back_button_and_reload_sign_nobody_in_again(place: Place, page: Page) -> None:
    """From the result to the server's page that posted, and again: the first answer counted."""
    place.client("back")
    before = _codes_sent(place)
    place.begin(page, "back")
    page.go_back()
    page.get_by_role("button", name=f"Sign in for {TEAM}/back").wait_for()
    page.go_forward()
    page.wait_for_selector("input[name=login]")
    enter(page)
    agree(page)
    told = over(page)
    page.reload()
    assert over(page) == told
    page.go_back()
    page.go_forward()
    assert over(page) == told
    assert _codes_sent(place) - before == 1


def test_two_tabs_are_two_sign_ins_that_do_each_other_no_harm(place: Place, page: Page) -> None:
    """One after the other has its token; the later grant stays."""
    place.client("tabs")
    other = page.context.new_page()
    for tab in (page, other):
        place.begin(tab, "tabs")
        enter(tab)
    agree(page)
    assert "has a token" in over(page)
    first = place.world.grant("tabs")
    agree(other)
    assert "has a token" in over(other)
    assert place.world.grant("tabs")["chain"] != first["chain"]
    assert place.world.cloud.stats().revoked_grants == 0


def test_another_browser_gets_nothing_and_gives_nothing(place: Place, page: Page, browser: Browser) -> None:
    """Who is sent the server's address by somebody else signs in for nobody; the sign-in itself waits on."""
    place.client("elsewhere")
    place.begin(page, "elsewhere")
    victim = place.browser_of(browser, "bob")
    theirs = victim.new_page()
    theirs.goto(_sent_to(place, page))
    enter(theirs, "bob")
    agree(theirs)
    assert "No sign-in of this browser" in over(theirs)
    assert place.world.cluster.get(secrets(TEAM), "elsewhere-login") is None
    victim.close()
    enter(page)
    agree(page)
    assert "Signed in as alice." in over(page)


def _sent_to(place: Place, page: Page) -> str:
    """Return the address at the server that the portal has sent this browser to."""
    page.go_back()
    with page.expect_request(re.compile("/connect/authorize")) as sent:
        page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("input[name=login]")
    assert sent.value.url.startswith(place.world.cloud.issuer)
    return str(sent.value.url)


def test_a_portal_that_restarted_says_that_it_knows_the_sign_in_no_more(place: Place, page: Page) -> None:
    """As for one that has expired; the button is one click away."""
    place.client("restarted")
    place.begin(page, "restarted")
    place.portal.stop()
    place.portal.start()
    enter(page)
    agree(page)
    assert "before the portal restarted" in over(page)
    place.begin(page, "restarted")
    enter(page)
    agree(page)
    assert "has a token" in over(page)


def test_who_may_not_sees_nothing_and_a_stranger_not_even_that(place: Place, browser: Browser) -> None:
    """Bob is known and has no right; nobody else gets past the proxy."""
    bob = place.browser_of(browser, "bob")
    page = bob.new_page()
    page.goto(f"{place.proxy.origin}/")
    told = page.inner_text("main")
    assert ("There is none." in told, "bob@example.com" in told, "reports" in told) == (True, True, False)
    answer = page.goto(f"{place.proxy.origin}/{TEAM}/reports")
    assert (answer and answer.status, "There is no such client" in page.inner_text("main")) == (404, True)
    bob.close()
    stranger = new_context(browser)
    page = stranger.new_page()
    answer = page.goto(f"{place.proxy.origin}/{TEAM}/reports")
    assert (answer and answer.status, "reports" in page.inner_text("body")) == (403, False)
    stranger.close()


@pytest.mark.parametrize("words", ["", "Bearer", "Bearer {made_up}"])
def test_who_comes_to_the_portal_past_the_proxy_without_a_token_of_theirs_is_nobody(place: Place, words: str) -> None:
    """Whatever else a proxy may send is not believed, and a token that nobody signed is none."""
    headers = {"X-Forwarded-User": "alice@example.com", "X-Forwarded-Email": "alice@example.com"}
    if words:
        headers["Authorization"] = words.format(made_up=made_up(place.people))
    with _past(place, headers) as past:
        for answer in (past.get("/"), past.get(f"/{TEAM}/reports"), past.post(f"/{TEAM}/reports", data={"a": "b"})):
            assert (answer.status_code, "does not know who you are" in answer.text) == (401, True)
            assert ("reports" in answer.text, "set-cookie" in answer.headers) == (False, False)


def _past(place: Place, headers: dict[str, str] | None = None) -> httpx.Client:
    """Return a client that goes past the proxy, for the caller to close."""
    return httpx.Client(base_url=f"http://127.0.0.1:{place.portal.port}", headers=headers, trust_env=False, timeout=60)


def test_through_the_proxy_somebody_is_who_they_signed_in_as(place: Place, browser: Browser) -> None:
    """A token that the browser sends itself, be it a good one, is replaced by the session's; alone it is nothing."""
    with _asked(place) as asked, asked.http(_cookies(place, browser, "alice")) as http:
        alice = {"Authorization": http.get("/oauth2/auth").headers["Authorization"]}
    with place.proxy.http() as http:
        assert http.get("/", headers=alice).status_code == httpx.codes.FORBIDDEN
    with place.proxy.http(_cookies(place, browser, "bob")) as http:
        told = http.get("/", headers=alice).text
    assert ("bob@example.com" in told, "alice@example.com" in told) == (True, False)


def _cookies(place: Place, browser: Browser, user: str) -> dict[str, str]:
    place.browser_of(browser, user).close()
    return {one["name"]: one["value"] for one in place.sessions[user] if one["name"].startswith(COOKIE)}


def _asked(place: Place, **instead: str) -> Proxy:
    """Return a proxy that an Ingress controller asks, rather than passes through."""
    here = {"trusted_proxy_ip": "127.0.0.0/8", "cookie_domain": "localhost", "whitelist_domain": "localhost"}
    return place.proxy.another(free_port(), *documented("oauth2-proxy-asked", **here), **instead)


def test_a_proxy_that_is_asked_answers_with_a_token_that_the_portal_takes(place: Place, browser: Browser) -> None:
    """As `auth-url` of ingress-nginx does it; of a stranger it says so."""
    with _asked(place) as asked:
        with asked.http() as http:
            assert http.get("/oauth2/auth").status_code == httpx.codes.UNAUTHORIZED
        with asked.http(_cookies(place, browser, "alice")) as http:
            answer = http.get("/oauth2/auth")
    assert answer.status_code == httpx.codes.ACCEPTED
    kind, _, token = answer.headers["Authorization"].partition(" ")
    with _past(place) as past:
        assert "alice@example.com" in past.get("/", headers={"Authorization": f"{kind} {token}"}).text
        assert past.get("/", headers={"Authorization": f"Basic {token}"}).status_code == httpx.codes.UNAUTHORIZED


def test_an_id_token_is_renewed_before_it_ends(place: Place, browser: Browser) -> None:
    """By the refresh token that the proxy asks for; the API server takes the new one."""

    def seen(http: httpx.Client) -> str:
        answer = http.get("/")
        assert "alice@example.com" in answer.text, answer.text
        return http.get("/oauth2/auth").headers["Authorization"]

    with _asked(place, cookie_refresh="1s") as asked, asked.http(_cookies(place, browser, "alice")) as http:
        first = seen(http)
        eventually(lambda: seen(http) != first, "another id token", lambda: asked.log)
    assert "refresh_token" in {call.grant_type for call in place.people.calls()}


def test_a_token_that_no_cookie_holds_comes_through(place: Place, browser: Browser) -> None:
    """Somebody in 200 groups, one of which may sign in."""
    place.client("crowded")
    context = place.browser_of(browser, "carol")
    assert f"{COOKIE}_1" in _cookies(place, browser, "carol")
    page = context.new_page()
    place.begin(page, "crowded")
    enter(page)
    agree(page)
    assert "has a token" in over(page)
    context.close()


def test_a_proxys_session_that_ends_meanwhile_costs_a_sign_in_there_and_nothing_else(place: Place, page: Page) -> None:
    """Once before the button is pressed, once while the person is at the client's server."""
    place.client("meanwhile")
    page.goto(f"{place.proxy.origin}/{TEAM}/meanwhile")
    _forget_session(page)
    page.get_by_role("button", name="Sign in").click()
    place.pass_the_proxy(page)
    assert page.url == f"{place.proxy.origin}/{TEAM}/meanwhile"
    place.begin(page, "meanwhile")
    _forget_session(page)
    enter(page)
    agree(page)
    place.pass_the_proxy(page)
    assert "has a token" in over(page)


def test_a_proxy_without_a_page_of_its_own_loses_no_press_of_the_button(place: Place, page: Page) -> None:
    """It redirects the form to the sign-in at once: not all that a browser lets a form do."""
    place.client("direct")
    port = urlsplit(place.people.redirect_uris[1]).port or 0
    with place.proxy.another(port, "--skip-provider-button=true", "--cookie-csrf-per-request=true") as proxy:
        page.goto(f"{proxy.origin}/{TEAM}/direct")
        _forget_session(page)
        page.get_by_role("button", name="Sign in").click()
        enter(page)
        agree(page)
        page.wait_for_url(f"{proxy.origin}/{TEAM}/direct")


def _forget_session(page: Page) -> None:
    page.context.clear_cookies(name=re.compile(f"^{COOKIE}"))


def test_the_portal_cannot_write_anything_else(place: Place) -> None:
    """What RBAC cannot say, the admission policies do."""
    place.client("guarded")
    before = _wanted(place, "guarded")
    dry = {"dryRun": "All"}
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "guarded-login"}}
    token: Object = {**secret, "type": "kubernetes.io/service-account-token"}
    token["metadata"] = {"name": "t", "annotations": {"kubernetes.io/service-account.name": "default"}}
    with connect(place.portal.kubeconfig) as its:
        for refusal in (
            its.post(secrets(TEAM), json=secret, params=dry),
            its.post(secrets(TEAM), json=token, params=dry),
            _patched(its, {"spec": {"suspend": True}}),
            _patched(its, {"metadata": {"labels": {"x": "y"}}}),
            _patched(its, {"metadata": {"annotations": {"x": "y"}}}),
        ):
            assert (refusal.status_code, "the portal may only" in refusal.text) == (422, True), refusal.text
        assert its.get(f"{secrets(TEAM)}/guarded-token").status_code == 403
    assert _wanted(place, "guarded") == before


def _wanted(place: Place, name: str) -> tuple[object, ...]:
    """Return what people write of a client; the operator goes on writing its status."""
    client = place.world.now(name)
    return client["spec"], *(client["metadata"].get(key) for key in ("labels", "annotations", "generation"))


def _patched(its: httpx.Client, change: Object) -> httpx.Response:
    kind = {"Content-Type": "application/merge-patch+json"}
    return its.patch(f"{clients(TEAM)}/guarded", json=change, headers=kind)


def test_it_needs_each_of_its_rights_and_no_other(place: Place) -> None:
    """The audit log of all of the above; the test before it asked for what it may not."""
    events = place.stay.around.plane.audit_events()
    assert {right.verb for right in refused(events, USER) if right.resource == "secrets"} <= {"get", "create"}
    assert superfluous(granted(place.stay.manifests, PORTAL), asked(events, USER)) == []
