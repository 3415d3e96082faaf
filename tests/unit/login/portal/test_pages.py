"""Who sees what, and how the pages are sent."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from citrix_oauth_operator.domain.errors import Unreachable
from citrix_oauth_operator.login.portal.clients import MOST_ASKED
from citrix_oauth_operator.login.portal.rendering import times
from tests.unit.fakes import Fault
from tests.unit.login.portal.stage import ALICE, BOB, COOKIE, PAGE, PATH, Stage

ELSEWHERE = ("/", PAGE, "/-/sign-ins/x", "/-/returned/x")


async def test_a_person_sees_the_clients_they_may_sign_in_for_and_no_others() -> None:
    """Of one namespace, of one name, of all; what needs them comes first."""
    stage = Stage()
    stage.client("other", "team-b")
    well = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "reason": "TokenValid"}]}
    stage.client("always", status=well)
    stage.client("machine", grantType="ClientCredentials")
    seen = (await stage.browser().get("/")).text
    assert re.findall(r'action="/citrix(/[^"]+)"', seen) == ["/team-a/reports", "/team-a/always"]
    stage.cluster.rights = {("bob", "team-b", "other")}
    assert re.findall(r'action="/citrix(/[^"]+)"', (await stage.browser(BOB).get("/")).text) == ["/team-b/other"]
    stage.cluster.rights = {("bob", "", "")}
    assert len(re.findall(r'action="/citrix(/[^"]+)"', (await stage.browser(BOB).get("/")).text)) == 3


async def test_a_cluster_without_clients_has_a_page_too() -> None:
    """The API server says `null` then, where metadata is asked for."""
    stage = Stage()
    stage.cluster.drop(PATH)
    assert "There is none." in (await stage.browser().get("/")).text


async def test_who_may_nothing_sees_nothing() -> None:
    """And cannot tell a client that is not theirs from one that is not there."""
    stage = Stage()
    bob = stage.browser(BOB)
    page = await bob.get("/")
    assert ("reports" in page.text, "There is none." in page.text, "bob" in page.text) == (False, True, True)
    theirs, nobodys = await bob.get(PAGE), await bob.get("/team-a/nobodys")
    assert (theirs.status_code, theirs.text) == (404, nobodys.text)
    form = {"form_token": "0" * 64}
    assert (await bob.http.post("https://portal.example/citrix/team-a/reports", data=form)).status_code == 403
    assert not stage.cluster.writes("/secrets")


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer CANARY-unknown", "Basic YTpi", f"Token {ALICE}"])
async def test_who_is_not_known_gets_no_further(path: str, header: str) -> None:
    """The proxy in front says who it is; the portal has no field for a token."""
    browser = Stage().browser("")
    shown = await browser.http.get(f"https://portal.example/citrix{path}", headers={"Authorization": header})
    assert (shown.status_code, "set-cookie" in shown.headers, "<input" in shown.text) == (401, False, False)


async def test_two_tokens_in_one_request_are_nobodys() -> None:
    """A proxy that adds its own to the browser's would leave open which one counts."""
    browser = Stage().browser("")
    headers = [("Authorization", f"Bearer {token}") for token in (ALICE, BOB)]
    assert (await browser.http.get("https://portal.example/citrix/", headers=headers)).status_code == 401


async def test_a_token_is_believed_for_half_a_minute() -> None:
    """A review for each page would be one for each stylesheet, too; a revoked token does not live on."""
    stage = Stage()
    alice = stage.browser()
    for _ in range(3):
        await alice.get(PAGE)
    assert len([path for _, path in stage.cluster.requests if path.endswith("tokenreviews")]) == 1
    del stage.cluster.users[ALICE]
    stage.clock.advance(timedelta(seconds=31))
    assert (await alice.get(PAGE)).status_code == 401


async def test_the_access_review_names_all_that_the_api_server_knows_of_a_person() -> None:
    """Groups and extra decide, too."""
    stage = Stage()
    stage.cluster.users[ALICE] = {
        "username": "alice", "uid": "1", "groups": ["g", "h"], "extra": {"scopes.example": ["a"]},
    }  # fmt: skip
    await stage.browser().get(PAGE)
    asked = stage.cluster.asked[-1]
    assert (asked["user"], asked["uid"], asked["groups"], asked["extra"]) == (
        "alice", "1", ["g", "h"], {"scopes.example": ["a"]},
    )  # fmt: skip


async def test_a_listed_namespace_is_the_only_one_looked_at() -> None:
    """Also by address: the portal's own rights end there."""
    stage = Stage(namespaces=("team-a",))
    stage.client("other", "team-b")
    stage.cluster.rights = {("alice", "", "")}
    alice = stage.browser()
    assert "team-b" not in (await alice.get("/")).text
    assert (await alice.get("/team-b/other")).status_code == 404
    assert not [path for _, path in stage.cluster.requests if "team-b" in path]


