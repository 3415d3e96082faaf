"""Whether somebody may do what the commands, or the operator, must do: asked of the API server itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citrix_oauth_operator.kube.api import Api

from .finding import Finding, Result, ok

_GROUP = "citrix-oauth.dev"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Right:
    """Some verbs on one resource, in one namespace or ("") everywhere; `why` continues "needed to"."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    namespace: str
    why: str


def of_the_operator(namespaces: Sequence[str], own: str) -> list[Right]:
    """Return what the operator needs in the namespaces it serves (none: all) and in its own."""
    rights = [
        Right(_GROUP, "authorizationservers", ("get", "list", "watch"), "", "know the servers"),
        Right(_GROUP, "authorizationservers/status", ("patch",), "", "say whether they are accepted"),
    ]
    for namespace in namespaces or ("",):
        rights += [
            Right(_GROUP, "citrixclients", ("get", "list", "watch"), namespace, "serve the clients"),
            Right(_GROUP, "citrixclients", ("patch",), namespace, "hold clients that revoke their grant at the end"),
            Right(_GROUP, "citrixclients/status", ("patch", "update"), namespace, "tell how they are"),
            Right("", "secrets", ("get", "create", "update", "delete"), namespace, "read credentials, write tokens"),
            Right("", "events", ("create",), namespace, "tell what changed"),
            Right("", "namespaces", ("get",), namespace, "bind grants to the namespace"),
        ]
    return [
        *rights,
        Right("", "secrets", ("get", "create", "update", "delete"), own, "keep grants, and sweep them"),
        Right("", "namespaces", ("get",), own, "find its own namespace"),
        Right("", "configmaps", ("get", "list", "create", "patch", "delete"), own, "remember used seeds"),
        Right("coordination.k8s.io", "leases", ("get", "watch", "create", "patch"), own, "elect who works"),
    ]


def of_a_person(namespace: str) -> list[Right]:
    """Return what `status`, `refresh`, `login` and `check` need."""
    return [
        Right(_GROUP, "citrixclients", ("list", "patch"), namespace, "show clients, and ask for a refresh"),
        Right(_GROUP, "authorizationservers", ("list",), "", "check the servers"),
        Right("", "secrets", ("get", "create"), namespace, "check credentials, and hand a sign-in over"),
        Right("", "pods", ("list",), namespace, "find pods that use token Secrets wrongly"),
    ]


async def check_rights(api: Api, rights: Iterable[Right], lacking: Result) -> list[Finding]:
    """Ask about each right; one finding a right that is lacking, one for all when none is.

    Raises:
        ApiError: the API server does not answer.
    """
    findings = []
    for right in rights:
        missing = [verb for verb in right.verbs if not await _allowed(api, right, verb)]
        if missing:
            where = f"in namespace {right.namespace}" if right.namespace else "in the whole cluster"
            findings.append(
                Finding(
                    "rights",
                    right.resource,
                    lacking,
                    f"No right to {', '.join(missing)} {where}: needed to {right.why}.",
                    "Ask the cluster's admin for a Role with it, or check fewer namespaces (-n).",
                )
            )
    return findings or [ok("rights", "-", "All there.")]


async def _allowed(api: Api, right: Right, verb: str) -> bool:
    resource, _, part = right.resource.partition("/")
    attributes = {"group": right.group, "resource": resource, "subresource": part, "verb": verb}
    spec = {"resourceAttributes": {**attributes, "namespace": right.namespace}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    answer = await api.ask(_REVIEWS, body)
    return bool(answer["status"].get("allowed"))
