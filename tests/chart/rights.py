"""What Roles give compared with what was asked for: a right that nothing needs is found as surely as a missing one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.chart.helm import Manifest


class Right(NamedTuple):
    """One verb on one resource, in one namespace or ("") in all and outside of them; of one name or ("") of all."""

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""

    def allows(self, asked: Right) -> bool:
        """Whether a request for `asked` needs no other right."""
        same = self[1:4] == asked[1:4]
        return same and self.namespace in {"", asked.namespace} and self.name in {"", asked.name}


def granted(manifests: Iterable[Manifest], service_account: str) -> list[Right]:
    """Return what the bindings among the manifests give a ServiceAccount; twice where two rules give the same."""
    manifests = list(manifests)
    roles = {(one["kind"], _namespace(one), one["metadata"]["name"]): one for one in manifests}
    rights: list[Right] = []
    for binding in manifests:
        if any(subject["name"] == service_account for subject in binding.get("subjects") or ()):
            reference = binding["roleRef"]
            home = "" if reference["kind"] == "ClusterRole" else _namespace(binding)
            role = roles[reference["kind"], home, reference["name"]]
            rights += [right for rule in role["rules"] for right in _of_rule(rule, _namespace(binding))]
    return rights


def asked(events: Iterable[Manifest], user: str) -> set[Right]:
    """Return what a user has asked the API server for, allowed or not; discovery is everybody's and left out."""
    return {_of_event(event) for event in events if event["user"]["username"] == user and "objectRef" in event}


def refused(events: Iterable[Manifest], user: str) -> set[Right]:
    """Return what a user asked for and may not do."""
    no = [event for event in events if event["annotations"].get("authorization.k8s.io/decision") == "forbid"]
    return asked(no, user)


def superfluous(rights: list[Right], needed: Iterable[Right]) -> list[Right]:
    """Return the rights without which every request would have been allowed all the same."""
    askers = [[right for right in rights if right.allows(one)] for one in needed]
    alone = {id(allowing[0]) for allowing in askers if len(allowing) == 1}
    return [right for right in rights if id(right) not in alone]


def _of_rule(rule: Manifest, namespace: str) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames") or ("",):
                    yield Right(namespace, group, resource, verb, name)


def _of_event(event: Manifest) -> Right:
    about = event["objectRef"]
    resource = "/".join(part for part in (about["resource"], about.get("subresource")) if part)
    namespace = about.get("namespace", "")
    return Right(namespace, about.get("apiGroup", ""), resource, event["verb"], about.get("name", ""))


def _namespace(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace", ""))
