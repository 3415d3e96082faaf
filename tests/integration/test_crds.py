"""The CRDs on a real API server: what it takes, what it refuses and in which words."""
# ruff: noqa: D103 - the names of tests are sentences

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.integration import crd_client_cases, crd_limits, crd_server_cases
from tests.integration.crd_objects import Object, Refused, client, principal, server, store
from tests.integration.crd_schema import CRDS, KINDS, Rule, rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.control_plane import ControlPlane
    from tests.integration.crd_api import Api

REFUSED = {**crd_client_cases.REFUSED, **crd_server_cases.REFUSED}
ACCEPTED = {**crd_client_cases.ACCEPTED, **crd_server_cases.ACCEPTED}
LIMITS = {limit.sentence: limit for kind in KINDS for limit in crd_limits.limits(kind)}
EXAMPLES = sorted((CRDS.parent / "examples").glob("**/*.yaml"))
TRANSITIONS: dict[
    str, tuple[Callable[[str], Object], Object, str]
] = {  # what a rule about changes says, and the change it refuses
    "spec.grantType": (client, {"grantType": "ClientCredentials"}, "delete this client and create one under another"),
    "spec.type": (
        lambda name: server("OIDC", name),
        {"type": "CitrixCloud"},
        "delete this server and create one under another name",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_field_and_remedy(api: Api, case: Refused) -> None:
    causes = api.causes(case.body)
    assert any(cause.field == case.field and case.remedy in cause.message for cause in causes), causes


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted_and_nothing_of_it_dropped(api: Api, body: Object) -> None:
    stored = api.create(body)
    assert stored["spec"].keys() >= body["spec"].keys()


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
def test_refused_beyond_the_limit(api: Api, limit: crd_limits.Limit) -> None:
    causes = api.causes(limit.body)
    assert any(cause.field.startswith(limit.field) and limit.words in cause.message for cause in causes), causes


@pytest.mark.parametrize("rule", [rule for kind in KINDS for rule in rules(kind)], ids=lambda rule: rule.message)
def test_each_rule_has_a_case_and_names_its_field(rule: Rule) -> None:
    cases = [(case.body["kind"], case.field, case.remedy) for case in REFUSED.values()]
    cases += [(make("any")["kind"], field, remedy) for field, (make, _, remedy) in TRANSITIONS.items()]
    assert any(rule.kind == kind and rule.field == field and words in rule.message for kind, field, words in cases)
    assert rule.field.rsplit(".", 1)[-1] in rule.message  # a person who reads only the sentence knows where to look


@pytest.mark.parametrize("field", TRANSITIONS)
def test_what_cannot_be_changed(api: Api, namespace: str, field: str) -> None:
    make, change, remedy = TRANSITIONS[field]
    body = make(f"unchanging-{namespace}")
    api.create(body, namespace, keep=True)
    try:
        (cause,) = api.change(body, change, namespace)
    finally:
        api.delete(body, namespace)
    assert cause.field == field
    assert remedy in cause.message


def test_a_client_id_can_be_changed(api: Api, namespace: str) -> None:
    api.create(client(), namespace, keep=True)
    assert api.change(client(), {"clientID": "bmV3"}, namespace) == []


def test_a_misspelt_field_is_refused_by_name(control_plane: ControlPlane, crds: None) -> None:  # noqa: ARG001
    misspelt = json.dumps(client(clientId="a"))
    done = control_plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=misspelt, check=False)
    assert done.returncode
    assert 'unknown field "spec.clientId"' in done.stderr


def test_the_smallest_client_gets_all_it_needs(api: Api) -> None:
    stored = api.create(client())
    assert stored["spec"] == {
        "authorizationServerRef": {"name": "citrix-cloud"},
        "grantType": "RefreshToken",
        "clientID": "b3BlcmF0b3I=",
        "credentialsSecretRef": {"name": "reports-credentials"},
        "refresh": {"atPercent": 60},
        "deletionPolicy": "Delete",
        "suspend": False,
    }
    assert stored["status"] == {"observedGeneration": -1}


def test_how_a_client_proves_itself_is_left_to_the_operator(api: Api) -> None:
    assert "clientAuthentication" not in api.create(principal())["spec"]
    assert "protocols" in api.create(store())["spec"]["storefront"]


def test_the_smallest_server_gets_all_it_needs(api: Api) -> None:
    stored = api.create(server())
    assert stored["spec"] == {
        "type": "OIDC",
        "issuer": "https://sso.example.com",
        "allowedNamespaces": {"from": "All"},
        "requests": {"concurrency": 8, "perSecond": 20, "burst": 100, "minInterval": "60s"},
    }
    assert stored["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_applies(
    control_plane: ControlPlane,
    crds: None,  # noqa: ARG001 - installed
    namespace: str,
    example: Path,
) -> None:
    done = control_plane.kubectl("apply", "--dry-run=server", "-n", namespace, "-f", str(example))
    assert done.stderr == ""
    assert done.stdout.count("created (server dry run)") == example.read_text().count("\nkind: ")
