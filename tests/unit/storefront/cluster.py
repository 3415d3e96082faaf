"""A world whose clients get their tokens from a StoreFront."""

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.kube.api import JSON
from citrix_oauth_operator.kube.labels import client_path
from citrix_oauth_operator.kube.secret_codec import encode
from tests.standins.storefront import StoreFront
from tests.standins.storefront.service import STORE
from tests.unit.key_pairs import certificate_pem, ec_key, pem
from tests.unit.storefront.wire import StandInWire
from tests.unit.world import CREDENTIALS, TENANT, Process, World

SERVER = "/apis/citrix-oauth.dev/v1alpha1/authorizationservers/storefront"
SPEC: JSON = {
    "clientID": None,
    "grantType": "CitrixAuth",
    "authorizationServerRef": {"name": "storefront"},
    "credentialsSecretRef": {"name": "reports-credentials"},
    "storefront": {"storePath": STORE, "protocols": ["HttpBasic"]},
}


class Cluster(World):
    """A world whose clients get their tokens from a StoreFront."""

    def __init__(self) -> None:
        super().__init__()
        self.sf = StoreFront(self.clock.now)
        self.wire = self.storefront = StandInWire(self.sf)
        spec = {"type": "StoreFront", "storefront": {"baseURL": self.sf.base}, "requests": {"minInterval": "1s"}}
        self.api.put(SERVER, {"metadata": {"name": "storefront"}, "spec": spec})
        self.client(**SPEC)
        self.password("CANARY-pw")

    def password(self, password: str) -> None:
        """Write the credentials Secret."""
        self.hold(username="EXAMPLE\\svc", password=password)

    def hold(self, **keys: str) -> None:
        """Write the credentials Secret."""
        self.api.put(CREDENTIALS, {"metadata": {}, "data": encode(keys)})

    def certificate(self, name: str, number: int = 0, **keys: str) -> None:
        """Write a certificate into the credentials Secret; another number, another key."""
        key = ec_key(number)
        self.hold(**{"tls.key": pem(key), "tls.crt": certificate_pem(key, name)}, **keys)

    def more(self, count: int, store: JSON = SPEC["storefront"]) -> list[ClientRef]:
        """Create clients that share the credentials Secret; return all of them."""
        refs = [ClientRef(TENANT, f"reports-{number}", f"uid-{number}") for number in range(count)]
        for ref in refs:
            metadata = {"name": ref.name, "namespace": TENANT, "uid": ref.uid}
            spec = {**SPEC, "storefront": store}
            body = {"metadata": metadata, "spec": spec, "status": {"observedGeneration": -1}}
            self.api.put(client_path(ref), body)
        return refs

    async def up(self) -> Process:
        """Start a process that knows the server."""
        process = self.boot()
        await process.reconciler.observer.servers.load()  # type: ignore[attr-defined] # the real observer
        return process

    @property
    def marks(self) -> list[JSON]:
        """Marks of passwords."""
        return [one for one in self.api.of_kind("configmaps") if one["metadata"]["name"].startswith("password-")]

    @property
    def stalled(self) -> str:
        """The reason for which the client is stalled."""
        return self.condition("Stalled").get("reason", "")
