"""Token requests as a well-behaved client makes them: what sign-in and the tests' own probes use."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import httpx

from tests.standins.citrix_cloud.registrations import BY_ID, Client


@dataclass(frozen=True, slots=True)
class Pkce:
    """A verifier and its S256 challenge (RFC 7636)."""

    verifier: str = field(repr=False)
    challenge: str

    @classmethod
    def new(cls) -> "Pkce":
        """A fresh pair."""
        verifier = secrets.token_urlsafe(64)
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


def registered(client_id: str) -> Client:
    """The registration of an id; an unknown id is taken for a public client."""
    return BY_ID.get(client_id) or Client(client_id)


def request_tokens(http: httpx.Client, token_url: str, client_id: str, form: dict[str, str]) -> httpx.Response:
    """POST a token request with the client's own authentication; Basic credentials are form-encoded first."""
    client = registered(client_id)
    headers, body = {}, dict(form)
    if client.authentication == "client_secret_basic":
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        body["client_id"] = client.id
        if client.secret:
            body["client_secret"] = client.secret
    return http.post(token_url, data=body, headers=headers)
