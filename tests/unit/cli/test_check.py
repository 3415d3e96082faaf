"""`citrix-oauth check`, the parts that need no cluster: pods, clocks, output, and the fingerprint of the CRDs."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from citrix_oauth_operator.cli.checks.clients import told_by_status
from citrix_oauth_operator.cli.checks.cluster import FIELDS, _compare, fingerprint
from citrix_oauth_operator.cli.checks.consumers import check_pods
from citrix_oauth_operator.cli.checks.finding import Finding, Result, as_json, failed, ok, table
from citrix_oauth_operator.cli.checks.rights import of_the_operator
from citrix_oauth_operator.cli.checks.servers import _clock
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.ways_out import IN_SHORT, Section
from tests.integration.crd_schema import version
from tests.unit.examples import REJECTED, UNREACHABLE
from tests.unit.fakes import T0

TOKENS = {"team-a": {"reports-token"}}
VOLUME = {"name": "v", "secret": {"secretName": "reports-token"}}
PROJECTED = {"name": "v", "projected": {"sources": [{"configMap": {}}, {"secret": {"name": "reports-token"}}]}}
BY_KEY = {"env": [{"name": "A", "value": "x"}, {"name": "T", "valueFrom": {"secretKeyRef": {"name": "reports-token"}}}]}
BY_ALL = {"envFrom": [{"configMapRef": {"name": "x"}}, {"secretRef": {"name": "reports-token"}}]}
BY_FILE = {"volumeMounts": [{"name": "v", "mountPath": "/t", "subPath": "access_token"}]}
BY_EXPRESSION = {"volumeMounts": [{"name": "v", "mountPath": "/t", "subPathExpr": "$(KEY)"}]}
WHOLE = {"volumeMounts": [{"name": "v", "mountPath": "/t"}]}


def _pod(container: dict[str, Any], kind: str = "containers", **spec: object) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "reporting-1"}
    metadata = {"name": "reporting-1-x", "namespace": "team-a", "ownerReferences": [owner]}
    return {"metadata": metadata, "spec": {kind: [{"name": "main", **container}], **spec}}


@pytest.mark.parametrize(
    ("pod", "how"),
    [
        pytest.param(_pod(BY_KEY), "by environment", id="one variable"),
        pytest.param(_pod(BY_ALL), "by environment", id="all keys as variables"),
        pytest.param(_pod(BY_KEY, "initContainers"), "by environment", id="an init container"),
        pytest.param(_pod(BY_KEY, "ephemeralContainers"), "by environment", id="a debugging container"),
        pytest.param(_pod(BY_FILE, volumes=[VOLUME]), "by subPath", id="one file"),
        pytest.param(_pod(BY_EXPRESSION, volumes=[VOLUME]), "by subPath", id="one file by expression"),
        pytest.param(_pod(BY_FILE, volumes=[PROJECTED]), "by subPath", id="one file of a projected volume"),
    ],
)
def test_a_pod_that_never_sees_a_new_token_is_found(pod: dict[str, Any], how: str) -> None:
    """By the name of what made it, once for all its pods."""
    (finding,) = check_pods([pod, pod], TOKENS)
    assert (finding.result, finding.about) == (Result.WARN, "team-a/ReplicaSet/reporting-1")
    assert finding.message == f"Container main takes Secret reports-token {how}: it never sees a new token."
    assert "as a volume" in finding.remedy


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(_pod(WHOLE, volumes=[VOLUME]), id="a whole folder"),
        pytest.param(_pod(BY_FILE, volumes=[{"name": "v", "secret": {"secretName": "other"}}]), id="another Secret"),
        pytest.param(_pod(BY_FILE, volumes=[{"name": "v", "emptyDir": {}}]), id="another volume"),
        pytest.param({**_pod(BY_KEY), "metadata": {"name": "x", "namespace": "team-b"}}, id="another namespace"),
        pytest.param(_pod({}), id="nothing"),
    ],
)
def test_other_pods_are_left_in_peace(pod: dict[str, Any]) -> None:
    """No warning that somebody learns to ignore."""
    assert [finding.result for finding in check_pods([pod], TOKENS)] == [Result.OK]


def test_a_pod_of_nobody_is_told_by_its_own_name() -> None:
    """As kubectl names it."""
    pod = _pod(BY_KEY)
    del pod["metadata"]["ownerReferences"]
    assert check_pods([pod], TOKENS)[0].about == "team-a/Pod/reporting-1-x"


@pytest.mark.parametrize(
    ("date", "result", "words"),
    [
        pytest.param(format_datetime(T0, usegmt=True), Result.OK, "Within a minute", id="the same"),
        pytest.param(format_datetime(T0 - timedelta(seconds=60), usegmt=True), Result.OK, "Within", id="a minute"),
        pytest.param(format_datetime(T0 - timedelta(seconds=61), usegmt=True), Result.WARN, "1m1s ahead of", id="fast"),
        pytest.param(format_datetime(T0 + timedelta(hours=1), usegmt=True), Result.WARN, "1h behind", id="slow"),
        pytest.param("", Result.WARN, "does not tell", id="no date"),
        pytest.param("yesterday", Result.WARN, "does not tell", id="no date that is one"),
        pytest.param("Sun, 01 Mar 2026 12:00:00 -0000", Result.WARN, "does not tell", id="no zone"),
    ],
)
def test_clocks_are_compared(date: str, result: Result, words: str) -> None:
    """By the server's Date header (RFC 9110 section 6.6.1), to the second."""
    finding = _clock("as", date, T0)
    assert finding.result == result
    assert words in finding.message


