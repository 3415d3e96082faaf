"""Keys, certificates and the kubeconfig of one control plane, all in its own folder."""

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.control_plane.site import Site


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files the servers are started with, and the administrator's token (group system:masters)."""

    ca: Path
    certificate: Path
    key: Path
    service_account_key: Path
    token_file: Path
    admin_token: str = field(repr=False)


def create(folder: Path, site: Site) -> Credentials:
    """Make everything anew in `folder`; private files get mode 0600."""
    token = secrets.token_hex(16)
    made = Credentials(
        ca=folder / "ca.crt",
        certificate=folder / "server.crt",
        key=folder / "server.key",
        service_account_key=folder / "service-account.key",
        token_file=folder / "tokens.csv",
        admin_token=token,
    )
    authority = trustme.CA(organization_name="citrix-oauth-operator test control plane")
    server = authority.issue_cert(site.host, "localhost", "kubernetes.default.svc")
    authority.cert_pem.write_to_path(made.ca)
    made.certificate.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    write_private(made.key, server.private_key_pem.bytes())
    write_private(made.service_account_key, _rsa_key())
    users = {token: ("admin", "system:masters"), **site.users}
    lines = [f'{bearer},{name},{name},"{group}"\n' for bearer, (name, group) in users.items()]
    write_private(made.token_file, "".join(lines).encode())
    return made


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def write_kubeconfig(path: Path, url: str, ca: Path, token: str) -> None:
    """Write a kubeconfig for whoever the bearer token says."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "user"}}],
        "current-context": "local",
    }
    write_private(path, yaml.safe_dump(config).encode())


def read_kubeconfig(path: Path) -> tuple[str, str]:
    """URL and bearer token of the current context; the token is "" where another kind of credential is used.

    Raises:
        KeyError: the file has no usable current context.
    """
    config = yaml.safe_load(path.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    return str(cluster["server"]), str(user.get("token", ""))


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise KeyError(name)


def _rsa_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
