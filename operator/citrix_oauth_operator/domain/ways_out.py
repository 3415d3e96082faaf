"""The sections of docs/identity.md: what helps where a policy wants of a pod what only people and devices have."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .reasons import Reason

PAGE = "docs/identity.md"


class Section(StrEnum):
    """Headings of the page; other pages and remedies link to them, so they stay."""

    CONDITIONAL_ACCESS = "Conditional Access"
    MULTI_FACTOR = "Multi-factor authentication"
    DEVICE = "Device and PRT"
    NO_REFRESH_TOKEN = "No refresh token"

    @property
    def anchor(self) -> str:
        """Where the section is, from the root of the repository."""
        return f"{PAGE}#{self.lower().replace(' ', '-')}"

    @property
    def hint(self) -> str:
        """What the remedy of a failure ends with."""
        return f'{PAGE}, section "{self}", shows the ways out'


#: The line at the top of each section, word for word.
IN_SHORT: Mapping[Section, str] = {
    Section.CONDITIONAL_ACCESS: (
        "A Conditional Access policy refused the token, and the refresh token is still good. Let an administrator "
        "exempt this application, or trust the address that the cluster's requests come from; where the policy wants"
        " a person, sign in again."
    ),
    Section.MULTI_FACTOR: (
        "A second factor is wanted, and only a person has one. Sign in again with it (kubectl citrix-oauth login), "
        "and keep the cluster's address stable or trusted, so that it is not asked for again; or use "
        "ClientCredentials."
    ),
    Section.DEVICE: (
        "A device that Entra ID or ADFS knows is wanted, and a pod can never be one: a Primary Refresh Token is "
        "bound to a device's key. No sign-in helps; exempt this application in the policy, issue refresh tokens "
        "without a device, or use ClientCredentials."
    ),
    Section.NO_REFRESH_TOKEN: (
        "The server gave no refresh token, so each token would need a person. Ask for offline access and allow it in"
        " the registration; where the server gives none to anybody (NetScaler), go to the identity provider behind "
        "it, or use ClientCredentials."
    ),
}

_OF_REASONS: Mapping[str, Section] = {
    Reason.CONDITIONAL_ACCESS: Section.CONDITIONAL_ACCESS,
    Reason.SECOND_FACTOR_REQUIRED: Section.MULTI_FACTOR,
    Reason.NO_REFRESH_TOKEN: Section.NO_REFRESH_TOKEN,
}


def way_out(status: Mapping[str, Any]) -> tuple[str, Section] | None:
    """Find what the page is about in a client's status.

    Returns:
        The reason of a true condition, and the section that its message names, else the one of the reason.
    """
    for condition in status.get("conditions") or ():
        reason, message = str(condition.get("reason")), str(condition.get("message"))
        if condition.get("status") == "True" and reason in _OF_REASONS:
            named = (section for section in Section if section.hint in message)
            return reason, next(named, _OF_REASONS[reason])
    return None
