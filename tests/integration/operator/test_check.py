"""`citrix-oauth check` against a real API server, as an admin, as somebody without rights, and as the operator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from citrix_oauth_operator.cli.checks.rights import Right, of_the_operator
from tests.control_plane import ControlPlane
from tests.integration.operator import canary
from tests.integration.operator.accounts import kubeconfig_of
from tests.integration.operator.cluster import Object
from tests.integration.operator.eventually import eventually
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PRIVATE_POST

Rows = dict[tuple[str, str], dict[str, str]]


def check(kubeconfig: Path, *arguments: str) -> tuple[int, Rows]:
    """Run the command; return its exit status and its findings by check and subject."""
    command = [sys.executable, "-m", "citrix_oauth_operator", "check", "-o", "json", *arguments]
    env = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert "CANARY" not in done.stdout + done.stderr
    found = json.loads(done.stdout) if done.stdout else []
    return done.returncode, {(row["check"], row["about"]): row for row in found}


@pytest.fixture
def admin(control_plane: ControlPlane) -> Path:
    """The kubeconfig of an admin."""
    return control_plane.kubeconfig


def test_what_works_is_told_so(stage: World, admin: Path) -> None:
    """CRDs, rights, client, server, clock, pods: no credential leaves for that."""
    server = stage.stand_in("check")
    stage.signed_in("checked", server)
    stage.ready("checked")
    before = stage.cloud.stats().token_requests
    status, rows = check(admin, "-n", stage.namespace)
    assert status == 0, rows
    assert {row["result"] for row in rows.values()} == {"ok"}, rows
    wanted = {("client", f"{stage.namespace}/checked"), ("server", server), ("clock", server), ("consumers", "-")}
    assert wanted | {("crds", "CitrixClient"), ("crds", "AuthorizationServer"), ("rights", "-")} == set(rows)
    assert stage.cloud.stats().token_requests == before


def test_a_pod_that_would_miss_a_new_token_is_a_warning(stage: World, admin: Path) -> None:
    """It works until the first refresh: the exit status says nothing fails."""
    stage.signed_in("consumed", stage.stand_in("consumed"))
    stage.ready("consumed")
    variable = {"name": "T", "valueFrom": {"secretKeyRef": {"name": "consumed-token", "key": "access_token"}}}
    container = {"name": "main", "image": "example", "env": [variable]}
    pods, accounts = (f"/api/v1/namespaces/{stage.namespace}/{kind}" for kind in ("pods", "serviceaccounts"))
    eventually(lambda: stage.cluster.get(accounts, "default"), "the account of pods that name none")
    spec = {"containers": [container], "automountServiceAccountToken": False}
    control = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "wrong"}, "spec": spec}
    stage.cluster.create(pods, control)
    stage.made.append((pods, "wrong"))
    status, rows = check(admin, "-n", stage.namespace)
    found = rows["consumers", f"{stage.namespace}/Pod/wrong"]
    assert (status, found["result"]) == (0, "warn")
    assert "consumed-token by environment" in found["message"]


BROKEN: dict[str, tuple[Object, Object, dict[str, Any], str]] = {
    "no Secret": ({"credentialsSecretRef": {"name": "nowhere"}}, {}, {}, "CredentialsNotFound"),
    "an empty key": ({}, {}, {"client_secret": ""}, "Key client_secret of Secret"),
    "nobody listens": ({}, {"issuer": "https://127.0.0.1:1/x"}, {}, "ServerUnreachable"),
    "a CA that nobody trusts": ({}, {"caBundle": None}, {}, "ServerUnreachable"),
    "an address not allowed": ({}, {"allowedAddresses": ["10.0.0.0/8"]}, {}, "AddressNotAllowed"),
    "a namespace not allowed": ({}, {"allowedNamespaces": {"from": "Names", "names": ["x"]}}, {}, "NotAllowed"),
    "no seed": ({}, {}, {"refresh_token": None}, "no refresh_token"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_would_not_work_fails_with_a_remedy(stage: World, admin: Path, case: str) -> None:
    """In the operator's own words, before it has looked."""
    spec, server, keys, words = BROKEN[case]
    name = case.replace(" ", "-").lower()
    given = {"client_secret": PRIVATE_POST.secret or "", "refresh_token": f"CANARY-seed-{name}", **keys}
    stage.credentials(name, **{key: value for key, value in given.items() if value is not None})
    stage.client(name, stage.stand_in(name, **server), **spec)
    status, rows = check(admin, "-n", stage.namespace)
    found = rows["client", f"{stage.namespace}/{name}"]
    assert (status, found["result"]) == (1, "fail"), rows
    assert words in found["message"] + found["remedy"]
    assert found["remedy"].endswith((".", ")"))


def test_who_may_nothing_is_told_what_is_lacking(stage: World, control_plane: ControlPlane, tmp_path: Path) -> None:
    """A person without rights gets warnings; the operator's ServiceAccount without them fails."""
    nobody = kubeconfig_of(control_plane, stage.namespace, "nobody", tmp_path)
    status, rows = check(nobody, "-n", stage.namespace)
    assert status == 0, rows
    assert rows["rights", "citrixclients"]["result"] == "warn"
    assert "list, patch" in rows["rights", "citrixclients"]["message"]
    status, rows = check(nobody, "-n", stage.namespace, "--as-operator")
    assert (status, rows["rights", "secrets"]["result"]) == (1, "fail")


def test_the_operators_rights_are_enough(stage: World, control_plane: ControlPlane, tmp_path: Path) -> None:
    """A ServiceAccount with exactly what the check asks for, and one verb less."""
    operator = kubeconfig_of(control_plane, stage.namespace, "operator", tmp_path)
    rights = of_the_operator([stage.namespace], stage.operator.namespace)
    for number, right in enumerate(rights):
        _grant(control_plane, stage.namespace, f"{stage.prefix}-{number}", right)
    _check_until(operator, stage, (0, "ok"), "-")
    last = rights[-1]
    control_plane.kubectl("delete", "rolebinding", f"{stage.prefix}-{len(rights) - 1}", "-n", last.namespace)
    _check_until(operator, stage, (1, "fail"), last.resource)


def _check_until(operator: Path, stage: World, wanted: tuple[int, str], about: str) -> None:
    """Run the command until it finds that: rights are known to the API server a moment after they were changed."""
    arguments = ("-n", stage.namespace, "--as-operator", "--operator-namespace", stage.operator.namespace)
    found: list[tuple[int, Rows]] = []

    def finds_it() -> bool:
        found.append(check(operator, *arguments))
        status, rows = found[-1]
        return (status, rows.get(("rights", about), {}).get("result")) == wanted

    eventually(finds_it, f"{wanted} about {about}", lambda: found[-1])


def _grant(control_plane: ControlPlane, account: str, name: str, right: Right) -> None:
    resource = right.resource.partition("/")
    kind = ".".join(part for part in (resource[0], right.group) if part) + "".join(resource[1:])
    verbs = f"--verb={','.join(right.verbs)}"
    cluster = ["-n", right.namespace] if right.namespace else []
    role = "role" if right.namespace else "clusterrole"
    control_plane.kubectl("create", role, name, verbs, f"--resource={kind}", *cluster)
    bound = (f"--{role}={name}", f"--serviceaccount={account}:operator")
    control_plane.kubectl("create", f"{role}binding", name, *bound, *cluster)


def test_no_cluster_is_no_finding(tmp_path: Path) -> None:
    """The exit status tells it from a check that failed."""
    assert check(tmp_path / "missing")[0] == 2


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
