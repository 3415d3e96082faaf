"""Command lines of the three servers, tuned for a small machine that starts them often.

etcd listens on Unix sockets in the plane's folder (relative to the working directory; the `host:port` form is
what etcd demands of every address), so only the API server needs a TCP port and nobody else can reach the data.
"""

from pathlib import Path

from tests.control_plane.credentials import Credentials
from tests.control_plane.site import Site

AUDIT_POLICY, AUDIT_LOG = "audit-policy.yaml", "audit.log"
_ETCD_CLIENT, _ETCD_PEER = "unix://localhost:1", "unix://localhost:2"
_CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "resourcequota-controller",
    "clusterrole-aggregation-controller",
)


def etcd(folder: Path) -> list[str]:
    """Flags of etcd; durability is given up for speed, the data dies with the folder."""
    return [
        "--name=test",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={_ETCD_CLIENT}",
        f"--advertise-client-urls={_ETCD_CLIENT}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster=test={_ETCD_PEER}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def kube_apiserver(site: Site, port: int, made: Credentials, audit: Path | None = None) -> list[str]:
    """Flags of kube-apiserver on that port of the site; `audit`: a folder for what ServiceAccounts ask."""
    audited = [f"--audit-policy-file={audit / AUDIT_POLICY}", f"--audit-log-path={audit / AUDIT_LOG}"] if audit else []
    return [
        *audited,
        f"--etcd-servers={_ETCD_CLIENT}",
        f"--bind-address={site.host}",
        f"--secure-port={port}",
        f"--tls-cert-file={made.certificate}",
        f"--tls-private-key-file={made.key}",
        f"--token-auth-file={made.token_file}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={made.service_account_key}",
        f"--service-account-signing-key-file={made.service_account_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",  # nobody routes to this server through a Service
        "--allow-privileged=true",
        "--event-ttl=1h",
        "--profiling=false",
        *site.api_flags,
    ]


def kube_controller_manager(site: Site, kubeconfig: Path, made: Credentials) -> list[str]:
    """Flags of kube-controller-manager, with the controllers that make sense without nodes, and the site's."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={made.service_account_key}",
        f"--root-ca-file={made.ca}",
        "--leader-elect=false",
        "--secure-port=0",
        "--use-service-account-credentials=false",
        f"--controllers={','.join((*_CONTROLLERS, *site.controllers))}",
    ]
