"""People sign in through the chart's portal, behind a proxy, in a real browser, at a real authorization server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.chart.front import STRANGER, Front
from tests.chart.helm import NAMESPACE, PORTAL, Helm, Values, named
from tests.chart.pod import Pod
from tests.chart.rights import asked, granted, refused, superfluous
from tests.chart.stay import Stay, Surroundings, await_rights, install
from tests.control_plane import ControlPlane
from tests.control_plane.connect import connect
from tests.control_plane.plane import is_external
from tests.control_plane.site import Site
from tests.integration.operator import canary
from tests.integration.operator.cluster import Cluster, Object, clients, secrets
from tests.integration.operator.eventually import eventually
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.signing_in import agree, cancel, enter
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PRIVATE_POST, PUBLIC, CitrixCloud, Client

pytestmark = pytest.mark.skipif(is_external(), reason="needs the audit log of a control plane of its own")

TEAM = "team-a"
USER = f"system:serviceaccount:{NAMESPACE}:{PORTAL}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKENS = {user: f"CANARY-bearer-of-{user}" for user in ("alice", "bob")}
USERS = {token: (f"{user}@example.com", "people") for user, token in TOKENS.items()}
RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: sign-in, namespace: team-a}
rules: [{apiGroups: [citrix-oauth.dev], resources: [citrixclients/login], verbs: [update]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sign-in, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sign-in}
subjects: [{kind: User, name: alice@example.com, apiGroup: rbac.authorization.k8s.io}]
"""


class PortalPod(Pod):
    """The portal as its Deployment starts it."""

    def start(self) -> None:
        """Start the process; return when it serves."""
        self.launch()
        eventually(lambda: "serving on port" in self._logs[-1].read_text(), "the portal serves", lambda: self.log)


@dataclass(frozen=True, slots=True)
class Place:
    """A portal in a cluster with one team."""

    stay: Stay
    portal: PortalPod
    front: Front
    world: World

    def client(self, name: str, registered: Client = PUBLIC, **spec: object) -> None:
        """Create a client that nobody has signed in for, and wait until it says so."""
        reference = None
        if registered.secret:
            reference = {"name": self.world.credentials(name, client_secret=registered.secret)}
        server = f"{self.world.prefix}-cloud"
        self.world.client(name, server, clientID=registered.id, credentialsSecretRef=reference, **spec)
        told = self.world.stalled(name, "LoginRequired")
        assert told["status"]["login"]["url"] == f"{self.front.origin}/{TEAM}/{name}"

    def begin(self, page: Page, name: str) -> None:
        """Open the client's page and press its button; the server's sign-in page is there afterwards."""
        page.goto(self.world.now(name)["status"].get("login", {}).get("url") or f"{self.front.origin}/{TEAM}/{name}")
        page.get_by_role("button", name=f"Sign in for {TEAM}/{name}").click()
        page.wait_for_selector("input[name=login]")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane of the module's own, which knows people and keeps an audit log."""
    with ControlPlane(audited=True, site=Site(users=USERS)) as made:
        yield made


