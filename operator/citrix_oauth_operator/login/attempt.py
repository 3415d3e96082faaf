"""The request that begins a sign-in in a browser: PKCE always, a state, a nonce, the answer as a POST."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Self

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from citrix_oauth_operator.domain.secrecy import SecretText, StaysHere
from citrix_oauth_operator.domain.sign_in import SignIn

_RANDOM_BYTES = 32
_VERIFIER_BYTES = 64  # 86 characters; RFC 7636 section 4.1 wants 43 to 128


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person signs in for; none of it is secret.

    Attributes:
        endpoint: the authorization endpoint; a query of its own is kept.
        token_endpoint: of the same server: the only place where the code may go.
        issuer: who must have answered (RFC 9207); None: not known, so not compared.
        iss_required: whether an answer without `iss` is refused, because the server says it always sends one.
        resource: whom the token is for, where the client says it (ADFS; RFC 8707).
        claims: what the server wanted when it refused the last token, as JSON (OpenID Connect Core section 5.5).
        prompt, acr_values: sent where the server, or the customer's document, asks for them.
    """

    endpoint: str
    token_endpoint: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    issuer: str | None = None
    iss_required: bool = False
    prompt: str = ""
    acr_values: str = ""
    resource: str = ""
    claims: str = ""


@dataclass(frozen=True, slots=True)
class Attempt(StaysHere):
    """One sign-in under way. Whoever knows `url` could sign in as somebody else: it is for one browser only."""

    wanted: Wanted
    state: SecretText
    nonce: SecretText
    code_verifier: SecretText

    @classmethod
    def begin(cls, wanted: Wanted) -> Self:
        """Return a new attempt; no two share anything random."""
        state, nonce = (SecretText(secrets.token_urlsafe(_RANDOM_BYTES)) for _ in range(2))
        return cls(wanted, state, nonce, SecretText(secrets.token_urlsafe(_VERIFIER_BYTES)))

    @property
    def url(self) -> str:
        """The address to open in the browser.

        Source: RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core section 3.1.2.1, Form Post Response
        Mode section 2.
        """
        wanted = self.wanted
        url: str = prepare_grant_uri(
            wanted.endpoint,
            wanted.client_id,
            "code",
            redirect_uri=wanted.redirect_uri,
            scope=list(wanted.scopes),
            state=self.state.reveal(),
            response_mode="form_post",
            nonce=self.nonce.reveal(),
            code_challenge=create_s256_code_challenge(self.code_verifier.reveal()),
            code_challenge_method="S256",
            prompt=wanted.prompt or None,
            acr_values=wanted.acr_values or None,
            resource=wanted.resource or None,
            claims=wanted.claims or None,
        )
        return url

    def finished(self, code: SecretText) -> SignIn:
        """Return what the operator needs to redeem `code`."""
        wanted = self.wanted
        return SignIn(code, self.code_verifier, wanted.redirect_uri, self.nonce.reveal(), wanted.token_endpoint)
