"""A person signs in with `citrix-oauth login`, in a real browser, at a real authorization server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from tests.browser import new_context
from tests.control_plane import ControlPlane
from tests.integration.operator import canary
from tests.integration.operator.accounts import kubeconfig_of
from tests.integration.operator.cluster import Object, secrets
from tests.integration.operator.eventually import eventually
from tests.integration.operator.signing_in import Terminals, agree, at_once, cancel, enter, shown
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PRIVATE_POST, PUBLIC, PUBLIC_ONLINE, Client, Fault

SECRET = PRIVATE_POST.secret or ""


@pytest.fixture(scope="module")
def terminals(
    world: World, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminals]:
    """Where the command is run; what it said is searched for secrets at the end."""
    made = Terminals(tmp_path_factory.mktemp("terminals"), control_plane.kubeconfig)
    yield made
    said = [(path.name, path.read_text()) for path in made.folder.glob("*.log")]
    assert canary.leaks(world, said) == []


@pytest.fixture(scope="module")
def session(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser: the server's session outlives a sign-in."""
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that knows nobody yet."""
    context = new_context(browser)
    yield context.new_page()
    context.close()


def _client(world: World, name: str, registered: Client = PRIVATE_POST, secret: str = SECRET, **login: object) -> str:
    """Create a client that nobody has signed in for, and wait until it says so."""
    if registered.secret:
        world.credentials(name, client_secret=secret)
    spec: Object = {"clientID": registered.id, "login": {"redirectURI": world.cloud.redirect_uris[0], **login}}
    if not registered.secret:
        spec["credentialsSecretRef"] = None
    world.client(name, world.stand_in(name), **spec)
    told = world.stalled(name, "LoginRequired")
    assert told["status"]["login"]["command"] == f"kubectl citrix-oauth login {name} -n {world.namespace}"
    return name


def test_one_command_and_a_browser_make_a_token_from_nothing(
    world: World, terminals: Terminals, session: BrowserContext
) -> None:
    """A wrong password first, as people do; the command needs no client secret, and leaves nothing behind."""
    _client(world, "reports", expectedSubject="alice")
    page = session.new_page()
    with terminals.login("reports", "-n", world.namespace) as terminal:
        page.goto(terminal.address)
        enter(page, typed="wrong")
        enter(page)
        agree(page)
        assert f"{world.namespace}/reports has a token now, signed in as alice." in shown(page)
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "24px", "no style"
        status, text = terminal.end()
    assert status == 0, text
    assert "Signed in as alice.\nSecret reports-token holds a token until " in text
    assert "Somebody must sign in again by " in text
    world.ready("reports")
    with world.cloud.http() as http:
        headers = {"Authorization": world.token("reports")["authorization"]}
        assert http.get(f"{world.cloud.origin}/citrixapi/store/resources", headers=headers).is_success
    assert world.cluster.get(secrets(world.namespace), "reports-login") is None


def test_a_second_sign_in_in_the_same_browser_kills_nobodys_grant(
    world: World, terminals: Terminals, session: BrowserContext
) -> None:
    """By https on loopback; the server knows the browser, and the old grant is dropped and not revoked."""
    world.change("reports", login={"redirectURI": world.cloud.redirect_uris[1]})
    old, token = world.grant("reports"), world.token("reports")
    page = session.new_page()
    with terminals.login("reports", "-n", world.namespace) as terminal:
        page.goto(terminal.address)
        enter(page)
        assert world.token("reports") == token
        agree(page)
        assert "signed in as alice" in shown(page)
        status, text = terminal.end()
    assert (status, "Its SHA-256 is " in text) == (0, True), text
    assert world.grant("reports")["chain"] != old["chain"]
    assert world.cloud.stats().revoked_grants == 0
    assert world.cloud.refresh(old["refresh_token"], PRIVATE_POST.id).is_success
    world.refreshed("reports", 1)


def test_a_cancelled_sign_in_changes_nothing(world: World, terminals: Terminals, page: Page) -> None:
    """The person learns of it in both places."""
    _client(world, "cancelled")
    with terminals.login("cancelled", "-n", world.namespace) as terminal:
        page.goto(terminal.address)
        cancel(page)
        assert "The sign-in was cancelled" in shown(page)
        status, text = terminal.end()
    assert (status, "cancelled" in text, "(access_denied)" in text) == (3, True, True), text
    assert world.cluster.get(secrets(world.namespace), "cancelled-login") is None
    world.stalled("cancelled", "LoginRequired")


@contextmanager
def _nothing_decided(world: World) -> Iterator[None]:
    """Let the operator stand still, so that something can happen meanwhile; what is then on its way arrives in time."""
    world.cloud.faults([Fault(when="before", kind="delay", delay_ms=2000, grant_type="authorization_code")])
    world.operator.freeze()
    try:
        yield
    finally:
        world.operator.thaw()


def _codes_sent(world: World) -> int:
    return world.cloud.stats().token_requests.get("authorization_code", 0)


SUBMITTED_AGAIN = """addEventListener('DOMContentLoaded', () => {
  if (document.title === 'Submitting Callback') setTimeout(() => document.forms[0].submit(), 1500);
})"""


def test_a_double_click_on_the_answer_is_one_sign_in(world: World, terminals: Terminals, page: Page) -> None:
    """The browser sends the code twice; the server sees it once."""
    _client(world, "double", PUBLIC)
    sent: list[str | None] = []

    def is_the_second(request: Request) -> bool:
        if request.url == world.cloud.redirect_uris[0]:
            sent.append(request.post_data)
        return len(sent) == 2

    page.add_init_script(SUBMITTED_AGAIN)
    with terminals.login("double", "-n", world.namespace) as terminal:
        page.goto(terminal.address)
        enter(page)
        with _nothing_decided(world), page.expect_request(is_the_second):
            agree(page)
        assert "has a token now" in shown(page)
        assert terminal.end()[0] == 0
    assert (sent[0], _codes_sent(world)) == (sent[1], 1)


def test_two_tabs_are_one_sign_in(world: World, terminals: Terminals, page: Page) -> None:
    """Both come back, each with a code of its own; the first one counts, and both say so."""
    _client(world, "tabs", PUBLIC)
    other = page.context.new_page()
    with terminals.login("tabs", "-n", world.namespace) as terminal:
        for tab in (page, other):
            tab.goto(terminal.address)
            enter(tab)
        with _nothing_decided(world):
            for tab in (page, other):
                with tab.expect_request(world.cloud.redirect_uris[0]):
                    agree(tab)
        assert shown(page) == shown(other)
        assert terminal.end()[0] == 0
    assert _codes_sent(world) == 1


def test_a_tab_of_an_earlier_command_is_told_so_and_disturbs_nothing(
    world: World, terminals: Terminals, page: Page
) -> None:
    """Ctrl-C, again, and then the old tab: its state has expired with its command."""
    _client(world, "stale", PUBLIC)
    with terminals.login("stale", "-n", world.namespace) as first:
        page.goto(first.address)
        first.interrupt()
        assert first.end() == (130, f"{first.text}")
        assert "Stopped; nothing was signed in." in first.text
    with terminals.login("stale", "-n", world.namespace) as second:
        address = second.address
        enter(page)
        agree(page)
        assert "belongs to another sign-in" in shown(page)
        fresh = page.context.new_page()
        fresh.goto(address)
        enter(fresh)
        agree(fresh)
        assert "has a token now" in shown(fresh)
        assert second.end()[0] == 0
    assert _codes_sent(world) == 1


REFUSED = {
    "wrong person": (PUBLIC, "", {"expectedSubject": "bob"}, "AccountProblem", "expectedSubject"),
    "wrong client secret": (PRIVATE_POST, "CANARY-not-the-secret", {}, "ClientRejected", "client_secret"),
    "no offline access": (PUBLIC_ONLINE, "", {}, "NoRefreshToken", "Offline Access"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_operator_refuses_is_told_where_the_person_is(
    world: World, terminals: Terminals, page: Page, case: str
) -> None:
    """In its own words, on the page and in the terminal."""
    registered, secret, login, reason, words = REFUSED[case]
    name = _client(world, case.replace(" ", "-"), registered, secret, **login)
    with terminals.login(name, "-n", world.namespace) as terminal:
        page.goto(terminal.address)
        enter(page)
        agree(page)
        told = shown(page)
        status, text = terminal.end()
    assert (status, reason in text, words in text) == (1, True, True), text
    assert "Not signed in" in told
    assert words in told


RIGHTS = (
    ("get", "citrixclients.citrix-oauth.dev", "read CitrixClients"),
    ("get", "authorizationservers.citrix-oauth.dev", "read AuthorizationServer"),
    ("create", "secrets", "create Secrets"),
    ("patch", "citrixclients.citrix-oauth.dev", "patch CitrixClients"),
)


def _grant(control_plane: ControlPlane, world: World, name: str, verb: str, resource: str) -> None:
    """Give the person one right, in the whole cluster where the resource is of it."""
    kind, where = ("clusterrole", ()) if "servers" in resource else ("role", ("-n", world.namespace))
    control_plane.kubectl("create", kind, name, f"--verb={verb}", f"--resource={resource}", *where)
    bound = (f"--{kind}={name}", f"--serviceaccount={world.namespace}:person")
    control_plane.kubectl("create", f"{kind}binding", name, *bound, *where)


def _told(kubeconfig: Path, *arguments: str, status: int, words: str) -> None:
    """Run the command until it ends so: a right that was given is known to the API server a moment later."""
    said: list[tuple[int, str]] = []

    def ends_so() -> bool:
        said.append(at_once(kubeconfig, *arguments))
        return said[-1][0] == status and words in said[-1][1]

    eventually(ends_so, words, lambda: said[-1])


def test_what_stands_in_the_way_is_told_before_anybody_signs_in(
    world: World, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """One right after the other, a taken port, a name that is none, nobody at the browser, a redirect URI unknown."""
    person, there = kubeconfig_of(control_plane, world.namespace, "person", tmp_path), ("-n", world.namespace)
    name = _client(world, "hindered", PUBLIC)
    with socket.create_server(("127.0.0.1", urlsplit(world.cloud.redirect_uris[0]).port or 0)):
        for number, (verb, resource, lacking) in enumerate(RIGHTS):
            _told(person, name, *there, status=5, words=f"You may not {lacking}")
            _grant(control_plane, world, f"{world.prefix}-person-{number}", verb, resource)
        _told(person, name, *there, status=4, words="is taken")

    admin = control_plane.kubeconfig
    status, text = at_once(admin, "nobody", *there)
    assert (status, "There is no CitrixClient nobody" in text) == (2, True), text

    assert at_once(admin, name, *there, "--context", "nowhere")[0] == 2
    status, text = at_once(admin, name, *there, "--timeout-seconds", "0")
    assert (status, "Nobody came back" in text, "ssh -L" in text) == (6, True, True), text

    world.change(name, login={"redirectURI": "http://localhost:7182/elsewhere"})
    status, text = at_once(admin, name, *there)
    assert (status, "http://localhost:7182/elsewhere is not in the client's registration" in text) == (3, True), text


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
