"""What binds a sign-in to the browser it was begun in: one cookie, and the forms that know it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from citrix_oauth_operator.domain.secrecy import SecretText

# Set by this host alone, for all its paths, over TLS. Lax is enough: the server's POST carries no cookie, but it is
# answered by a redirect, and the GET that follows carries them (docs/portal.md).
COOKIE = "__Host-citrix-oauth-portal"
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


class BrowserKey:
    """The secret of one browser."""

    def __init__(self, value: SecretText) -> None:
        self._value = value

    @classmethod
    def new(cls) -> BrowserKey:
        """Return a key that no other browser has: 256 bits."""
        return cls(SecretText(secrets.token_urlsafe(32)))

    @classmethod
    def of(cls, cookie: str | None) -> BrowserKey | None:
        """Return the key that a cookie holds; None: there is none, or it is not one of ours."""
        return cls(SecretText(cookie)) if cookie and _FORM.fullmatch(cookie) else None

    @property
    def set_cookie(self) -> str:
        """The header that gives it to the browser, for as long as that runs."""
        return f"{COOKIE}={self._value.reveal()}; {ATTRIBUTES}"

    @property
    def digest(self) -> str:
        """What the portal remembers of it."""
        return hashlib.sha256(self._value.reveal().encode()).hexdigest()

    def form_token(self, person: str) -> str:
        """Return what a form of ours holds, and another site cannot know."""
        return hmac.new(self._value.reveal().encode(), f"form\0{person}".encode(), hashlib.sha256).hexdigest()

    def made(self, form_token: str, person: str) -> bool:
        """Whether a form was ours, for this browser and this person."""
        return hmac.compare_digest(form_token.encode(), self.form_token(person).encode())
