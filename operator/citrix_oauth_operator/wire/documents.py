"""Documents that say where an authorization server's endpoints are: how they are fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.reach import Reach

from .raw import RawAnswer

#: What helps where a document names a host that is not allowed.
HOSTS = "if that is meant, an admin adds the host to spec.allowedHosts of the AuthorizationServer"


class DocumentTransport(Protocol):
    """What fetches a document."""

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Get the document at `url`."""
