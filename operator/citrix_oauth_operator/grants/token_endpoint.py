"""GRANT (step 6): one token request, sent once, read into an Answer."""

from __future__ import annotations

from citrix_oauth_operator.clock import Clock
from citrix_oauth_operator.domain.answers import Answer, NotSent, Uncertain
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.domain.sign_in import SignIn
from citrix_oauth_operator.wire.raw import RawAnswer

from . import authorization_code, client_credentials, refresh_token
from .exchange import Asking, Client, TokenTransport, read

Unread = RawAnswer | NotSent | Uncertain


class TokenEndpoint:
    """Speaks to the token endpoints for the pipeline; the transport makes sure that nothing is sent twice."""

    def __init__(self, transport: TokenTransport, clock: Clock) -> None:
        self._transport, self._clock = transport, clock

    async def refresh(self, inputs: Inputs, token: SecretText) -> Unread:
        """Send a refresh token once (RFC 6749 section 6); the answer is unread, so that it can be kept safe first."""
        client = Client.of(inputs)
        now = self._clock.now
        return await refresh_token.refresh(self._transport, client, inputs.server, _endpoints(inputs), token, now)

    async def redeem(self, inputs: Inputs, sign_in: SignIn) -> Unread:
        """Send the code of a sign-in once (RFC 6749 section 4.1.3); the answer is unread, as of a refresh."""
        client, secrets = Client.of(inputs), authorization_code.secrets_of(sign_in)
        asking = Asking(self._transport, client, inputs.server, _endpoints(inputs), self._clock.now, secrets)
        return await authorization_code.redeem(asking, sign_in)

    def read(self, inputs: Inputs, unread: Unread, grant: str = "refresh_token") -> Answer:
        """Say what an answer means, to whatever grant."""
        del grant
        return read(unread, inputs.server, self._clock.now())

    async def request(self, inputs: Inputs) -> Answer:
        """Ask for a token with the client's own credentials (RFC 6749 section 4.4)."""
        client = Client.of(inputs)
        now = self._clock.now
        raw = await client_credentials.obtain(self._transport, client, inputs.server, _endpoints(inputs), now)
        return self.read(inputs, raw)


def _endpoints(inputs: Inputs) -> Endpoints:
    if isinstance(inputs.endpoints, Problem):
        raise TypeError("checked by endpoint_unknown")
    return inputs.endpoints
