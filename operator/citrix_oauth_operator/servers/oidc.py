"""Every other server that speaks OAuth 2.0 (RFC 6749) or OpenID Connect."""

from __future__ import annotations

from .profile import Profile

PROFILE = Profile()
