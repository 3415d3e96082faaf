"""Where the API server is: the pod's ServiceAccount, else the kubeconfig, however it names its credentials."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from citrix_oauth_operator.kube.access import Access, ClusterNotConfigured, find_cluster

AUTHORITY = base64.b64encode(b"an authority").decode()
CLUSTER = {"server": "https://api.corp.example:6443/", "certificate-authority-data": AUTHORITY}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's folder as the kubelet projects it, in a process that knows of no cluster yet."""
    for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("CANARY-first\n")
    (folder / "ca.crt").write_text("an authority")
    return folder


def _in_a_pod(monkeypatch: pytest.MonkeyPatch, host: str = "10.0.0.1") -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")


def _kubeconfig(folder: Path, user: Mapping[str, object], cluster: Mapping[str, object] = CLUSTER) -> None:
    contexts = [{"name": name, "context": {"cluster": name, "user": name}} for name in ("here", "there")]
    there = {**cluster, "server": "https://there.corp.example"}
    config = {
        "current-context": "here",
        "contexts": contexts,
        "clusters": [{"name": "here", "cluster": cluster}, {"name": "there", "cluster": there}],
        "users": [{"name": "here", "user": user}, {"name": "there", "user": user}],
    }
    (folder.parent / "kubeconfig").write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("host", "server"),
    [
        pytest.param("10.0.0.1", "https://10.0.0.1:443", id="IPv4"),
        pytest.param("fd00::1", "https://[fd00::1]:443", id="IPv6"),
        pytest.param("kubernetes.default.svc", "https://kubernetes.default.svc:443", id="a name"),
    ],
)
def test_a_pod_is_told_where_its_api_server_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    """By its environment; the authority beside the token vouches for it."""
    _in_a_pod(monkeypatch, host)
    found = find_cluster(service_account=folder)
    assert (found.server, found.ca_file, found.verified) == (server, str(folder / "ca.crt"), True)


def test_a_token_is_read_each_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet replaces it long before it ends."""
    _in_a_pod(monkeypatch)
    found = find_cluster(service_account=folder)
    assert found.authorization() == "Bearer CANARY-first"
    (folder / "token").write_text("CANARY-second")
    assert found.authorization() == "Bearer CANARY-second"


@pytest.mark.parametrize("missing", ["token", "ca.crt", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_half_a_pod_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Then the kubeconfig counts: a token is never sent to a server that no authority of the cluster vouches for."""
    _in_a_pod(monkeypatch)
    _kubeconfig(folder, {"token": "CANARY-kubeconfig"})
    if missing.isupper():
        monkeypatch.delenv(missing)
    else:
        (folder / missing).unlink()
    assert find_cluster(service_account=folder).authorization() == "Bearer CANARY-kubeconfig"


def test_a_named_context_is_the_kubeconfigs_even_in_a_pod(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names one wants that one."""
    _in_a_pod(monkeypatch)
    _kubeconfig(folder, {"token": "CANARY-kubeconfig"})
    assert find_cluster("there", folder).server == "https://there.corp.example"


def test_a_kubeconfig_gives_everything_that_a_connection_needs(folder: Path) -> None:
    """Embedded certificates become files; a slash at the end of the URL goes."""
    key = base64.b64encode(b"a key").decode()
    _kubeconfig(folder, {"client-certificate-data": AUTHORITY, "client-key-data": key})
    found = find_cluster()
    assert (found.server, found.verified, found.authorization()) == ("https://api.corp.example:6443", True, "")
    assert [_content(each) for each in (found.ca_file, found.certificate_file, found.key_file)] == [
        "an authority",
        "an authority",
        "a key",
    ]


def _content(path: str | None) -> str:
    return Path(path).read_text() if path else ""


def test_a_plugin_is_asked_for_a_token(folder: Path) -> None:
    """As those of the clouds are (client-go credential plugins)."""
    answer = (
        '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"CANARY-plugin"}}'
    )
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print({answer!r})"],
        "interactiveMode": "Never",
    }
    _kubeconfig(folder, {"exec": plugin})
    assert find_cluster().authorization() == "Bearer CANARY-plugin"


def test_a_name_and_a_password_are_basic(folder: Path) -> None:
    """RFC 7617."""
    _kubeconfig(folder, {"username": "admin", "password": "CANARY-password"})
    expected = base64.b64encode(b"admin:CANARY-password").decode()
    assert find_cluster().authorization() == f"Basic {expected}"


def test_a_kubeconfig_may_switch_verification_off(folder: Path) -> None:
    """Nothing else can."""
    _kubeconfig(folder, {"token": "CANARY"}, {"server": "https://dev.example", "insecure-skip-tls-verify": True})
    assert not find_cluster().verified
    assert Access("https://api.corp.example").verified


@pytest.mark.parametrize(
    ("content", "context", "hint"),
    [
        pytest.param(None, None, "KUBECONFIG=", id="no such file"),
        pytest.param("{", None, "cannot be read", id="not YAML"),
        pytest.param("[]", None, "cannot be read", id="not a mapping"),
        pytest.param("{}", None, "cannot be read", id="nothing in it"),
        pytest.param("{}", "there", "kubectl config get-contexts", id="no such context"),
    ],
)
def test_no_cluster_is_told_with_a_remedy(folder: Path, content: str | None, context: str | None, hint: str) -> None:
    """A person reads it."""
    if content is not None:
        (folder.parent / "kubeconfig").write_text(content)
    with pytest.raises(ClusterNotConfigured, match="no cluster: ") as told:
        find_cluster(context, folder)
    assert hint in str(told.value)
