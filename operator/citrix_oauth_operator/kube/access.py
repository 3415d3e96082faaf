"""Where the API server is and who we are there: the pod's ServiceAccount, else the kubeconfig.

In a pod the two files are read here: the `kubernetes` package does the same, and costs a third of a second of the start
and 17 MiB for as long as the pod lives (docs/adr/0002). A kubeconfig is left to it, exec plugins and all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ClusterNotConfigured(Exception):
    """Neither an in-cluster ServiceAccount nor a kubeconfig with the wanted context was found."""

    def __init__(self, context: str | None = None) -> None:
        named = os.environ.get("KUBECONFIG")
        hint = (
            f"KUBECONFIG={named} cannot be read" if named else "run in a pod with a ServiceAccount, or set KUBECONFIG"
        )
        if context is not None:
            hint = f"the kubeconfig cannot be read, or has no context {context}; see `kubectl config get-contexts`"
        super().__init__(f"no cluster: {hint}")


@dataclass(frozen=True, slots=True)
class Access:
    """The way to one API server.

    Attributes:
        server: its URL, without a slash at the end.
        authorization: returns the value of that header as of now, "" for none; reads a file or runs a plugin.
        ca_file: whose certificates are trusted; None: whom the system trusts.
        certificate_file: of a client certificate, `key_file` its key.
        verified: whether the server's certificate is looked at; only a kubeconfig can switch that off.
    """

    server: str
    authorization: Callable[[], str] = lambda: ""
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    verified: bool = True


def find_cluster(context: str | None = None, service_account: Path = SERVICE_ACCOUNT) -> Access:
    """Find the cluster and the credentials: in a pod its ServiceAccount, else the kubeconfig.

    Args:
        context: of the kubeconfig, which is then the only place; None: its current one.
        service_account: the folder with `token` and `ca.crt`, as the kubelet projects it.

    Raises:
        ClusterNotConfigured: neither is there, or the kubeconfig has no such context.
    """
    if context is None and (access := _in_pod(service_account)):
        return access
    return _by_kubeconfig(context)


def _in_pod(folder: Path) -> Access | None:
    """Return what every pod is given; None outside of one ("Accessing the Kubernetes API from a Pod")."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token, authority = folder / "token", folder / "ca.crt"
    if not (host and port and token.is_file() and authority.is_file()):
        return None
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Access(server, partial(_bearer, token), str(authority))


def _bearer(token: Path) -> str:
    """Read the token that the kubelet replaces before it ends."""
    return f"Bearer {token.read_text().strip()}"


def _by_kubeconfig(context: str | None) -> Access:
    from kubernetes.client import Configuration  # noqa: PLC0415 - see the head of this module
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    found, path = Configuration(), os.environ.get("KUBECONFIG")
    try:
        load_kube_config(path, context=context, client_configuration=found, persist_config=False)
    except (ConfigException, OSError, TypeError, AttributeError, YAMLError):  # it checks little of what it reads
        raise ClusterNotConfigured(context) from None

    def authorization() -> str:
        value: str | None = found.get_api_key_with_prefix("BearerToken", alias="authorization")
        return value or (found.get_basic_auth_token() if found.username else "") or ""

    return Access(
        server=found.host.rstrip("/"),
        authorization=authorization,
        ca_file=found.ssl_ca_cert,
        certificate_file=found.cert_file,
        key_file=found.key_file,
        verified=found.verify_ssl,
    )
