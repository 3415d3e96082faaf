"""What differs between kinds of servers, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from citrix_oauth_operator.domain.catalogue import Catalogue
from citrix_oauth_operator.domain.kinds import Kind


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of server.

    Attributes:
        kind: how long its tokens live, and where its endpoints are.
        authorization: the header value with which its tokens are used, `{token}` standing for the token.
        offers_customer: whether its API wants the customer id beside the token, so that pods find it in their Secret.
        catalogue: what it says when it gives no tokens.
        scopes: asked for at a sign-in, where a client names none.
        offline_scope: without which a sign-in brings no refresh token; empty: a setting of the server decides.
        consent_prompt: `prompt` of a sign-in that asks for offline_access; empty: it is granted without.
        headers: of every token request, beside those of the OAuth RFC.
        transaction_header: header that carries an id which the vendor's support asks for; empty for none.
    """

    kind: Kind = field(default_factory=Kind)
    authorization: str = "Bearer {token}"
    offers_customer: bool = False
    catalogue: Catalogue = field(default_factory=Catalogue)
    scopes: tuple[str, ...] = ("openid", "offline_access")
    offline_scope: str = "offline_access"
    consent_prompt: str = "consent"  # OpenID Connect Core section 11
    headers: Mapping[str, str] = field(default_factory=dict)
    transaction_header: str = ""
