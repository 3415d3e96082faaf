"""Ask a server to revoke a refresh token, and with it the grant (RFC 7009)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from authlib.oauth2.rfc7009.parameters import prepare_revoke_token_request

from citrix_oauth_operator.domain.answers import Uncertain
from citrix_oauth_operator.domain.observed import Inputs
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.server import Endpoints
from citrix_oauth_operator.wire.raw import RawAnswer

from .exchange import Client, TokenTransport


async def revoke(
    transport: TokenTransport, now: Callable[[], datetime], inputs: Inputs, refresh_token: SecretText
) -> str:
    """Ask once; return "" when the server says that the token is revoked, or one word for why it may live on."""
    client = Client.of(inputs)
    if not isinstance(inputs.endpoints, Endpoints) or not inputs.endpoints.revocation:
        return "NoEndpoint"
    if not client.authentication.supported:
        return "NoCredentials"
    url = inputs.endpoints.revocation
    form, headers = prepare_revoke_token_request(refresh_token.reveal(), "refresh_token", "", {})
    proof, accepting = client.authentication, {**headers, "Accept": "application/json"}
    signed, body = proof.applied(url, accepting, form, inputs.endpoints.token, now())
    reach = replace(inputs.server.reach, identity=proof.identity)
    answer = await transport.post_form(url, body.encode("ascii"), signed, reach)
    if isinstance(answer, RawAnswer):
        return "" if answer.successful else "Refused"
    return "AnswerLost" if isinstance(answer, Uncertain) else "NotSent"
