"""Redeem a sign-in (RFC 6749 section 4.1.3, with PKCE: RFC 7636 section 4.5)."""

from __future__ import annotations

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.wire.raw import RawAnswer

from .exchange import Asking, ask


async def redeem(asking: Asking, sign_in: SignIn) -> RawAnswer | NotSent | Uncertain:
    """Send the code once; what comes back is raw, so that it can be kept safe before it is read."""
    parameters = {
        "code": sign_in.code.reveal(),
        "redirect_uri": sign_in.redirect_uri,
        "code_verifier": sign_in.code_verifier.reveal(),
    }
    return await ask(asking, "authorization_code", parameters)


def secrets_of(sign_in: SignIn) -> tuple[SecretText, ...]:
    """Return what of a sign-in is told to nobody, whoever repeats it."""
    return sign_in.code, sign_in.code_verifier
