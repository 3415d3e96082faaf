"""On-premises StoreFront: no OAuth; a user's account, a primary token of hours and service tokens of about an hour."""

from __future__ import annotations

from datetime import timedelta

from citrix_oauth_operator.domain.kinds import Kind, Lifetimes

from .profile import Profile

PROFILE = Profile(authorization="CitrixAuth {token}", kind=Kind(Lifetimes(access_token=timedelta(hours=1))))
