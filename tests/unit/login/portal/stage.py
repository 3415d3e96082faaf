"""A portal in memory: everything real but the API server, the authorization server's documents and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import Customer
from citrix_oauth_operator.kube.api import GROUP_PATH, JSON
from citrix_oauth_operator.kube.labels import client_path, secret_path
from citrix_oauth_operator.kube.secret_codec import decode
from citrix_oauth_operator.login.portal.clients import Clients
from citrix_oauth_operator.login.portal.people import People
from citrix_oauth_operator.login.portal.settings import PortalSettings
from citrix_oauth_operator.login.portal.sign_ins import SignIns
from citrix_oauth_operator.login.portal.steps import Steps
from citrix_oauth_operator.login.portal.web import Portal
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit.fakes import FakeApi, FakeClock

URL = "https://portal.example/citrix"
ISSUER = "https://accounts.cloud.com/core"
ALICE, BOB = "CANARY-token-of-alice", "CANARY-token-of-bob"
PAGE = "/team-a/reports"
COOKIE = "__Host-citrix-oauth-portal"


class Cluster(FakeApi):
    """An API server that also says who people are, and what they may.

    Attributes:
        users: of the tokens that are accepted.
        rights: who may sign in, and where: user, namespace, name; "" for all.
    """

    def __init__(self) -> None:
        super().__init__("team-a", "team-b")
        self.users: dict[str, JSON] = {ALICE: {"username": "alice", "uid": "1"}, BOB: {"username": "bob", "uid": "2"}}
        self.rights = {("alice", "team-a", "")}
        self.asked: list[JSON] = []

    def _apply(self, verb: str, path: str, body: Any, query: str) -> tuple[int, JSON]:  # noqa: ANN401 - JSON
        if path.endswith("/tokenreviews"):
            user = self.users.get(body["spec"]["token"])
            return 201, {"status": {"authenticated": user is not None, **({"user": user} if user else {})}}
        if path.endswith("/subjectaccessreviews"):
            self.asked.append(body["spec"])
            return 201, {"status": {"allowed": self._may(body["spec"])}}
        if verb == "POST" and "dryRun" in query:
            return (409, {}) if f"{path}/{body['metadata']['name']}" in self.objects else (201, body)
        return super()._apply(verb, path, body, query)

    def _get(self, path: str, found: JSON | None, query: str) -> tuple[int, JSON]:
        listed = "limit=" if path.endswith("/citrixclients") else ""
        status, answer = super()._get(path, found, query or listed)
        if query and answer.get("items") == []:
            answer["items"] = None  # so the API server says it of metadata
        return status, answer

    def _may(self, spec: JSON) -> bool:
        about = spec["resourceAttributes"]
        assert (about["group"], about["resource"]) == ("citrix-oauth.dev", "citrixclients")
        assert (about["subresource"], about["verb"]) == ("login", "update")
        user, namespace, name = spec["user"], about["namespace"], about["name"]
        return bool(self.rights & {(user, "", ""), (user, namespace, ""), (user, namespace, name)})


class Documents:
    """Authorization servers: where their endpoints are, and a sign-in page for whoever asks."""

    def __init__(self) -> None:
        self.found = Endpoints(token=f"{ISSUER}/token", authorization=f"{ISSUER}/authorize", names_issuer=True)
        self.page = RawAnswer(200, {}, b"<html>")

    async def endpoints(self, _server: Server, _customer: Customer | None = None) -> Endpoints:
        """Return the endpoints."""
        return self.found

    async def get_json(self, _url: str, _headers: Mapping[str, str], _reach: Reach) -> RawAnswer:
        """Return the page."""
        return self.page


@dataclass
class Stage:
    """One portal, and what is around it."""

    cluster: Cluster = field(default_factory=Cluster)
    clock: FakeClock = field(default_factory=FakeClock)
    documents: Documents = field(default_factory=Documents)
    namespaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settings = PortalSettings(URL, 8080, self.namespaces)
        people, self.sign_ins = People(self.cluster, self.clock), SignIns(self.clock)
        clients = Clients(self.cluster, people, self.namespaces)
        documents = self.documents
        steps = Steps(self.cluster, people, documents, documents, self.sign_ins, self.clock, settings.redirect_uri)
        self.portal = Portal(people, clients, self.sign_ins, steps, self.clock, settings.base)
        self.client("reports")

    def client(self, name: str, namespace: str = "team-a", status: JSON | None = None, **spec: object) -> JSON:
        """Create a CitrixClient that waits for a sign-in."""
        waits = {
            "observedGeneration": 1,
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "LoginRequired", "message": "Nobody has signed in."},
                {"type": "Stalled", "status": "True", "reason": "LoginRequired", "message": "Nobody has signed in."},
            ],
            "login": {"command": "kubectl citrix-oauth login"},
        }
        body = {
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"clientID": "id==", **spec},
            "status": status or waits,
        }
        return self.cluster.put(client_path(ClientRef(namespace, name, "")), body)

    def browser(self, token: str = ALICE) -> Browser:
        """Return a browser behind a proxy that sends this person's token."""
        return Browser(self, token)

    def handed_over(self, name: str = "reports") -> dict[str, str]:
        """Return what the login Secret of a client holds; empty where there is none."""
        found = self.cluster.objects.get(secret_path("team-a", f"{name}-login"))
        return decode(found) if found else {}

    def redeem(self, name: str = "reports", reason: str = "SignedIn", **status: object) -> None:
        """Do what the operator does with a login Secret."""
        path = secret_path("team-a", f"{name}-login")
        uid = self.cluster.objects[path]["metadata"]["uid"]
        self.cluster.drop(path)
        ready = {"type": "Ready", "status": "True", "reason": "TokenValid", "message": "Well."}
        told = {"observedGeneration": 1, "conditions": [ready], "secretName": f"{name}-token", **status}
        told["lastSignIn"] = {"secretUID": uid, "reason": reason, "message": "Told.", "subject": "sub-of-alice"}
        self.client(name, status=told)