@pytest.fixture(scope="module")
def place(
    plane: ControlPlane, helm: Helm, citrix_cloud: CitrixCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """The chart with its portal, installed; what the portal said is searched for secrets at the end."""
    url, folder = citrix_cloud.redirect_uris[1].removesuffix("/callback"), tmp_path_factory.mktemp("portal")
    plane.kubectl("create", "namespace", TEAM)
    plane.kubectl("apply", "-f", "-", stdin=RIGHTS)
    values: Values = {"portal": {"enabled": True, "url": url}, "admissionPolicy": {"enabled": True}}
    with Cluster(plane.kubeconfig) as cluster, Endpoints() as endpoints:
        around = Surroundings(plane, cluster, citrix_cloud, endpoints, folder)
        with install(replace(helm, kubeconfig=plane.kubeconfig), values, around) as stay:
            portal = PortalPod(named(stay.manifests, "Deployment", PORTAL), plane, folder)
            await_rights(cluster, granted(stay.manifests, PORTAL), USER)
            portal.start()
            with Front(urlsplit(url).port or 0, portal.port, TOKENS) as front, stay.team(TEAM) as world:
                world.stand_in("cloud")
                yield Place(stay, portal, front, world)
                assert canary.leaks(world, [("portal's log", portal.log)]) == []
                portal.stop()


def _context(browser: Browser, place: Place, user: str = "alice", *, scripts: bool = True) -> BrowserContext:
    context = browser.new_context(ignore_https_errors=True, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{place.front.origin}/front/{user}")
    page.close()
    return context


@pytest.fixture(scope="module")
def session(browser: Browser, place: Place) -> Iterator[BrowserContext]:
    """Alice's browser: the server's session outlives a sign-in."""
    context = _context(browser, place)
    yield context
    context.close()


@pytest.fixture
def page(browser: Browser, place: Place) -> Iterator[Page]:
    """A browser of Alice's that the server does not know yet."""
    context = _context(browser, place)
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
    page.goto(f"{place.front.origin}/")
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
    context = _context(browser, place, scripts=False)
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
    assert page.get_by_role("button", name="Sign in").is_visible()


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
    assert page.get_by_role("button", name=f"Sign in for {TEAM}/back").is_visible()
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
    victim = _context(browser, place, "bob")
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
    bob = _context(browser, place, "bob")
    page = bob.new_page()
    page.goto(f"{place.front.origin}/")
    told = page.inner_text("main")
    assert ("There is none." in told, "bob@example.com" in told, "reports" in told) == (True, True, False)
    answer = page.goto(f"{place.front.origin}/{TEAM}/reports")
    assert (answer and answer.status, "There is no such client" in page.inner_text("main")) == (404, True)
    bob.close()
    stranger = browser.new_context(ignore_https_errors=True)
    page = stranger.new_page()
    page.goto(f"{place.front.origin}/")
    assert page.inner_text("body") == STRANGER
    page.goto(f"{place.front.origin}/front/nobody")
    assert "does not know who you are" in page.inner_text("main")
    stranger.close()


def test_the_portal_cannot_write_anything_else(place: Place) -> None:
    """What RBAC cannot say, the admission policies do."""
    place.client("guarded")
    before = place.world.now("guarded")
    dry = {"dryRun": "All"}
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "guarded-login"}}
    token: Object = {**secret, "type": "kubernetes.io/service-account-token"}
    token["metadata"] = {"name": "t", "annotations": {"kubernetes.io/service-account.name": "default"}}
    with connect(place.portal.kubeconfig) as portal:
        for refusal in (
            portal.post(secrets(TEAM), json=secret, params=dry),
            portal.post(secrets(TEAM), json=token, params=dry),
            _patched(portal, {"spec": {"suspend": True}}),
            _patched(portal, {"metadata": {"labels": {"x": "y"}}}),
            _patched(portal, {"metadata": {"annotations": {"x": "y"}}}),
        ):
            assert (refusal.status_code, "the portal may only" in refusal.text) == (422, True), refusal.text
        assert portal.get(f"{secrets(TEAM)}/guarded-token").status_code == 403
    assert place.world.now("guarded") == before


def _patched(portal: httpx.Client, change: Object) -> httpx.Response:
    kind = {"Content-Type": "application/merge-patch+json"}
    return portal.patch(f"{clients(TEAM)}/guarded", json=change, headers=kind)


def test_it_needs_each_of_its_rights_and_no_other(place: Place) -> None:
    """The audit log of all of the above; the test before it asked for what it may not."""
    events = place.stay.around.plane.audit_events()
    assert {right.verb for right in refused(events, USER) if right.resource == "secrets"} <= {"get", "create"}
    assert superfluous(granted(place.stay.manifests, PORTAL), asked(events, USER)) == []
