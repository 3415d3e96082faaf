"""Starting, breaking and stopping a control plane."""

import json
import os
import shutil
import ssl
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import httpx

from tests.control_plane import credentials, flags
from tests.control_plane.build import Binaries, binaries, find_kubectl
from tests.control_plane.cache import Workspace
from tests.control_plane.children import Child, free_port, json_lines
from tests.control_plane.site import LOOPBACK, Site

EXTERNAL = "CITRIX_OAUTH_TEST_KUBECONFIG"
_START_SECONDS = 300  # four start at once, on a machine that may be slow
_PORT_TRIES = 4


def is_external() -> bool:
    """Whether the developer names a cluster to use instead of one of our own."""
    return bool(os.environ.get(EXTERNAL))


# Who asked for what, without the content: enough to compare with the rights that were given.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}

# A test heap is so small that collecting it takes a quarter of the CPU; the large heap of a cluster hides that.
SMALL_HEAP = {"GOGC": "400"}


class ControlPlane:
    """One control plane, or the cluster that CITRIX_OAUTH_TEST_KUBECONFIG names. A context manager.

    With `audited`, one of our own records what ServiceAccounts ask it for.

    Attributes (set by `start`):
        kubeconfig: a file with the administrator's credentials.
        url: of the API server, `https://<the site's host>:<port>` for our own.
        admin_token: bearer token of a cluster administrator; "" when an external kubeconfig has none.
        kubectl_program: the kubectl that fits.
        folder: logs and data while it runs; removed by `stop`. None for an external cluster.
    """

    def __init__(self, stream: TextIO | None = None, *, audited: bool = False, site: Site = LOOPBACK) -> None:
        self._site = site
        self._audited = audited
        self.kubeconfig = Path()
        self.url = ""
        self.admin_token = ""
        self.folder: Path | None = None
        self._stream = stream
        self.kubectl_program = Path()
        self._workspace: Workspace | None = None
        self._children: dict[str, Child] = {}
        self._programs: Binaries | None = None
        self._api_flags: list[str] = []
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the servers and return when they serve: about 4 s, minutes when the binaries must be built first.

        Raises:
            RuntimeError: a server ended or did not become ready; the message carries the end of its log.
        """
        external = os.environ.get(EXTERNAL)
        if external:
            self.kubeconfig = Path(external).resolve()
            self.url, self.admin_token = credentials.read_kubeconfig(self.kubeconfig)
            self.kubectl_program = find_kubectl(self._stream)
            return
        programs = self._programs = binaries(self._stream)
        self.kubectl_program = programs.kubectl
        self._workspace = Workspace("control-plane")
        self.folder = self._workspace.path
        try:
            self._start_servers(programs, self.folder)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill the servers and remove their folder. May be called twice; never touches an external cluster."""
        for child in reversed(self._children.values()):
            child.stop(grace_seconds=0)  # the data is thrown away: nothing to shut down in order
        self._children.clear()
        if self._client:
            self._client.close()
        if self._workspace:
            self._workspace.remove()
            self._workspace = None

    def stop_api_server(self) -> None:
        """Kill the API server as a crash would; etcd and the data stay.

        Raises:
            RuntimeError: the cluster is an external one.
        """
        self._own("kube-apiserver").stop(grace_seconds=0)

    def start_api_server(self) -> None:
        """Start the API server again on the same port with the same data; returns when it is ready.

        Raises:
            RuntimeError: the cluster is an external one, or the server did not become ready.
        """
        self._own("kube-apiserver").stop(grace_seconds=0)
        assert self._programs is not None
        self._spawn("kube-apiserver", self._programs.kube_apiserver, self._api_flags)
        self._await("/readyz")

    def kubeconfig_of(self, service_account: str, namespace: str, path: Path) -> None:
        """Write a kubeconfig with a ServiceAccount's own token (TokenRequest, an hour), as its pod would have it.

        Raises:
            RuntimeError: there is no such ServiceAccount, or the cluster is an external one.
        """
        if self.folder is None:
            raise RuntimeError("no control plane of our own is running")
        token = self.kubectl("create", "token", service_account, "-n", namespace).stdout.strip()
        credentials.write_kubeconfig(path, self.url, self.folder / "ca.crt", token)

    def as_in_a_pod(self, folder: Path) -> dict[str, str]:
        """Write the administrator's token and the authority as a kubelet projects them; return the pod's environment.

        An external cluster may know its administrator by other credentials: then it is the kubeconfig's.
        """
        environment = {"KUBECONFIG": str(self.kubeconfig)}
        if self.folder is None:
            return environment
        folder.mkdir(parents=True, exist_ok=True)
        credentials.write_private(folder / "token", self.admin_token.encode())
        shutil.copy(self.folder / "ca.crt", folder)
        host, _, port = self.url.removeprefix("https://").rpartition(":")
        pod = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        return {**environment, **pod, "CITRIX_OAUTH_SERVICE_ACCOUNT_DIR": str(folder)}

    def audit_events(self) -> list[dict[str, Any]]:
        """What ServiceAccounts have asked for since the start, as `audit.k8s.io/v1` Events of level Metadata.

        Raises:
            RuntimeError: the control plane is not an audited one of our own.
        """
        if not self._audited or self.folder is None:
            raise RuntimeError("no audit: external cluster, or not asked for")
        return json_lines(self.folder / flags.AUDIT_LOG)

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator.

        Raises:
            RuntimeError: it failed and `check` is true; the message carries its standard error.
        """
        env = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "NO_PROXY": f"{self._site.host},localhost"}
        if self.folder:
            env["KUBECACHEDIR"] = str(self.folder / "kubectl-cache")
        done = subprocess.run(
            [self.kubectl_program, *args], input=stdin or "", env=env, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done

    def _start_servers(self, programs: Binaries, folder: Path) -> None:
        made = credentials.create(folder, self._site)
        self.admin_token = made.admin_token
        self.kubeconfig = folder / "kubeconfig"
        context = ssl.create_default_context(cafile=str(made.ca))
        self._client = httpx.Client(
            verify=context, headers={"Authorization": f"Bearer {made.admin_token}"}, trust_env=False, timeout=30
        )
        (folder / flags.AUDIT_POLICY).write_text(json.dumps(_AUDIT_POLICY))
        self._spawn("etcd", programs.etcd, flags.etcd(folder))
        self._start_api_server_on_some_port(programs, made)
        credentials.write_kubeconfig(self.kubeconfig, self.url, made.ca, made.admin_token)
        manager = flags.kube_controller_manager(self._site, self.kubeconfig, made)
        self._spawn("kube-controller-manager", programs.kube_controller_manager, manager)
        # Only the controller manager makes this object: it is there when that one works.
        self._await("/api/v1/namespaces/default/serviceaccounts/default")

    def _start_api_server_on_some_port(self, programs: Binaries, made: credentials.Credentials) -> None:
        """Somebody may take the port between our look and the server's bind: then another one is tried."""
        for tries_left in reversed(range(_PORT_TRIES)):
            port = self._site.port or free_port(self._site.host)
            self.url = f"https://{self._site.host}:{port}"
            audit = self.folder if self._audited else None
            self._api_flags = flags.kube_apiserver(self._site, port, made, audit)
            server = self._spawn("kube-apiserver", programs.kube_apiserver, self._api_flags)
            try:
                self._await("/readyz")
            except RuntimeError:
                if server.alive or not tries_left or "address already in use" not in server.tail():
                    raise
            else:
                return

    def _spawn(self, name: str, program: Path, arguments: list[str]) -> Child:
        assert self.folder is not None
        self._children[name] = Child(name, [program, *arguments], self.folder, env=SMALL_HEAP)
        return self._children[name]

    def _own(self, name: str) -> Child:
        if name not in self._children:
            raise RuntimeError(f"no {name} of our own is running (external cluster, or not started)")
        return self._children[name]

    def _await(self, path: str) -> None:
        """Wait until the path answers 200."""
        assert self._client is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            for child in self._children.values():
                if not child.alive:
                    raise RuntimeError(f"{child.name} ended:\n{child.tail()}")
            try:
                if self._client.get(self.url + path).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        tails = "\n".join(f"--- {child.name}\n{child.tail()}" for child in self._children.values())
        raise RuntimeError(f"{path} not ready after {_START_SECONDS} s:\n{tails}")
