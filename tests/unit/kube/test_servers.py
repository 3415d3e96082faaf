"""The servers that are known: by name, whatever order their events come in."""

from citrix_oauth_operator.domain.server import Server
from citrix_oauth_operator.kube.servers import Servers
from tests.unit.fakes import FakeApi, FakeClock

SPEC = {"type": "OIDC", "issuer": "https://login.example"}


def _server(uid: str) -> dict[str, object]:
    return {"metadata": {"name": "login", "uid": uid}, "spec": SPEC}


def test_a_server_that_is_deleted_is_forgotten() -> None:
    """Once; its clients learn of it."""
    servers = Servers(FakeApi(), FakeClock())
    servers.upsert(_server("one"))
    assert servers.remove("login", "one")
    assert not isinstance(servers.find("login"), Server)
    assert not servers.remove("login", "one")


def test_the_end_of_a_server_told_late_does_not_end_its_successor() -> None:
    """`kubectl replace --force` deletes and creates at once, and each object's events come in a row of their own."""
    servers = Servers(FakeApi(), FakeClock())
    servers.upsert(_server("one"))
    servers.upsert(_server("two"))
    assert not servers.remove("login", "one")
    assert isinstance(servers.find("login"), Server)
