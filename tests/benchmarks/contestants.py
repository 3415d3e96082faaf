"""Who is measured: how each is started, and the clients each one gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.cluster import Cluster, Object
from tests.benchmarks.processes import ROOT, Running
from tests.control_plane import ControlPlane
from tests.standins.rotating import CLIENT_SECRET, seed_of

SERVER = "bench"
_GROUP = "citrix-oauth.dev/v1alpha1"
_AT_PERCENT = 60  # of a token's life: when everybody refreshes


@dataclass(frozen=True, slots=True)
class Contestant:
    """One operator with one kind of clients, in a namespace of its own.

    Attributes:
        key: names it in results, namespaces and logs.
        kind: which objects it serves.
        grant_type: of its clients; the naive operators know refresh tokens only.
        env: what its process is told besides the kubeconfig.
        server: the AuthorizationServer that its clients name.
    """

    key: str
    title: str
    kind: str = "CitrixClient"
    grant_type: str = "RefreshToken"
    env: Mapping[str, str] = field(default_factory=dict)
    server: str = SERVER

    @property
    def ours(self) -> bool:
        """Whether this is the operator of this project."""
        return self.kind == "CitrixClient"

    @property
    def namespace(self) -> str:
        """Where its clients live."""
        return f"bench-{self.key}"

    def start(self, folder: Path, plane: ControlPlane, life: int, runner: tuple[str, ...] = ()) -> Running:
        """Start the operator: ours with a pod's credentials, as its chart does.

        Args:
            life: of the access tokens, in seconds; the naive operators must be told when to refresh.
            runner: what runs our operator instead of its own module, for a profile.
        """
        env = {"KUBECONFIG": str(plane.kubeconfig), "NAIVE_INTERVAL": str(life * _AT_PERCENT / 100), **self.env}
        if self.ours:
            env |= plane.as_in_a_pod(folder / "service-account")
            words = [*(runner or ("-m", "citrix_oauth_operator")), "run", "--watch-namespace", self.namespace]
            words += ["--operator-namespace", f"{self.namespace}-system"]
        else:
            naive = str(ROOT / "tests" / "benchmarks" / "naive.py")
            words = ["-m", "kopf", "run", "--standalone", "--namespace", self.namespace, naive]
        return Running(self.key, words, folder, env)

    def clients(self, count: int, url: str) -> Iterator[tuple[str, Object]]:
        """Return the collections and bodies of `count` fresh clients, each with its credentials Secret."""
        for number in range(count):
            name = f"{self.key}-{number:04}"
            yield f"/api/v1/namespaces/{self.namespace}/secrets", self._credentials(name)
            yield self._collection(), self._client(name, url)

    def _credentials(self, name: str) -> Object:
        data = {"client_secret": CLIENT_SECRET}
        if self.grant_type == "RefreshToken":
            data["refresh_token"] = seed_of(name)
        return {"metadata": {"name": f"{name}-credentials"}, "stringData": data}

    def _collection(self) -> str:
        api = f"{_GROUP}/namespaces" if self.ours else "naive.example/v1/namespaces"
        return f"/apis/{api}/{self.namespace}/{'citrixclients' if self.ours else 'oauthclients'}"

    def _client(self, name: str, url: str) -> Object:
        if self.ours:
            spec: Object = {
                "authorizationServerRef": {"name": self.server},
                "grantType": self.grant_type,
                "clientID": name,
                "credentialsSecretRef": {"name": f"{name}-credentials"},
            }
            return {"apiVersion": _GROUP, "kind": self.kind, "metadata": {"name": name}, "spec": spec}
        spec = {"tokenURL": url, "clientID": name, "credentialsSecret": f"{name}-credentials"}
        return {"apiVersion": "naive.example/v1", "kind": self.kind, "metadata": {"name": name}, "spec": spec}


OURS = Contestant("ours", "operator")
MACHINE = Contestant("ours-machine", "operator, client credentials", grant_type="ClientCredentials")
NAIVE = Contestant("naive", "naive", kind="OAuthClient")
REUSED = Contestant("reused", "naive, clients reused", kind="OAuthClient", env={"NAIVE_REUSE": "1"})


def create_server(cluster: Cluster, url: str, name: str = SERVER) -> None:
    """Create the AuthorizationServer that our clients name."""
    spec: Object = {
        "type": "OIDC",
        "endpoints": {"token": url},
        "allowedAddresses": ["127.0.0.0/8"],
        "requests": {"perSecond": 1000, "minInterval": "1s"},
    }
    body: Object = {"apiVersion": _GROUP, "kind": "AuthorizationServer", "metadata": {"name": name}, "spec": spec}
    cluster.create(f"/apis/{_GROUP}/authorizationservers", body)
