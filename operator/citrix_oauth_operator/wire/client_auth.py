"""How a client proves itself at the token endpoint (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.auth import ClientAuth

from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.spec import ClientAuthentication

_METHODS = {
    ClientAuthentication.CLIENT_SECRET_POST: "client_secret_post",
    ClientAuthentication.CLIENT_SECRET_BASIC: "client_secret_basic",
    ClientAuthentication.PRIVATE_KEY_JWT: "none",
    ClientAuthentication.TLS_CLIENT_AUTH: "none",  # the connection proves it
    ClientAuthentication.NONE: "none",
}
_BY_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who the client is, and with what it proves it."""

    method: ClientAuthentication
    client_id: str
    client_secret: SecretText | None = None
    key: ClientKey | None = None

    @property
    def supported(self) -> bool:
        """Whether a request can be built: it has what the method needs."""
        if self.method.needs_secret:
            return bool(self.client_secret)
        return self.key is not None if self.method.needs_key else True

    @property
    def identity(self) -> ClientKey | None:
        """What the TLS connection is opened with."""
        return self.key if self.method is ClientAuthentication.TLS_CLIENT_AUTH else None

    def applied(
        self, url: str, headers: dict[str, str], form: str, audience: str, now: datetime
    ) -> tuple[dict[str, str], str]:
        """Return headers and form with the client's proof in one of them.

        Args:
            audience: whom an assertion is for, wherever it is sent.
        """
        client_id, secret = self.client_id, self.client_secret.reveal() if self.client_secret else ""
        if self.method is ClientAuthentication.CLIENT_SECRET_BASIC:
            # The RFC wants both form-encoded first; Authlib leaves that out, and servers that decode refuse `==`.
            client_id, secret = quote_plus(client_id), quote_plus(secret)
        _, signed, body = ClientAuth(client_id, secret, _METHODS[self.method]).prepare("POST", url, headers, form)
        if self.method is ClientAuthentication.PRIVATE_KEY_JWT:
            body = f"{body}&{urlencode(self._assertion(audience, now))}"
        return signed, body

    def _assertion(self, audience: str, now: datetime) -> dict[str, str]:
        from . import key_material  # noqa: PLC0415 - 10 MiB that nobody without a key needs

        if self.key is None:
            raise TypeError("checked by supported")
        proof = key_material.assertion(self.key, self.client_id, audience, now)
        return {"client_assertion_type": _BY_ASSERTION, "client_assertion": proof.reveal()}
