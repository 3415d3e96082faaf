"""How a client proves itself at the token endpoint (RFC 6749 section 2.3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.spec import ClientAuthentication

_METHODS = {
    ClientAuthentication.CLIENT_SECRET_POST: "client_secret_post",
    ClientAuthentication.CLIENT_SECRET_BASIC: "client_secret_basic",
    ClientAuthentication.NONE: "none",
}


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who the client is, and with what it proves it."""

    method: ClientAuthentication
    client_id: str
    client_secret: SecretText | None = None

    @property
    def supported(self) -> bool:
        """Whether a request can be built: the method is known and has what it needs."""
        return self.method in _METHODS and (not self.method.needs_secret or bool(self.client_secret))

    def applied(self, url: str, headers: dict[str, str], form: str) -> tuple[dict[str, str], str]:
        """Return headers and form with the client's proof in one of them."""
        client_id, secret = self.client_id, self.client_secret.reveal() if self.client_secret else ""
        if self.method is ClientAuthentication.CLIENT_SECRET_BASIC:
            # The RFC wants both form-encoded first; Authlib leaves that out, and servers that decode refuse `==`.
            client_id, secret = quote_plus(client_id), quote_plus(secret)
        _, signed, body = ClientAuth(client_id, secret, _METHODS[self.method]).prepare("POST", url, headers, form)
        return signed, body
