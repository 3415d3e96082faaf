"""The operator most engineers would write first: one timer per object, httpx, the official client, two Secrets.

Run by `kopf run`, as the documentation of kopf shows it. NAIVE_REUSE=1 keeps the HTTP client and the API client
between calls; all else is the same. It is honest code, so it does what can be expected of an hour's work: it keeps the
rotated refresh token, publishes the access token in a Secret of its own, and tells in the status when that ends.
"""

import base64
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import kopf
from kubernetes import client, config

INTERVAL = float(os.environ.get("NAIVE_INTERVAL", "1080"))  # 60 % of the 30 minutes of a Citrix token
REUSE = os.environ.get("NAIVE_REUSE") == "1"
HTTP_NOT_FOUND = 404

config.load_config()
_shared = client.CoreV1Api() if REUSE else None
http: Any = httpx.Client(timeout=10) if REUSE else httpx


@kopf.timer("naive.example", "v1", "oauthclients", interval=INTERVAL)
def refresh(
    spec: kopf.Spec,
    name: str,
    namespace: str | None,
    body: kopf.Body,
    patch: kopf.Patch,
    **_: Any,  # noqa: ANN401 - kopf's keyword arguments
) -> None:
    """Fetch a new access token, keep the new refresh token, publish, report."""
    core = _shared or client.CoreV1Api()
    assert namespace, "the kind is namespaced"
    credentials: Any = core.read_namespaced_secret(spec["credentialsSecret"], namespace).data
    answer = http.post(
        spec["tokenURL"],
        data={
            "grant_type": "refresh_token",
            "client_id": spec["clientID"],
            "client_secret": base64.b64decode(credentials["client_secret"]).decode(),
            "refresh_token": base64.b64decode(credentials["refresh_token"]).decode(),
        },
    )
    if answer.is_error:
        raise kopf.TemporaryError(f"the token endpoint answered {answer.status_code}", delay=30)
    token = answer.json()
    if rotated := token.get("refresh_token"):
        core.patch_namespaced_secret(spec["credentialsSecret"], namespace, {"stringData": {"refresh_token": rotated}})
    expires = (datetime.now(UTC) + timedelta(seconds=token["expires_in"])).isoformat(timespec="seconds")
    publish(core, namespace, token_secret(body, f"{name}-token", token["access_token"], expires))
    patch.status["expirationTime"] = expires
    patch.status["ready"] = True


def token_secret(owner: kopf.Body, name: str, access_token: str, expires: str) -> dict[str, Any]:
    """Return the Secret that pods mount; it goes with its owner."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"access_token": access_token, "expires_at": expires},
    }
    kopf.adopt(secret, owner=owner)
    return secret


def publish(core: client.CoreV1Api, namespace: str, secret: Any) -> None:  # noqa: ANN401 - plain JSON does as well
    """Replace the Secret, or create it the first time."""
    try:
        core.replace_namespaced_secret(secret["metadata"]["name"], namespace, secret)
    except client.ApiException as error:
        if error.status != HTTP_NOT_FOUND:
            raise
        core.create_namespaced_secret(namespace, secret)
