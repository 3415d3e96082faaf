"""Objects of our kinds for tests: valid ones, and the same with some fields changed."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

GROUP, VERSION = "citrix-oauth.dev", "v1alpha1"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

Object = dict[str, Any]


class Refused(NamedTuple):
    """An object the API server must refuse, the field it must name, and the words that tell what to do."""

    body: Object
    field: str
    remedy: str


def _merged(base: Object, changes: Object) -> Object:
    """Apply changes to the top level of a spec; None removes a field."""
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def client(name: str = "reports", /, **changes: object) -> Object:
    """Return the smallest client of grant type RefreshToken, changed."""
    base = {"clientID": "b3BlcmF0b3I=", "credentialsSecretRef": {"name": "reports-credentials"}}
    return _object("CitrixClient", name, _merged(base, changes))


def principal(**changes: object) -> Object:
    """Return a client of grant type ClientCredentials, changed."""
    return client(**{"grantType": "ClientCredentials", **changes})


def store(**changes: object) -> Object:
    """Return a client of grant type CitrixAuth, changed."""
    base = {"grantType": "CitrixAuth", "clientID": None, "storefront": {"storePath": "/Citrix/Store/resources/v2"}}
    return client(**{**base, **changes})


def template(**content: object) -> Object:
    """Return the smallest client with a template for its token Secret."""
    return client(secret={"template": content})


def server(kind: str = "OIDC", name: str = "sso", /, **changes: object) -> Object:
    """Return a server with an issuer, changed."""
    base = {"type": kind, "issuer": "https://sso.example.com"}
    return _object("AuthorizationServer", name, _merged(base, changes))


def storefront(**changes: object) -> Object:
    """Return a server of type StoreFront, changed."""
    return server("StoreFront", **{"issuer": None, "storefront": {"baseURL": "https://sf.example"}, **changes})


def netscaler(**changes: object) -> Object:
    """Return a server of type NetScaler, changed."""
    by_hand = {"token": "https://vpn.example/oauth/idp/token"}
    return server("NetScaler", **{"issuer": None, "endpoints": by_hand, **changes})


def encoded(text: str) -> str:
    """Encode a CA bundle as an admin does."""
    return base64.b64encode(text.encode()).decode()
