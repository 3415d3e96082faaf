"""The cluster as commands reach it: they have nobody who tries again for them."""

from __future__ import annotations

from citrix_oauth_operator.kube.access import find_cluster
from citrix_oauth_operator.kube.api import Api

#: For some seconds after a CRD is made, the API server answers 429 to requests for its objects.
_THROTTLED_SECONDS = (0.5, 1, 1, 1, 2, 2, 2)


def connection(context: str | None = None) -> Api:
    """Return the cluster that the kubeconfig, or the pod, names; not connected yet.

    Raises:
        ClusterNotConfigured: there is none.
    """
    return Api(find_cluster(context), _THROTTLED_SECONDS)
