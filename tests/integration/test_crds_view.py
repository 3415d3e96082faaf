"""What the CRDs show: documentation by `kubectl explain`, columns, field selectors, status."""
# ruff: noqa: D103 - the names of tests are sentences

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.crd_objects import Object, client, principal, server
from tests.integration.crd_schema import KINDS, Field, definition, fields, version

if TYPE_CHECKING:
    from tests.control_plane import ControlPlane
    from tests.integration.crd_api import Api

MOMENT = "2031-01-02T03:04:05Z"
ENOUGH = 20  # characters: fewer cannot say more than the name does
FIELDS = [field for kind in KINDS for field in fields(kind)]
NAMES = [f"{field.kind} {'.'.join(map(str, field.steps))}" for field in FIELDS]
BOUNDS = {"array": {"maxItems"}, "string": {"maxLength", "enum", "format"}, "object": {"properties", "maxProperties"}}
STATUS = {  # every field of the design
    "observedGeneration": 1,
    "grant": {"namespace": "citrix-oauth-system", "chain": "c-1", "seq": 7},
    "secretName": "reports-token",
    "lastRefreshTime": MOMENT,
    "nextRefreshTime": MOMENT,
    "expirationTime": MOMENT,
    "grantExpirationTime": MOMENT,
    "grantExpirationModel": "Unknown",
    "scopes": ["openid"],
    "failedAttempts": 2,
    "lastFailureTime": MOMENT,
    "lastError": {
        "reason": "ServerError",
        "oauthError": "server_error",
        "httpStatus": 500,
        "serverCode": "AADSTS90033",
        "transactionId": "6c4a2f0e",
        "remedy": "Wait.",
    },
    "login": {"command": "kubectl citrix-oauth login reports", "url": "https://portal.example/reports"},
    "lastSignIn": {"secretUID": "0a1b", "time": MOMENT, "reason": "SignedIn", "message": "m", "subject": "ada"},
    "credentialsExpirationTime": MOMENT,
    "credentialsWarning": "The key client_secret ends soon.",
    "lastHandledReconcileAt": MOMENT,
}


def condition(kind: str, status: str, reason: str) -> Object:
    """Return one condition as the operator writes it."""
    content = {"type": kind, "status": status, "reason": reason, "message": "Because.", "observedGeneration": 1}
    return {**content, "lastTransitionTime": MOMENT}


def shown(api: Api, namespace: str, kind: str = "CitrixClient") -> dict[str, Any]:
    """Return the only row that `kubectl get -o wide` prints, by column."""
    columns, (row,) = api.table(kind, namespace)
    return dict(zip([column["name"] for column in columns], row, strict=True))


@pytest.mark.parametrize("field", FIELDS, ids=NAMES)
def test_field_is_described(field: Field) -> None:
    if field.named or not field.steps:
        assert len(field.schema.get("description", "")) >= ENOUGH


@pytest.mark.parametrize("field", FIELDS, ids=NAMES)
def test_field_is_bounded(field: Field) -> None:
    bounds = BOUNDS.get(field.schema["type"], set())
    assert not bounds or bounds & field.schema.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_explain_reads_like_documentation(control_plane: ControlPlane, crds: None, kind: str) -> None:  # noqa: ARG001
    recursive = control_plane.kubectl("explain", f"{kind.lower()}.spec", "--recursive").stdout
    printed = " ".join(control_plane.kubectl("explain", f"{kind.lower()}.spec").stdout.split())
    for field in fields(kind):
        if field.named and field.steps[0] == "spec" and len(field.steps) > 1:
            assert re.search(rf"^\s+{field.steps[-1]}\t", recursive, re.MULTILINE), field.path
        if field.named and field.steps[0] == "spec" and len(field.steps) == 2:
            assert " ".join(field.schema["description"].split()) in printed, field.path


def test_columns_are_those_of_the_design(api: Api, namespace: str) -> None:
    columns, _ = api.table("CitrixClient", namespace)
    by_priority = {
        priority: [column["name"].upper() for column in columns if column["priority"] == priority]
        for priority in (0, 1)
    }
    assert by_priority == {
        0: ["NAME", "READY", "REASON", "EXPIRES", "NEXT", "SERVER", "AGE"],
        1: ["SECRET", "GRANT-EXPIRES", "FAILED"],
    }
    dates = [column["name"] for column in columns if column["type"] == "date"]
    assert dates == ["Age"]  # a date in the future is printed as <invalid>


