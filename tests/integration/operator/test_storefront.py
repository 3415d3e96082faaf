"""StoreFront on the real API server: logons, refreshes, a password and a certificate that go bad, a deletion."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.operator import canary
from tests.integration.operator.cluster import clients
from tests.integration.operator.eventually import eventually
from tests.integration.operator.world import World
from tests.standins.storefront import Authority, StoreFront, serve
from tests.standins.storefront.service import STORE

GOOD, NEW = "CANARY-password-good", "CANARY password neu ü"
SERVICE_LIFE = timedelta(minutes=30)  # long enough that only what the tests ask for is refreshed


@pytest.fixture
def storefront() -> Iterator[StoreFront]:
    """A StoreFront on loopback, with irregular challenges and a dead first location."""
    made = StoreFront(lambda: datetime.now(UTC), users={"EXAMPLE\\svc": GOOD}, service_life=SERVICE_LIFE)
    made.quirks.spelling, made.quirks.dead_first_location = "unquoted", True
    with serve(made):
        yield made


def create(world: World, base: str, name: str, **spec: object) -> str:
    """Create the server and a client of it."""
    server = world.server(name, type="StoreFront", storefront={"baseURL": base})
    world.credentials(name, username="EXAMPLE\\svc", password=GOOD)
    return client(world, server, name, **spec)


def client(world: World, server: str, name: str, **spec: object) -> str:
    """Create a client."""
    return world.client(
        name, server, clientID=None, grantType="CitrixAuth", **{"storefront": {"storePath": STORE}, **spec}
    )


def opens_the_store(storefront: StoreFront, authorization: str, trusted: str | None = None) -> bool:
    """Whether a pod gets in with the header as it is."""
    request = urllib.request.Request(storefront.base + STORE, headers={"Authorization": authorization})  # noqa: S310
    context = ssl.create_default_context(cadata=trusted) if trusted else None
    try:
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - a stand-in on loopback
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


@pytest.mark.parametrize("protocol", ["HttpBasic", "ExplicitForms"])
def test_from_a_logon_to_a_repaired_password(fresh: World, storefront: StoreFront, protocol: str) -> None:
    """A token, a refresh without the password, a protected call, PasswordRefused, and Ready without a restart."""
    fresh.operator.start()
    name = create(fresh, storefront.base, "apps", storefront={"storePath": STORE, "protocols": [protocol]})
    fresh.ready(name)
    first = fresh.token(name)
    assert first["authorization"] == f"CitrixAuth {first['access_token']}"
    assert opens_the_store(storefront, first["authorization"])
    primary = fresh.grant(name)["primary_token"]
    for other in ("Bearer " + first["access_token"], f"{first['authorization']}A", f"CitrixAuth {primary}"):
        assert not opens_the_store(storefront, other)
    assert primary not in first.values()
    fresh.annotate(name, requested_at=_now())
    second = eventually(lambda: _another(fresh, name, first), "a refresh", lambda: fresh.tell(name)) or {}
    assert opens_the_store(storefront, second["authorization"])
    assert len(storefront.posts) == 1
    assert fresh.grant(name)["primary_token"] == primary

    storefront.users["EXAMPLE\\svc"] = NEW
    storefront.forget_primaries()
    fresh.annotate(name, requested_at=_now())
    told = fresh.stalled(name, "PasswordRefused")
    assert "annotation citrix-oauth.dev/requested-at" in told["status"]["lastError"]["remedy"]
    _crash_and_look_again(fresh, name)
    assert [password for _, password in storefront.posts] == [GOOD, GOOD]

    fresh.set_keys(name, password=NEW)
    fresh.ready(name)
    fresh.annotate(name, requested_at=_now())
    third = eventually(lambda: _another(fresh, name, second), "a new token", lambda: fresh.tell(name)) or {}
    assert opens_the_store(storefront, third["authorization"])
    assert [password for _, password in storefront.posts] == [GOOD, GOOD, NEW]
    canary.check(fresh)


def _crash_and_look_again(fresh: World, name: str) -> None:
    fresh.operator.kill()
    fresh.operator.start()
    fresh.change(name, refresh={"atPercent": 50})  # somebody's edit makes it look again
    fresh.told(name)


def test_a_certificate_that_goes_bad_and_is_repaired(fresh: World) -> None:
    """Over real TLS: a token without a password, its refresh, a stranger's certificate refused once, Ready again."""
    storefront, authority = StoreFront(lambda: datetime.now(UTC), service_life=SERVICE_LIFE), Authority()
    storefront.quirks.offered, storefront.quirks.spelling = ("ExplicitForms", "Certificate"), "folded"
    fresh.operator.start()
    with serve(storefront, authority):
        bundle = base64.b64encode(authority.pem.encode()).decode()
        server = fresh.server("tls", type="StoreFront", storefront={"baseURL": storefront.base}, caBundle=bundle)
        _hold(fresh, "robot", *authority.issue("svc.example.com"))
        name = client(fresh, server, "robot", storefront={"storePath": STORE, "protocols": ["Certificate"]})
        assert "credentialsExpirationTime" in fresh.ready(name)["status"]
        first = fresh.token(name)
        assert opens_the_store(storefront, first["authorization"], authority.pem)
        fresh.annotate(name, requested_at=_now())
        second = eventually(lambda: _another(fresh, name, first), "a refresh", lambda: fresh.tell(name)) or {}
        assert storefront.shown == ["svc.example.com"]

        certificate, key = authority.issue("nobody.example.com")
        fresh.set_keys(name, **{"tls.crt": certificate, "tls.key": key})
        told = fresh.stalled(name, "ClientRejected")
        assert "tls.crt" in told["status"]["lastError"]["remedy"]
        _crash_and_look_again(fresh, name)
        assert storefront.shown[1:] == ["nobody.example.com"]

        certificate, key = authority.issue("svc.example.com")
        fresh.set_keys(name, **{"tls.crt": certificate, "tls.key": key})
        fresh.ready(name)
        fresh.annotate(name, requested_at=_now())
        third = eventually(lambda: _another(fresh, name, second), "a new token", lambda: fresh.tell(name)) or {}
        assert opens_the_store(storefront, third["authorization"], authority.pem)
        assert storefront.posts == []


def test_a_deleted_clients_primary_token_is_destroyed(fresh: World, storefront: StoreFront) -> None:
    """With deletionPolicy: Revoke, and the grant Secret is gone with it."""
    fresh.operator.start()
    name = create(fresh, storefront.base, "gone", deletionPolicy="Revoke")
    fresh.ready(name)
    eventually(lambda: fresh.now(name)["metadata"].get("finalizers"), "a finalizer", lambda: fresh.tell(name))
    primary = fresh.grant(name)["primary_token"]
    fresh.cluster.delete(clients(fresh.namespace), name)
    eventually(lambda: fresh.cluster.get(clients(fresh.namespace), name) is None, "it is gone")
    assert storefront.destroyed == [primary]
    assert fresh.cluster.get(f"/api/v1/namespaces/{fresh.operator.namespace}/secrets", fresh._grant_name(name)) is None


def _hold(world: World, name: str, certificate: str, key: str) -> None:
    world.credentials(name, **{"tls.crt": certificate, "tls.key": key})


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _another(world: World, name: str, than: dict[str, str]) -> dict[str, str] | None:
    found = world.token(name)
    return found if found.get("access_token") not in {None, than["access_token"]} else None
