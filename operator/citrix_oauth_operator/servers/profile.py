"""What differs between kinds of servers, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from citrix_oauth_operator.domain.server import Lifetimes


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of server.

    Attributes:
        authorization: the header value with which its tokens are used, `{token}` standing for the token.
        catalogue: remedy by OAuth error code, where this kind of server has a better one than the general text.
        lifetimes: of its tokens, where an AuthorizationServer does not say.
        scopes: asked for at a sign-in, where a client names none.
        consent_prompt: `prompt` of a sign-in that asks for offline_access; empty: it is granted without.
        transaction_header: header that carries an id which the vendor's support asks for; empty for none.
    """

    authorization: str = "Bearer {token}"
    catalogue: Mapping[str, str] = field(default_factory=dict)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    scopes: tuple[str, ...] = ("openid", "offline_access")
    consent_prompt: str = "consent"  # OpenID Connect Core section 11
    transaction_header: str = ""