def test_columns_show_the_status(api: Api, namespace: str) -> None:
    api.create(client(), namespace, keep=True)
    api.report(client(), {**STATUS, "conditions": [condition("Ready", "True", "TokenValid")]}, namespace)
    row = shown(api, namespace)
    assert {name: cell for name, cell in row.items() if name != "Age"} == {
        "Name": "reports",
        "Ready": "True",
        "Reason": "TokenValid",
        "Expires": MOMENT,
        "Next": MOMENT,
        "Server": "citrix-cloud",
        "Secret": "reports-token",
        "Grant-Expires": MOMENT,
        "Failed": 2,
    }


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        pytest.param(
            [
                condition("Stalled", "True", "GrantRejected"),
                condition("RefreshFailed", "True", "ServerError"),
                condition("Ready", "True", "TokenValid"),
            ],
            "GrantRejected",
            id="what a person must act on wins while the token still lives",
        ),
        pytest.param(
            [condition("RefreshFailed", "True", "ServerError"), condition("Ready", "True", "TokenValid")],
            "TokenValid",
            id="an attempt that will be repeated does not hide that the token is valid",
        ),
    ],
)
def test_reason_column(api: Api, namespace: str, conditions: list[Object], reason: str) -> None:
    api.create(client(), namespace, keep=True)
    api.report(client(), {"conditions": conditions}, namespace)
    assert shown(api, namespace)["Reason"] == reason


def test_server_columns(api: Api, namespace: str) -> None:
    body = server("OIDC", namespace)
    api.create(body, keep=True)
    try:
        api.report(body, {"observedGeneration": 1, "conditions": [condition("Accepted", "True", "Accepted")]})
        columns, rows = api.table("AuthorizationServer", namespace)
    finally:
        api.delete(body)
    assert [column["name"] for column in columns] == ["Name", "Type", "Accepted", "Reason", "Age", "Issuer"]
    (row,) = [row for row in rows if row[0] == namespace]
    assert row[:4] + row[5:] == [namespace, "OIDC", "True", "Accepted", "https://sso.example.com"]


def test_status_holds_every_field_of_the_design(api: Api, namespace: str) -> None:
    api.create(client(), namespace, keep=True)
    answer = api.report(client(), STATUS, namespace)  # strict: an unknown field is refused
    assert answer.is_success, answer.text
    assert answer.json()["status"] == STATUS
    undescribed = {field.path for field in fields("CitrixClient") if len(field.steps) == 2} & {"status.conditions"}
    assert undescribed | {f"status.{name}" for name in STATUS} == {
        field.path for field in fields("CitrixClient") if field.steps[:1] == ("status",) and len(field.steps) == 2
    }


def test_a_status_that_says_too_much_is_refused(api: Api, namespace: str) -> None:
    api.create(client(), namespace, keep=True)
    answer = api.report(client(), {"lastError": {"remedy": "a" * 1025}}, namespace)
    assert "status.lastError.remedy: Too long" in answer.text


def test_one_condition_of_a_type(api: Api, namespace: str) -> None:
    api.create(client(), namespace, keep=True)
    twice = [condition("Ready", "True", "TokenValid"), condition("Ready", "False", "TokenExpired")]
    assert "Duplicate value" in api.report(client(), {"conditions": twice}, namespace).text


def test_clients_are_found_by_their_fields(api: Api, namespace: str) -> None:
    api.create(client(), namespace, keep=True)
    api.create(
        {**principal(authorizationServerRef={"name": "citrix-cloud-api"}, suspend=True), "metadata": {"name": "p"}},
        namespace,
        keep=True,
    )
    found = {
        "spec.grantType=RefreshToken": ["reports"],
        "spec.authorizationServerRef.name=citrix-cloud-api": ["p"],
        "spec.suspend=true": ["p"],
        "spec.deletionPolicy=Delete": ["p", "reports"],
        "spec.credentialsSecretRef.name=reports-credentials": ["p", "reports"],
        "spec.grantType=RefreshToken,spec.suspend=true": [],
    }
    assert {selector: sorted(api.names("CitrixClient", selector, namespace)) for selector in found} == found
    tested = {f".{pair.split('=')[0]}" for selector in found for pair in selector.split(",")}
    assert tested == {field["jsonPath"] for field in version("CitrixClient")["selectableFields"]}


def test_servers_are_found_by_type(api: Api, namespace: str) -> None:
    body = server("ADFS", namespace, issuer="https://sts.example.com/adfs")
    api.create(body, keep=True)
    try:
        assert namespace in api.names("AuthorizationServer", "spec.type=ADFS", "")
        assert namespace not in api.names("AuthorizationServer", "spec.type=OIDC", "")
    finally:
        api.delete(body)


@pytest.mark.parametrize(("kind", "short"), [("CitrixClient", "cxc"), ("AuthorizationServer", "cas")])
def test_short_names_and_category(control_plane: ControlPlane, crds: None, kind: str, short: str) -> None:  # noqa: ARG001
    resources = control_plane.kubectl("api-resources", "--categories=citrix-oauth", "--no-headers").stdout
    assert re.search(rf"^{definition(kind)['spec']['names']['plural']}\s+{short}\s", resources, re.MULTILINE)
