"""The template of the token Secret on a real API server: rendered, changed, damaged, refused; never a new grant."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import pytest

from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, tokens
from tests.integration.operator.cluster import Object, secrets
from tests.integration.operator.eventually import eventually
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import MACHINE_POST
from tests.standins.token_endpoint import TokenEndpoint, json_reply

OWN = {"access_token", "token_type", "expires_at", "authorization"}
TEMPLATE = {
    "labels": {"example.com/team": "a"},
    "annotations": {"note": "für alle"},
    "stringData": {"netrc": "machine acme password {{ access_token }}", "env": "T={{authorization}}"},
}


@dataclass(frozen=True)
class Templated:
    """A client with a template, in its world, and the endpoint that its one token came from."""

    world: World
    name: str
    endpoint: TokenEndpoint

    @property
    def secret(self) -> Object:
        """The token Secret."""
        return self.world.secret(f"{self.name}-token") or {"metadata": {}}

    @property
    def token(self) -> dict[str, str]:
        """What a pod reads."""
        return self.world.token(self.name)

    def change(self, template: object) -> None:
        """Merge-patch the template."""
        self.world.change(self.name, secret={"template": template})

    def eventually(self, keys: set[str]) -> None:
        """Wait until the token Secret has these keys."""
        eventually(lambda: set(self.token) == keys, f"{keys}", lambda: self.world.tell(self.name))

    def check_one_grant(self) -> None:
        """Check that there was one token request in all."""
        assert (len(self.endpoint.requests), self.world.grant(self.name)["seq"]) == (1, 1)


@pytest.fixture
def templated(stage: World, request: pytest.FixtureRequest) -> Templated:
    """A name of its own for each test: grants outlive their clients."""
    stage.planted |= {ACCESS, NEW}
    name = f"t-{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}"
    server, endpoint = stage.scripted(name, default=json_reply(tokens()))
    stage.seeded(name, server, secret={"template": TEMPLATE})
    stage.ready(name)
    return Templated(stage, name, endpoint)


def test_a_template_is_on_the_secret(templated: Templated) -> None:
    """Labels and annotations as they are, keys with the token in them."""
    metadata, token = templated.secret["metadata"], templated.token
    assert metadata["labels"]["example.com/team"] == "a"
    assert metadata["annotations"]["note"] == "für alle"
    assert token["netrc"] == f"machine acme password {token['access_token']}"
    assert token["env"] == f"T=Bearer {token['access_token']}"
    templated.check_one_grant()


def test_a_changed_template_is_rendered_with_the_present_token(templated: Templated) -> None:
    """Within seconds; what it no longer asks for disappears, in the end all of it."""
    before = templated.token["access_token"]
    templated.change({"labels": None, "stringData": {"env": None, "new": "x"}})
    templated.eventually(OWN | {"netrc", "new"})
    assert "example.com/team" not in templated.secret["metadata"]["labels"]
    templated.change(None)
    templated.eventually(OWN)
    assert "note" not in templated.secret["metadata"]["annotations"]
    assert templated.token["access_token"] == before
    templated.check_one_grant()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"data": {"netrc": base64.b64encode(b"edited").decode()}}, id="an edited key"),
        pytest.param({"data": {"netrc": None}}, id="a deleted key"),
        pytest.param({"metadata": {"labels": {"example.com/team": "b"}}}, id="an edited label"),
        pytest.param({"metadata": {"annotations": {"note": None}}}, id="a deleted annotation"),
    ],
)
def test_what_was_damaged_is_restored(templated: Templated, damage: dict[str, object]) -> None:
    """A poll finds it."""

    def parts() -> tuple[object, ...]:
        found = templated.secret
        meta = found["metadata"]
        return found["data"], meta["labels"].get("example.com/team"), meta["annotations"].get("note")

    before, world = parts(), templated.world
    world.cluster.patch(secrets(world.namespace), f"{templated.name}-token", damage)
    eventually(lambda: parts() == before, "it is restored", lambda: world.tell(templated.name))
    templated.check_one_grant()


def test_a_machines_template_changes_without_a_request(stage: World) -> None:
    """Its token is in the token Secret alone: it is taken along."""
    stage.credentials("machine", client_secret=MACHINE_POST.secret or "")
    server = stage.stand_in("machine", type="OIDC")
    stage.client("machine", server, grantType="ClientCredentials", clientID=MACHINE_POST.id)
    stage.ready("machine")
    token = stage.token("machine")
    stage.change("machine", secret={"template": {"stringData": {"netrc": "{{ token_type }}"}}})
    eventually(lambda: stage.token("machine").get("netrc") == "Bearer", "netrc", lambda: stage.tell("machine"))
    assert stage.token("machine") == {**token, "netrc": "Bearer"}
    assert stage.cloud.stats().token_requests == {"client_credentials": 1}


@pytest.mark.parametrize(
    ("part", "texts", "words"),
    [
        pytest.param("labels", {f"{'a' * 254}/x": "x"}, "example.com/team", id="a label no object may have"),
        pytest.param("annotations", {f"n{n}": "ä" * 4096 for n in range(31)}, "shorten", id="large annotations"),
        pytest.param("stringData", {"k": "{{ access_token }}" * 14}, "less often", id="more than 1 MiB"),
    ],
)
def test_what_the_crd_cannot_judge_is_told_in_a_sentence(
    templated: Templated, part: str, texts: dict[str, str], words: str
) -> None:
    """Field and remedy; the Secret stays as it is."""
    before = templated.secret
    templated.change({part: texts})
    told = templated.world.stalled(templated.name, "SpecInvalid")
    assert f"In spec.secret.template.{part}: " in told["status"]["lastError"]["remedy"]
    assert words in told["status"]["lastError"]["remedy"]
    assert templated.secret == before
    templated.check_one_grant()


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
