"""What tools and people read in a CitrixClient's status."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.integration.operator.cluster import Object

KINDS = ("RefreshFailed", "Stalled")


def condition(client: Object | None, kind: str) -> dict[str, Any]:
    """Return one condition; empty when it is absent."""
    found = ((client or {}).get("status") or {}).get("conditions") or []
    return next((dict(one) for one in found if one["type"] == kind), {})


def shows(client: Object | None, kind: str, reason: str) -> bool:
    """Whether a condition is True for a reason."""
    found = condition(client, kind)
    return (found.get("status"), found.get("reason")) == ("True", reason)


def is_told(client: Object) -> bool:
    """Whether status is about the present spec: a pass has come to its end that knew it."""
    return bool(client["status"].get("observedGeneration") == client["metadata"]["generation"])


def is_well(client: Object | None) -> bool:
    """Whether the client is Ready and has no trouble, by a status that is about its present spec."""
    if client is None or not is_told(client):
        return False
    return shows(client, "Ready", "TokenValid") and not any(condition(client, kind) for kind in KINDS)


def kstatus(client: Object) -> str:
    """Compute the status as Flux, Argo and `kubectl` plugins do (cli-utils, package kstatus).

    Source: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
    """
    if "deletionTimestamp" in client["metadata"]:
        return "Terminating"
    if client["status"].get("observedGeneration", client["metadata"]["generation"]) != client["metadata"]["generation"]:
        return "InProgress"
    if condition(client, "Reconciling").get("status") == "True":
        return "InProgress"
    if condition(client, "Stalled").get("status") == "True":
        return "Failed"
    return "Current" if condition(client, "Ready").get("status", "True") == "True" else "InProgress"


def moment(client: Object, field: str) -> datetime:
    """Return a time of the status."""
    return datetime.fromisoformat(client["status"][field])


def life(client: Object) -> timedelta:
    """Return how long the published token lives in all."""
    return moment(client, "expirationTime") - moment(client, "lastRefreshTime")


def remedy(client: Object) -> str:
    """Return what a person is told to do."""
    return str(client["status"]["lastError"]["remedy"])


def check_trouble(client: Object, kind: str, reason: str) -> None:
    """Check that a failing client says what is wrong and what helps, in the same words everywhere."""
    assert shows(client, kind, reason), client["status"]
    found, error = condition(client, kind), client["status"]["lastError"]
    assert error["reason"] == reason
    assert error.get("remedy"), f"{reason} without a remedy: {found['message']}"
    assert f". {error['remedy']}" in found["message"], f"not two sentences: {found['message']}"
    first = found["message"].split()[0]
    assert first[0].isupper() or "." in first, f"not a sentence: {found['message']}"
    assert found["observedGeneration"] == client["metadata"]["generation"]
    assert [one for one in KINDS if condition(client, one)] == [kind]
    if kind == "Stalled":
        assert kstatus(client) == "Failed"
        assert ("nextRefreshTime" in client["status"]) is (reason == "SecretNotOwned"), "whether the grant goes on"
