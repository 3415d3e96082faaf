"""Setting the scene: kinds installed, a person signed in, an example applied."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.control_plane import ControlPlane
from tests.standins.citrix_cloud import PRIVATE_POST, CitrixCloud

NAMESPACE, CLIENT = "team-a", "reports"
OPERATOR_NAMESPACE = "citrix-oauth-system"
GRANT, TOKEN, CREDENTIALS = f"grant.{NAMESPACE}.{CLIENT}", f"{CLIENT}-token", f"{CLIENT}-credentials"
EXAMPLE = "examples/10-smallest.yaml"

_ROOT = Path(__file__).parent.parent
_SERVED_SECONDS = 180


def install_kinds(plane: ControlPlane) -> None:
    """Apply the CRDs and wait until they are served: Established alone comes a moment too early.

    Raises:
        RuntimeError: they were refused, or not served in time.
    """
    crds = str(_ROOT / "crds")
    plane.kubectl("apply", "--server-side", "-f", crds)
    plane.kubectl("wait", "--for=condition=Established", f"--timeout={_SERVED_SECONDS}s", "-f", crds)
    deadline = time.monotonic() + _SERVED_SECONDS
    for plural in ("authorizationservers", "citrixclients"):
        while plane.kubectl("explain", f"{plural}.spec", check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{plural} not served {_SERVED_SECONDS} s after they were applied")
            time.sleep(0.1)


def add_server(plane: ControlPlane, cloud: CitrixCloud) -> None:
    """Apply an AuthorizationServer that stands before the built-in one and points to the stand-in."""
    spec = {
        "type": "CitrixCloud",
        "issuer": cloud.issuer,
        "caBundle": base64.b64encode(cloud.ca_pem).decode(),
        "allowedAddresses": ["127.0.0.0/8"],
        "requests": {"minInterval": "2s"},
        "refreshToken": {"lifetime": "24h", "lifetimeModel": "Sliding"},  # as the stand-in does it
    }
    server = {"kind": "AuthorizationServer", "metadata": {"name": "citrix-cloud"}, "spec": spec}
    _apply(plane, [{"apiVersion": "citrix-oauth.dev/v1alpha1", **server}])


def apply_example(plane: ControlPlane, refresh_token: str) -> None:
    """Apply the smallest example, with a registered client and a seed in place of what stands there."""
    documents = list(yaml.safe_load_all((_ROOT / EXAMPLE).read_text()))
    by_kind: dict[str, Any] = {document["kind"]: document for document in documents}
    by_kind["CitrixClient"]["spec"]["clientID"] = PRIVATE_POST.id
    by_kind["Secret"]["stringData"] = {"client_secret": PRIVATE_POST.secret, "refresh_token": refresh_token}
    plane.kubectl("create", "namespace", NAMESPACE)
    _apply(plane, documents, "-n", NAMESPACE)


def sign_in(cloud: CitrixCloud) -> str:
    """Sign in as a person at a browser; returns the refresh token."""
    return cloud.sign_in(PRIVATE_POST.id).refresh_token


def steps(plane: ControlPlane, cloud: CitrixCloud) -> list[tuple[str, Callable[[], None]]]:
    """Return what is done once both servers run, with words for it."""
    return [
        ("kinds CitrixClient and AuthorizationServer, applied and served", lambda: install_kinds(plane)),
        ("AuthorizationServer citrix-cloud, pointing to the stand-in", lambda: add_server(plane, cloud)),
        (f"signed in through the login pages, {EXAMPLE} applied", lambda: apply_example(plane, sign_in(cloud))),
    ]


def _apply(plane: ControlPlane, documents: list[dict[str, Any]], *more: str) -> None:
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    plane.kubectl("apply", "--server-side", *more, "-f", "-", stdin=manifest)
