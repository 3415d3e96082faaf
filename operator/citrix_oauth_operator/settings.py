"""What `run` was told: flags and their environment variables, read once, passed down as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from citrix_oauth_operator.kube.access import SERVICE_ACCOUNT

DEFAULT_NAMESPACE = "citrix-oauth-system"
DEFAULT_LEASE = "citrix-oauth-operator"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of `citrix-oauth run`; none of them is secret.

    Attributes:
        operator_namespace: where grants and claims are kept.
        watch_namespaces: namespaces whose clients are served; empty: all.
        pod_uid: the pod's UID from the downward API; None outside a cluster.
        lease_name: of the Lease in the operator's namespace; whoever holds it starts token requests.
        lease_seconds: after which a leader that ended without a word is replaced.
        spill_dir: memory-backed folder for answers that are not committed yet; None: held in memory only.
        http_port: serves /metrics, /healthz and /readyz; 0: off.
        portal_url: where the sign-in portal is; status tells people. Empty: there is none.
        drain_seconds: how long passes under way may take after SIGTERM.
        service_account_dir: the folder with the pod's `token` and `ca.crt`; where there is none, the kubeconfig counts.
    """

    operator_namespace: str
    watch_namespaces: tuple[str, ...] = ()
    pod_uid: str | None = None
    lease_name: str = DEFAULT_LEASE
    lease_seconds: int = 15
    spill_dir: Path | None = None
    http_port: int = 0
    log_format: str = "text"
    log_level: str = "info"
    portal_url: str = ""
    drain_seconds: float = 100.0
    service_account_dir: Path = SERVICE_ACCOUNT