@pytest.mark.parametrize("kind", FIELDS)
def test_the_fingerprint_is_that_of_the_crds(kind: str) -> None:
    """Whoever changes the fields of a CRD writes the new fingerprint beside the code that reads them."""
    assert fingerprint(version(kind)["schema"]["openAPIV3Schema"]) == FIELDS[kind]


def test_failures_come_last_and_each_has_a_remedy() -> None:
    """Nearest to the prompt; one line each."""
    findings = [failed("client", "team-a/x", REJECTED), ok("crds", "y", "There."), failed("server", "as", UNREACHABLE)]
    lines = table(findings).splitlines()
    assert lines[0] == "ok    crds    y         There."
    assert lines[1] == "fail  client  team-a/x  GrantRejected: Refused. Sign in again."
    assert lines[2].endswith("CA bundle.")
    assert len(lines) == 3


def test_the_same_as_json() -> None:
    """For a pipeline's gate."""
    (found,) = json.loads(as_json([Finding("client", "a/b", Result.WARN, "m", "r")]))
    assert found == {"check": "client", "about": "a/b", "result": "warn", "message": "m", "remedy": "r"}


def test_an_operator_of_listed_namespaces_needs_no_secrets_elsewhere() -> None:
    """Only in those, and its own."""
    rights = of_the_operator(["team-a", "team-b"], "ops")
    assert {right.namespace for right in rights if right.resource == "secrets"} == {"team-a", "team-b", "ops"}
    assert not any({"list", "watch"} & set(right.verbs) for right in rights if right.resource == "secrets")


def _status(reason: str, message: str, *, true: str = "True") -> dict[str, Any]:
    well = {"type": "Ready", "status": "True", "reason": "TokenValid", "message": "Well."}
    return {"conditions": [well, {"type": "Stalled", "status": true, "reason": reason, "message": message}]}


REPORTS = ClientRef("team-a", "reports", "uid")


@pytest.mark.parametrize(
    ("reason", "message", "section"),
    [
        pytest.param("ConditionalAccess", f"Look: {Section.MULTI_FACTOR.hint}.", Section.MULTI_FACTOR, id="named"),
        pytest.param("ConditionalAccess", f"Look: {Section.DEVICE.hint}.", Section.DEVICE, id="a device"),
        pytest.param("ConditionalAccess", "Of an older version.", Section.CONDITIONAL_ACCESS, id="nothing is named"),
        pytest.param("SecondFactorRequired", "A passcode.", Section.MULTI_FACTOR, id="a passcode at StoreFront"),
        pytest.param("NoRefreshToken", "None came.", Section.NO_REFRESH_TOKEN, id="no refresh token"),
    ],
)
def test_a_failure_that_the_page_of_identities_is_about_brings_its_part_along(
    reason: str, message: str, section: Section
) -> None:
    """The short text of the section, and where to read on."""
    found = told_by_status(REPORTS, _status(reason, message))
    assert found is not None
    assert (found.result, found.about) == (Result.FAIL, "team-a/reports")
    assert found.message.startswith(f"{reason}, says its status")
    assert found.remedy == f"{IN_SHORT[section]} ({section.anchor})"


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="nobody has looked yet"),
        pytest.param(_status("ServerThrottled", "Later."), id="another failure"),
        pytest.param(_status("ConditionalAccess", "Over.", true="False"), id="a failure that is over"),
    ],
)
def test_other_clients_get_no_lecture(status: dict[str, Any]) -> None:
    """About policies that are not theirs."""
    assert told_by_status(REPORTS, status) is None


def test_a_pod_cannot_forge_a_line() -> None:
    """The API server takes any text as the name of an owner."""
    forged = Finding("consumers", "team-a/X/\x1b[2J\nok  everything", Result.WARN, "Odd.")
    assert all(line.isprintable() for line in table([forged]).splitlines())
    assert len(table([forged]).splitlines()) == 1


def test_fields_that_are_not_published_yet_are_not_those_of_another_version() -> None:
    """The API server serves a kind some seconds before it describes it."""
    early, other = _compare("CitrixClient", None), _compare("CitrixClient", {})
    assert "not published yet" in early.message
    assert "another version" in other.message
