"""Starting the stand-in, signing in, stopping it."""

import json
import secrets
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx
import trustme

from tests.control_plane.cache import Workspace
from tests.control_plane.children import Child, free_port
from tests.standins.citrix_cloud import browser, runtime, tokens
from tests.standins.citrix_cloud.control import Control
from tests.standins.citrix_cloud.registrations import PUBLIC

SCOPE = "openid wsp spa leases offline_access"
_START_SECONDS = 180


@dataclass(frozen=True, slots=True)
class SignIn:
    """The tokens of a fresh sign-in. `refresh_token` is "" when the server gave none; `expires_in` in seconds."""

    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    expires_in: int


class CitrixCloud(Control):
    """The running stand-in; also everything `Control` offers. A context manager, restartable (state is lost then).

    Args:
        tls: serve https with a certificate of our own CA; otherwise http.
        host: address to listen on.
        redirect_uris: what the user clients have registered, compared exactly, port included; none: one with http and
            one with https, on free ports of this machine.

    Attributes (but for the redirect URIs set by `start`):
        origin: `https://<host>:<port>`.
        issuer, token_url, discovery_url: of the authorization server, and of the customer discovery document.
        ca_pem: the CA certificate clients must trust; b"" without TLS.
        trust: the same as httpx's `verify` takes it.
    """

    def __init__(self, *, tls: bool = True, host: str = "127.0.0.1", redirect_uris: Sequence[str] = ()) -> None:
        self.origin = self.issuer = self.token_url = self.discovery_url = ""
        self.ca_pem = b""
        self.trust: ssl.SSLContext | bool = True
        self._tls, self._host = tls, host
        self.redirect_uris = tuple(redirect_uris) or tuple(
            f"{scheme}://localhost:{free_port()}/callback" for scheme in ("http", "https")
        )
        self._child: Child | None = None
        self._workspace: Workspace | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and return when it serves: about 1 s, some more when packages must be installed first.

        Raises:
            RuntimeError: it ended or did not become ready; the message carries the end of its log.
        """
        node = runtime.node()
        modules = runtime.packages(node)
        self._workspace = Workspace("citrix-cloud")
        folder = self._workspace.path
        settings = {
            "host": self._host,
            "port": free_port(self._host),  # ours also while it is told not to listen
            "redirect_uris": self.redirect_uris,
            "ready_file": str(folder / "ready.json"),
            "tls": self._certificate(folder) if self._tls else None,
        }
        try:
            program = runtime.lay_out(folder, modules)
            self._child = Child("server", [node.program, program], folder, {"STAND_IN": json.dumps(settings)})
            self._await(self._child, folder / "ready.json")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove its folder. May be called twice."""
        if self._child:
            self.close()
            self._child.stop()
            self._child = None
        if self._workspace:
            self._workspace.remove()
            self._workspace = None

    def http(self) -> httpx.Client:
        """A client that trusts this server, for the caller to close."""
        return httpx.Client(verify=self.trust, trust_env=False, timeout=60)

    def sign_in(self, client_id: str = PUBLIC.id, user: str = "alice", scope: str = SCOPE) -> SignIn:
        """Sign in through the real pages with PKCE and form_post, and redeem the code.

        Raises:
            RuntimeError: a page or the token endpoint refused.
        """
        pkce, state = tokens.Pkce.new(), secrets.token_urlsafe(16)
        callback = self.approve(self.authorization_url(client_id, pkce.challenge, state, scope), user)
        if callback.fields.get("state") != state or "code" not in callback.fields:
            raise RuntimeError(f"sign-in refused: {callback.fields.get('error')}")
        form = {
            "grant_type": "authorization_code",
            "code": callback.fields["code"],
            "redirect_uri": callback.redirect_uri,
            "code_verifier": pkce.verifier,
        }
        answer = self.request_tokens(client_id, form)
        if not answer.is_success:
            raise RuntimeError(f"code refused: {answer.json().get('error')}")
        got = answer.json()
        return SignIn(got.get("refresh_token", ""), got["access_token"], got["expires_in"])

    def authorization_url(self, client_id: str, challenge: str, state: str, scope: str = SCOPE) -> str:
        """The address a Citrix client sends the browser to; the first registered redirect URI is used."""
        query = {
            "client_id": client_id,
            "redirect_uri": self.redirect_uris[0],
            "response_type": "code",
            "response_mode": "form_post",
            "scope": scope,
            "state": state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "Login",
            "acr_values": "idp:stand-in",
        }
        return f"{self.issuer}/connect/authorize?{urlencode(query)}"

    def approve(self, authorization_url: str, user: str = "alice") -> browser.Callback:
        """Play the browser on an address made by the product; `browser.deliver` sends the result to its callback."""
        return browser.approve(authorization_url, user, self.trust)

    def request_tokens(self, client_id: str, form: dict[str, str]) -> httpx.Response:
        """A correct token request of a registered client, on a connection of its own."""
        with self.http() as http:
            return tokens.request_tokens(http, self.token_url, client_id, form)

    def refresh(self, refresh_token: str, client_id: str = PUBLIC.id) -> httpx.Response:
        """A correct refresh request; the answer may well be a refusal."""
        return self.request_tokens(client_id, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _certificate(self, folder: Path) -> dict[str, str]:
        authority = trustme.CA(organization_name="stand-in Citrix Cloud")
        server = authority.issue_cert(self._host, "localhost")
        self.ca_pem = authority.cert_pem.bytes()
        self.trust = ssl.create_default_context(cadata=self.ca_pem.decode())
        key, chain = folder / "tls.key", folder / "tls.crt"
        key.touch(mode=0o600)
        server.private_key_pem.write_to_path(key)
        chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        return {"key": str(key), "cert": str(chain)}

    def _await(self, child: Child, ready: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if not child.alive or time.monotonic() > deadline:
                raise RuntimeError(f"the stand-in did not start:\n{child.tail()}")
            time.sleep(0.02)
        places = json.loads(ready.read_text())
        self.origin = places["origin"]
        self.issuer = f"{self.origin}/core"
        self.token_url = f"{self.issuer}/connect/token"
        self.discovery_url = f"{self.origin}/citrixapi/discovery/configurations"
        super().__init__(places["control"])