async def test_many_clients_of_others_are_not_asked_for_one_by_one_for_ever() -> None:
    """The page says that there may be more."""
    stage = Stage()
    for number in range(MOST_ASKED + 1):
        stage.client(f"other-{number}", "team-b")
    page = await stage.browser().get("/")
    assert "There may be more" in page.text
    assert len(stage.cluster.asked) == MOST_ASKED + 3


@pytest.mark.parametrize(
    "path",
    [
        "/team-a/..%2F..%2Fsecrets",
        "/team-a/%2E%2E",
        "/Team/reports",
        "/team-a/reports%3Fx=1",
        "/team-a%2Fsecrets/x",
        "/a/%00",
    ],
)
async def test_an_address_reaches_only_clients(path: str) -> None:
    """What is no name is not put into a path of the API server."""
    stage = Stage()
    stage.cluster.rights = {("alice", "", "")}
    assert (await stage.browser().get(path)).status_code == 404
    assert not [path for verb, path in stage.cluster.requests if verb == "GET"]


@pytest.mark.parametrize("path", [*ELSEWHERE, "/callback", "/-/style.css", "/nothing", "/a/b/c"])
async def test_nothing_is_kept_framed_sent_on_or_loaded_from_elsewhere(path: str) -> None:
    """Of every answer, good or bad."""
    headers = (await Stage().browser().get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert set(headers["content-security-policy"].split("; ")) == {
        "default-src 'none'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'self' https:",
        "frame-ancestors 'none'",
    }


async def test_the_cookie_is_this_hosts_alone_and_given_once() -> None:
    """Lax: no other site's form carries it."""
    alice = Stage().browser()
    first, second = await alice.get("/"), await alice.get("/")
    name, _, rest = first.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert (name, len(value)) == (COOKIE, 43)
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    assert "set-cookie" not in second.headers


async def test_what_others_wrote_is_shown_as_text() -> None:
    """Names of people and descriptions come from elsewhere."""
    stage = Stage()
    stage.cluster.users[ALICE]["username"] = "<b>alice</b>"
    stage.cluster.rights = {("<b>alice</b>", "", "")}
    body = stage.client("reports")
    body["metadata"]["annotations"] = {"kubernetes.io/description": 'The <script>"nightly"</script> report\u202e'}
    shown = (await stage.browser().get(PAGE)).text
    assert "<script" not in shown
    assert "<b>alice" not in shown
    assert "The &lt;script&gt;&#34;nightly&#34;&lt;/script&gt; report<" in shown


def test_times_are_shown_as_people_write_them_and_all_else_as_text() -> None:
    """What only looks like a time stays as it is."""
    shown = times("<b> until 2026-03-01T12:22:00Z, or 2026-99-01T12:22:00Z")
    assert shown == (
        '&lt;b&gt; until <time datetime="2026-03-01T12:22:00Z">1 Mar 2026, 12:22 UTC</time>, or'
        ' <time datetime="2026-99-01T12:22:00Z">2026-99-01T12:22:00Z</time>'
    )


class Accessible(HTMLParser):
    """Notes what a reader without eyes or without a mouse would miss."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep every tag."""
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", ["/", PAGE, "/nothing"])
async def test_pages_are_whole_without_scripts_and_for_every_reader(path: str) -> None:
    """A language, a title, one heading of the first order, landmarks, buttons that say for what they are."""
    text = (await Stage().browser().get(path)).text
    tags = Accessible(text).tags
    names = [name for name, _ in tags]
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    assert dict(tags)["html"] == {"lang": "en"}
    assert not {"script", "iframe", "img", "style"} & set(names)
    assert not [key for _, attributes in tags for key in attributes if key.startswith("on") or key == "style"]
    assert all("for team-a/reports</span></button>" in part for part in re.findall(r"<button.*</button>", text))


async def test_a_cluster_that_does_not_answer_is_told_and_no_error_of_the_portal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says which."""
    stage = Stage()
    stage.cluster.faults.append(Fault("GET", before=Unreachable()))
    shown = await stage.browser().get(PAGE)
    assert (shown.status_code, "does not answer" in shown.text) == (503, True)
    assert "no answer from the API server" in caplog.text


@pytest.mark.parametrize("path", ["/-/healthz", "/citrix/-/style.css"])
async def test_probes_and_the_stylesheet_need_no_person(path: str) -> None:
    """The kubelet has no token of anybody."""
    assert (await Stage().browser("").http.get(f"https://portal.example{path}")).status_code == 200


async def test_a_fault_of_the_portal_shows_no_text_of_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    """Neither on the page nor, with our formatter, in the log."""
    stage = Stage()
    stage.cluster.faults.append(Fault("GET", before=ValueError("secret-text")))
    browser = stage.browser()
    browser.http._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
    caplog.set_level(logging.CRITICAL)
    shown = await browser.get(PAGE)
    assert (shown.status_code, "secret-text" in shown.text) == (500, False)
    assert shown.headers["cache-control"] == "no-store"
