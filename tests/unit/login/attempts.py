"""One sign-in under way, as the tests of this folder see it."""

from __future__ import annotations

from citrix_oauth_operator.login.attempt import Attempt, Wanted

ISSUER = "https://login.example/core"
WANTED = Wanted(
    endpoint=f"{ISSUER}/connect/authorize?tenant=a%2Bb",
    token_endpoint=f"{ISSUER}/connect/token",
    client_id="b3BlcmF0b3I==",
    redirect_uri="http://localhost:7182/callback",
    scopes=("openid", "offline_access"),
    issuer=ISSUER,
)


def answer(attempt: Attempt, **changed: str | None) -> dict[str, str]:
    """Return a good answer to an attempt, with parameters changed, or dropped by None."""
    good = {"code": "CANARY-code", "state": attempt.state.reveal(), "iss": attempt.wanted.issuer, **changed}
    return {name: value for name, value in good.items() if value is not None}