class Browser:
    """One browser: it keeps cookies, and follows no redirect by itself."""

    def __init__(self, stage: Stage, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(stage.portal.application())
        self.http = httpx.AsyncClient(transport=transport, base_url=URL, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        """Open a page, by its path within the portal."""
        return await self.http.get(URL + path)

    async def press(self, path: str = PAGE, page: str | None = None, **changed: str) -> httpx.Response:
        """Press the button that a page has for a client."""
        shown = await self.get(page if page is not None else path)
        assert shown.status_code == 200, shown.text
        token = shown.text.partition('name="form_token" value="')[2].partition('"')[0]
        return await self.http.post(URL + path, data={"form_token": token, **changed})

    async def begin(self, path: str = PAGE) -> Begun:
        """Press the button, and go as far as the authorization server."""
        sent = await self.press(path)
        assert sent.status_code == 303, sent.text
        page = within(sent)
        leaving = await self.get(page)
        url = leaving.text.partition("url=")[2].partition('"')[0].replace("&amp;", "&")
        query = {name: value for name, (value,) in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
        return Begun(page, url, query)

    async def come_back(self, begun: Begun, **changed: str | None) -> httpx.Response:
        """Bring the server's answer, as its page posts it: without cookies, and without a person."""
        good = {"code": "CANARY-code", "state": begun.query["state"], "iss": ISSUER, **changed}
        form = {name: value for name, value in good.items() if value is not None}
        return await self.http.post(f"{URL}/callback", data=form, headers={"Authorization": "", "Cookie": ""})


@dataclass(frozen=True)
class Begun:
    """A sign-in on its way: its page within the portal, and the request to the server."""

    page: str
    url: str
    query: dict[str, str]


def within(redirect: httpx.Response) -> str:
    """Return where a redirect of the portal leads to, within the portal."""
    location = redirect.headers["location"]
    assert (redirect.status_code, location.startswith("/citrix/")) == (303, True), redirect.text
    return str(location.removeprefix("/citrix"))


PATH = f"{GROUP_PATH}/namespaces/team-a/citrixclients/reports"
