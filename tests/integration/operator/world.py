"""A namespace, an operator that serves it, and short words for what tests do there."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from tests.integration.operator.cluster import SERVERS, Cluster, Object, clients, events, secrets, text_of
from tests.integration.operator.eventually import eventually
from tests.integration.operator.history import History
from tests.integration.operator.process import Operator
from tests.integration.operator.reading import check_trouble, is_told, is_well, shows
from tests.integration.operator.scripted import Endpoints
from tests.standins.citrix_cloud import PRIVATE_POST, CitrixCloud, Client
from tests.standins.token_endpoint import Reply, TokenEndpoint

LOOPBACK = "127.0.0.0/8"


@dataclass(slots=True)
class World:
    """Everything one module's tests work with.

    Attributes:
        prefix: of cluster-wide names, so that modules do not meet.
        planted: secrets that no server of ours issued (seeds, client secrets, tokens of scripted answers).
    """

    namespace: str
    operator: Operator
    cluster: Cluster
    cloud: CitrixCloud
    endpoints: Endpoints
    history: History
    grants: History
    prefix: str
    planted: set[str] = field(default_factory=set)
    made: list[tuple[str, str]] = field(default_factory=list)

    def server(self, name: str, **spec: object) -> str:
        """Create an AuthorizationServer that may live on loopback; return its name."""
        full = f"{self.prefix}-{name}"
        base = {"type": "OIDC", "allowedAddresses": [LOOPBACK], "requests": {"minInterval": "1s"}}
        self._make(SERVERS, "AuthorizationServer", full, {**base, **spec})
        return full

    def stand_in(self, name: str, **spec: object) -> str:
        """Create an AuthorizationServer that describes the stand-in Citrix Cloud."""
        base = {"type": "CitrixCloud", "issuer": self.cloud.issuer, "caBundle": self.ca_bundle}
        return self.server(name, **{key: value for key, value in {**base, **spec}.items() if value is not None})

    @property
    def ca_bundle(self) -> str:
        """The stand-in's CA as an AuthorizationServer takes it."""
        return base64.b64encode(self.cloud.ca_pem).decode()

    def scripted(
        self, name: str, *script: Reply, default: Reply | None = None, **spec: object
    ) -> tuple[str, TokenEndpoint]:
        """Create an AuthorizationServer with a scripted token endpoint."""
        endpoint = self.endpoints.open(*script, default=default)
        return self.server(name, endpoints={"token": endpoint.url}, **spec), endpoint

    def credentials(self, name: str, **keys: str) -> str:
        """Create a credentials Secret; return its name."""
        full = f"{name}-credentials"
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": full}, "stringData": keys}
        self.cluster.create(secrets(self.namespace), body)
        self.made.append((secrets(self.namespace), full))
        self.planted |= {value.strip() for value in keys.values() if value.strip()}
        return full

    def set_keys(self, name: str, **keys: str) -> None:
        """Change keys of a client's credentials Secret, as a person does."""
        self.planted |= {value for value in keys.values() if value}
        self.cluster.patch(secrets(self.namespace), f"{name}-credentials", {"stringData": keys})

    def client(self, name: str, server: str, **spec: object) -> str:
        """Create a CitrixClient; return its name. None removes a field."""
        base = {
            "authorizationServerRef": {"name": server},
            "clientID": "scripted==",
            "credentialsSecretRef": {"name": f"{name}-credentials"},
        }
        wanted = {key: value for key, value in {**base, **spec}.items() if value is not None}
        self._make(clients(self.namespace), "CitrixClient", name, wanted)
        return name

    def seeded(self, name: str, server: str, **spec: object) -> str:
        """Create a CitrixClient with a client secret and a seed of our own; return the seed."""
        seed = f"CANARY-seed-{self.prefix}-{name}"
        self.credentials(name, client_secret=f"CANARY-secret-{name}", refresh_token=seed)
        self.client(name, server, **spec)
        return seed

    def signed_in(self, name: str, server: str, registered: Client = PRIVATE_POST, **spec: object) -> str:
        """Sign in at the stand-in and create the CitrixClient for it; return the seed."""
        seed = self.cloud.sign_in(registered.id).refresh_token
        secret = {"client_secret": registered.secret} if registered.secret else {}
        self.credentials(name, refresh_token=seed, **secret)
        self.client(name, server, clientID=registered.id, **spec)
        return seed

    def change(self, name: str, **spec: object) -> None:
        """Merge-patch a client's spec."""
        self.cluster.patch(clients(self.namespace), name, {"spec": spec})

    def change_server(self, full: str, **spec: object) -> None:
        """Merge-patch an AuthorizationServer's spec."""
        self.cluster.patch(SERVERS, full, {"spec": spec})

    def annotate(self, name: str, **annotations: str) -> None:
        """Set annotations of our domain on a client; `_` in a name stands for `-`."""
        named = {f"citrix-oauth.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.cluster.patch(clients(self.namespace), name, {"metadata": {"annotations": named}})

    def now(self, name: str) -> Object:
        """Return a client as it is now."""
        found = self.cluster.get(clients(self.namespace), name)
        assert found is not None, f"{name} is gone"
        return found

    def past(self, name: str) -> list[Object]:
        """Return every version of a client until now, oldest first."""
        return self.history.until(self.now(name))

    def told(self, name: str) -> Object:
        """Wait until status is about a client's present spec; return the client."""

        def now() -> Object | None:
            found = self.now(name)
            return found if is_told(found) else None

        return eventually(now, f"{name} is told of", lambda: self.tell(name)) or {}

    def suspend(self, name: str) -> Object:
        """Suspend a client; return it when no request for it is under way, nor will be."""
        self.change(name, suspend=True)
        return self.told(name)

    def delete(self, name: str) -> None:
        """Delete a client and wait until it is gone."""
        self.cluster.delete(clients(self.namespace), name)
        eventually(lambda: self.cluster.get(clients(self.namespace), name) is None, f"{name} is gone")

    def ready(self, name: str) -> Object:
        """Wait until a client is well; return it."""

        def now() -> Object | None:
            found = self.now(name)
            return found if is_well(found) else None

        return eventually(now, f"{name} is well", lambda: self.tell(name)) or {}

    def been_ready(self, name: str) -> Object:
        """Wait until a client is, or has been, well; return that version: tokens may be over before anybody looks."""

        def seen() -> Object | None:
            return next(filter(is_well, self.history.of(name)), None)

        return eventually(seen, f"{name} is well", lambda: self.tell(name)) or {}

    def refreshed(self, name: str, seq: int) -> Object:
        """Wait until a client is well and its chain was refreshed at least `seq` times."""

        def done() -> Object | None:
            found = self.now(name)
            return found if is_well(found) and found["status"]["grant"].get("seq", 0) >= seq else None

        return eventually(done, f"{name} at seq {seq}", lambda: self.tell(name)) or {}

    def trouble(self, name: str, kind: str, reason: str) -> Object:
        """Wait until a client shows, or has shown, a trouble; check how it is told and return that version."""

        def seen() -> Object | None:
            return next((one for one in reversed(self.history.of(name)) if shows(one, kind, reason)), None)

        found = eventually(seen, f"{name}: {kind} {reason}", lambda: self.tell(name)) or {}
        check_trouble(found, kind, reason)
        return found

    def stalled(self, name: str, reason: str) -> Object:
        """Wait until a client is stalled now; check how it is told and return it."""

        def now() -> Object | None:
            found = self.now(name)
            return found if shows(found, "Stalled", reason) else None

        found = eventually(now, f"{name}: {reason}", lambda: self.tell(name)) or {}
        check_trouble(found, "Stalled", reason)
        return found

    def grant(self, name: str) -> dict[str, Any]:
        """Return what the grant Secret holds: the state, and the tokens beside it; empty when there is none."""
        secret = self._grant_secret(name)
        return _grant(secret) if secret else {}

    def past_grants(self, name: str) -> list[dict[str, Any]]:
        """Return what the grant Secret held in each of its versions until now, oldest first."""
        secret = self._grant_secret(name)
        return [_grant(past) for past in self.grants.until(secret)] if secret else []

    def _grant_secret(self, name: str) -> Object | None:
        return self.cluster.get(secrets(self.operator.namespace), self._grant_name(name))

    def _grant_name(self, name: str) -> str:
        return f"grant.{self.namespace}.{name}"

    def secret(self, name: str) -> Object | None:
        """Return a Secret of the tenant's namespace."""
        return self.cluster.get(secrets(self.namespace), name)

    def token(self, name: str) -> dict[str, str]:
        """Return what a pod reads in a client's token Secret; empty when there is none."""
        found = self.secret(f"{name}-token")
        return text_of(found) if found else {}

    def events(self, name: str) -> list[Object]:
        """Return the Events about a client, oldest first."""
        about = [one for one in self.cluster.items(events(self.namespace)) if one["involvedObject"]["name"] == name]
        return sorted(about, key=lambda one: int(one["metadata"]["resourceVersion"]))

    def tell(self, name: str) -> str:
        """Return what helps to understand a failure."""
        return json.dumps(self.now(name).get("status"), indent=1) + "\n" + self.operator.log[-4000:]

    def tidy(self, since: int) -> None:
        """Delete what was made after the first `since` objects, clients first."""
        for collection, name in reversed(self.made[since:]):
            self.cluster.delete(collection, name)
        del self.made[since:]

    def _make(self, collection: str, kind: str, name: str, spec: Object) -> None:
        body = {"apiVersion": "citrix-oauth.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.cluster.create(collection, body)
        self.made.append((collection, name))


def _grant(secret: Object) -> dict[str, Any]:
    data = text_of(secret)
    state = json.loads(data.pop("state"))
    return {**state, **data, "type": secret["type"]}
