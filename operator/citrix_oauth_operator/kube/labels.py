"""Labels, annotations and names that our objects carry, and where they are."""

from __future__ import annotations

from typing import Any

from citrix_oauth_operator.domain.model import ClientRef

PREFIX = "citrix-oauth.dev"
API_VERSION, CLIENT_KIND = f"{PREFIX}/v1alpha1", "CitrixClient"
MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "citrix-oauth-operator"
CLIENT_NAME = f"{PREFIX}/client-name"
CLIENT_NAMESPACE = f"{PREFIX}/client-namespace"
GONE_SINCE = f"{PREFIX}/gone-since"
CLIENT_UID = f"{PREFIX}/client-uid"
FINALIZER = f"{PREFIX}/revoke"
REQUESTED_AT = f"{PREFIX}/requested-at"
CREDENTIALS_EXPIRE_AT = f"{PREFIX}/credentials-expire-at"
TOKEN_STATE = f"{PREFIX}/token-state"
CONTENT_HASH = f"{PREFIX}/content-hash"
TEMPLATE_HASH = f"{PREFIX}/template-hash"

_LABEL_LENGTH = 63


def of_client(ref: ClientRef) -> dict[str, str]:
    """Return the labels of an object that belongs to a client; long names are cut, the UID is exact."""
    return {
        MANAGED_BY: OPERATOR,
        CLIENT_NAME: ref.name[:_LABEL_LENGTH].rstrip("-."),
        CLIENT_UID: ref.uid,
    }


def named(ref: ClientRef) -> dict[str, str]:
    """Return the annotations of an object in the operator's namespace: whose it is, with the whole name."""
    return {CLIENT_NAMESPACE: ref.namespace, CLIENT_NAME: ref.name}


def reference(ref: ClientRef) -> dict[str, Any]:
    """Return how other objects name a client: owner references, with its namespace Events, too."""
    return {"apiVersion": API_VERSION, "kind": CLIENT_KIND, "name": ref.name, "uid": ref.uid}


def client_path(ref: ClientRef) -> str:
    """Return the API path of a CitrixClient."""
    return f"/apis/{API_VERSION}/namespaces/{ref.namespace}/citrixclients/{ref.name}"


def secret_path(namespace: str, name: str) -> str:
    """Return the API path of a Secret."""
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"
