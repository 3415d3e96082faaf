"""The chart's portal in a cluster that knows people by OIDC, with oauth2-proxy in front, and people's browsers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Cookie, Page

from tests.browser import new_context
from tests.chart.helm import NAMESPACE, PORTAL, Helm, Values, named
from tests.chart.pod import Pod
from tests.chart.proxy import REGISTERED, Proxy, documented
from tests.chart.rights import granted
from tests.chart.stay import Stay, Surroundings, await_rights, install
from tests.control_plane import ControlPlane
from tests.integration.operator import canary
from tests.integration.operator.cluster import Cluster
from tests.integration.operator.eventually import eventually
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.signing_in import agree, enter
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PUBLIC, CitrixCloud, Client

TEAM = "team-a"
USER = f"system:serviceaccount:{NAMESPACE}:{PORTAL}"
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
subjects:
- {kind: User, name: alice@example.com, apiGroup: rbac.authorization.k8s.io}
- {kind: Group, name: "oidc:signers", apiGroup: rbac.authorization.k8s.io}
"""
_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


class PortalPod(Pod):
    """The portal as its Deployment starts it."""

    def start(self) -> None:
        """Start the process; return when it serves."""
        self.launch()
        eventually(lambda: "serving on port" in self._logs[-1].read_text(), "the portal serves", lambda: self.log)


@dataclass(frozen=True, slots=True)
class Place:
    """A portal in a cluster with one team; `people` is the server that its users sign in at."""

    stay: Stay
    portal: PortalPod
    proxy: Proxy
    people: CitrixCloud
    world: World
    sessions: dict[str, list[Cookie]] = field(default_factory=dict)

    def client(self, name: str, registered: Client = PUBLIC, **spec: object) -> None:
        """Create a client that nobody has signed in for, and wait until it says so."""
        reference = None
        if registered.secret:
            reference = {"name": self.world.credentials(name, client_secret=registered.secret)}
        server = f"{self.world.prefix}-cloud"
        self.world.client(name, server, clientID=registered.id, credentialsSecretRef=reference, **spec)
        told = self.world.stalled(name, "LoginRequired")
        assert told["status"]["login"]["url"] == f"{self.proxy.origin}/{TEAM}/{name}"

    def begin(self, page: Page, name: str) -> None:
        """Open the client's page and press its button; the server's sign-in page is there afterwards."""
        page.goto(self.world.now(name)["status"].get("login", {}).get("url") or f"{self.proxy.origin}/{TEAM}/{name}")
        page.get_by_role("button", name=f"Sign in for {TEAM}/{name}").click()
        page.wait_for_selector("input[name=login]")

    def browser_of(self, browser: Browser, user: str = "alice", *, scripts: bool = True) -> BrowserContext:
        """Return a browser of somebody whom the proxy knows, and the client's server does not."""
        if user not in self.sessions:
            self.sessions[user] = self._signed_in(browser, user)
        context = new_context(browser, java_script_enabled=scripts)
        context.add_cookies([{**one} for one in self.sessions[user]])  # type: ignore[typeddict-item]  # as they were read
        return context

    def _signed_in(self, browser: Browser, user: str) -> list[Cookie]:
        context = new_context(browser)
        page = context.new_page()
        page.goto(f"{self.proxy.origin}/{TEAM}/wanted?no=matter")
        self.pass_the_proxy(page, user)
        assert page.url == f"{self.proxy.origin}/{TEAM}/wanted?no=matter"
        cookies = context.cookies(self.proxy.origin)
        context.close()
        return cookies

    def pass_the_proxy(self, page: Page, user: str = "alice") -> None:
        """Sign in at the proxy, whose page is shown; what was wanted of the portal is there afterwards."""
        page.get_by_role("button", name="Sign in with OpenID Connect").click()
        enter(page, user)
        agree(page)
        page.wait_for_selector("header .place")


def of_people(people: CitrixCloud, folder: Path) -> tuple[str, ...]:
    """Return the flags by which an API server knows the people of a server, as the page says."""
    authority = folder / "people.crt"
    authority.write_bytes(people.ca_pem)
    flags = documented("kube-apiserver", oidc_issuer_url=people.issuer, oidc_client_id=REGISTERED.id)
    return (*flags, f"--oidc-ca-file={authority}")


def made_up(people: CitrixCloud) -> str:
    """Return an id token of Alice's that says everything right, and that her server never signed."""
    claims = {"iss": people.issuer, "aud": REGISTERED.id, "sub": "alice", "email": "alice@example.com", "exp": 1 << 32}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "stand-in"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, bytes(256)))


@contextmanager
def portal(
    plane: ControlPlane, helm: Helm, program: Path, clouds: tuple[CitrixCloud, CitrixCloud], folder: Path
) -> Iterator[Place]:
    """Install the chart with its portal, behind the proxy; what was said is searched for secrets at the end.

    Args:
        clouds: the clients' server, and the people's.
    """
    citrix_cloud, people = clouds
    url = citrix_cloud.redirect_uris[1].removesuffix("/callback")
    plane.kubectl("create", "namespace", TEAM)
    plane.kubectl("apply", "-f", "-", stdin=RIGHTS)
    proxy_pods = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "oauth2-proxy"}}}
    on = {"enabled": True, "url": url, "ingressFrom": [proxy_pods]}
    values: Values = {"portal": on, "admissionPolicy": {"enabled": True}}
    with Cluster(plane.kubeconfig) as cluster, Endpoints() as endpoints:
        around = Surroundings(plane, cluster, citrix_cloud, endpoints, folder)
        with install(replace(helm, kubeconfig=plane.kubeconfig), values, around) as stay:
            pod = PortalPod(named(stay.manifests, "Deployment", PORTAL), plane, folder)
            await_rights(cluster, granted(stay.manifests, PORTAL), USER)
            eventually(lambda: _knows(cluster, people), "the API server has the keys of the people's server")
            pod.start()
            port = urlsplit(url).port or 0
            with Proxy(program, folder, people, port, pod.port) as proxy, stay.team(TEAM) as world:
                world.stand_in("cloud")
                yield Place(stay, pod, proxy, people, world)
                world.planted |= set(people.issued())
                assert canary.leaks(world, [("portal's log", pod.log)]) == []
                pod.stop()


def _knows(cluster: Cluster, people: CitrixCloud) -> bool:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": made_up(people)}}
    status = cluster.create(_REVIEWS, review)["status"]
    assert not status.get("authenticated")
    return "signature" in status.get("error", "")
