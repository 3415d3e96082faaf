"""The examples of the repository as a person fills them in who has signed in at the stand-in."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from .cloud import CitrixCloud
from .registrations import APPLICATION_ID, PRIVATE_POST


def server(cloud: CitrixCloud) -> dict[str, Any]:
    """Return the object that puts the stand-in in the place of the built-in `citrix-cloud`."""
    spec = {
        "type": "CitrixCloud",
        "issuer": cloud.issuer,
        "caBundle": base64.b64encode(cloud.ca_pem).decode(),
        "allowedHosts": [urlsplit(cloud.origin).netloc],
        "allowedAddresses": ["127.0.0.0/8"],
        "requests": {"minInterval": "1s"},
    }
    head = {"apiVersion": "citrix-oauth.dev/v1alpha1", "kind": "AuthorizationServer"}
    return {**head, "metadata": {"name": "citrix-cloud"}, "spec": spec}


def registered(example: Path, cloud: CitrixCloud) -> dict[str, Any]:
    """Return an example with one client and its Secret, with what its registration says; nobody has signed in."""
    objects = {each["kind"]: each for each in yaml.safe_load_all(example.read_text())}
    client, credentials = objects["CitrixClient"], objects["Secret"]
    spec = client["spec"]
    spec["clientID"] = PRIVATE_POST.id
    if "citrix" in spec:
        spec["citrix"] = {"customerDomain": urlsplit(cloud.origin).hostname, "applicationID": APPLICATION_ID}
    if "login" in spec:
        spec["login"]["redirectURI"] = cloud.redirect_uris[0]
    credentials["stringData"] = {"client_secret": PRIVATE_POST.secret}
    return {"apiVersion": "v1", "kind": "List", "items": [credentials, client]}


def signed_in(example: Path, cloud: CitrixCloud) -> dict[str, Any]:
    """Return the same, with the credentials of a person who has just signed in."""
    made = registered(example, cloud)
    made["items"][0]["stringData"]["refresh_token"] = cloud.sign_in(PRIVATE_POST.id).refresh_token
    return made
