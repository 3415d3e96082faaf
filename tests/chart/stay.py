"""One stay of the chart in a cluster: installed, the operator running as its ServiceAccount, teams that use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chart.helm import NAMESPACE, RELEASE, Helm, Manifest, Values, named
from tests.chart.pod import Pod
from tests.chart.rights import Right, granted
from tests.control_plane import ControlPlane
from tests.integration.operator.cluster import Cluster, clients, secrets
from tests.integration.operator.eventually import eventually
from tests.integration.operator.history import History
from tests.integration.operator.scripted import Endpoints
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import CitrixCloud

USER = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a stay needs around it."""

    plane: ControlPlane
    cluster: Cluster
    cloud: CitrixCloud
    endpoints: Endpoints
    folder: Path


@dataclass(slots=True)
class Stay:
    """A release and its pod; `manifests` is what the chart renders to now."""

    around: Surroundings
    helm: Helm
    values: Values
    manifests: list[Manifest]
    pod: Pod

    @property
    def rights(self) -> list[Right]:
        """What the operator may do."""
        return granted(self.manifests, RELEASE)

    def upgrade(self, helm: Helm) -> None:
        """Upgrade to another chart, and roll the pod: the new one waits for the Lease before the old one ends."""
        helm.upgrade(self.values)
        self.helm, self.manifests = helm, helm.render(self.values)
        await_rights(self.around.cluster, self.rights)
        former, self.pod = self.pod, _pod(self.manifests, self.around)
        self.pod.start()
        eventually(self._waits_for_the_lease, "the new pod is a standby", lambda: self.pod.log)
        former.stop()

    def _waits_for_the_lease(self) -> bool:
        asked = [event for event in self.around.plane.audit_events() if event["verb"] == "watch"]
        return any(event["objectRef"].get("resource") == "leases" for event in asked)

    @contextmanager
    def team(self, namespace: str) -> Iterator[World]:
        """Serve a namespace's team, as other tests know it; the namespace is there."""
        kubeconfig, around = self.around.plane.kubeconfig, self.around
        with ExitStack() as stack:
            history = stack.enter_context(History(kubeconfig, clients(namespace)))
            grants = stack.enter_context(History(kubeconfig, secrets(NAMESPACE)))
            yield World(namespace, self.pod, around.cluster, around.cloud, around.endpoints, history, grants, namespace)


@contextmanager
def install(helm: Helm, values: Values, around: Surroundings) -> Iterator[Stay]:
    """Install a chart and start its pod; the test uninstalls, or the control plane ends with all that is in it."""
    helm.install(values)
    manifests = helm.render(values)
    await_rights(around.cluster, granted(manifests, RELEASE))
    stay = Stay(around, helm, values, manifests, _pod(manifests, around))
    stay.pod.start()
    try:
        yield stay
    finally:
        if stay.pod.alive:
            stay.pod.kill()


def _pod(manifests: Sequence[Manifest], around: Surroundings) -> Pod:
    return Pod(named(list(manifests), "Deployment", RELEASE), around.plane, around.folder)


def await_rights(cluster: Cluster, rights: Sequence[Right], user: str = USER) -> None:
    """Wait until the API server knows the Roles: it hears of them a moment after they were written."""
    for right in rights:
        eventually(lambda right=right: may(cluster, user, right), f"{right} is given")  # type: ignore[misc]


def may(cluster: Cluster, user: str, right: Right) -> bool:
    """Whether the API server would let a user do something."""
    resource, _, subresource = right.resource.partition("/")
    about = {"namespace": right.namespace, "group": right.group, "resource": resource, "subresource": subresource}
    spec = {"user": user, "resourceAttributes": {**about, "verb": right.verb, "name": right.name}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    return bool(cluster.create(_REVIEWS, review)["status"]["allowed"])
