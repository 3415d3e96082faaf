"""Refresh an access token (RFC 6749 section 6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.wire.raw import RawAnswer

from .exchange import Asking, Client, TokenTransport, ask, read

__all__ = ["Client", "TokenTransport", "read", "refresh"]


async def refresh(  # noqa: PLR0913, PLR0917
    transport: TokenTransport,
    client: Client,
    server: Server,
    endpoints: Endpoints,
    refresh_token: SecretText,
    now: Callable[[], datetime],
) -> RawAnswer | NotSent | Uncertain:
    """Send the refresh token once; what comes back is raw, so that it can be kept safe before it is read.

    Neither scope nor resource goes along: the grant keeps what it has, and servers were seen to answer an unwished
    `resource` with an error after they had spent the refresh token.
    """
    asking = Asking(transport, client, server, endpoints, now, (refresh_token,))
    return await ask(asking, "refresh_token", {"refresh_token": refresh_token.reveal()})
