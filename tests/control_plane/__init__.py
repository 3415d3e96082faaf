"""A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager. No nodes, so no pods run.

RBAC, ServiceAccount tokens, CRD schemas with CEL, garbage collection and namespace deletion are the real ones.
`python -m tests.control_plane up` starts one for a person; tests take the fixture `control_plane`.
"""

from tests.control_plane.plane import ControlPlane

__all__ = ["ControlPlane"]
