"""Get an access token for the client itself (RFC 6749 section 4.4); nothing is spent or replaced by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.wire.raw import RawAnswer

from .exchange import Asking, Client, TokenTransport, ask, read

__all__ = ["Client", "TokenTransport", "obtain", "read"]


async def obtain(
    transport: TokenTransport,
    client: Client,
    server: Server,
    endpoints: Endpoints,
    now: Callable[[], datetime],
) -> RawAnswer | NotSent | Uncertain:
    """Ask once, for the scopes and the resource that the spec names."""
    asking = Asking(transport, client, server, endpoints, now)
    parameters = {"scope": " ".join(client.spec.scopes), "resource": client.spec.resource or ""}
    return await ask(asking, "client_credentials", parameters)
