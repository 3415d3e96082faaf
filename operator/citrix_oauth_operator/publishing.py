"""Make the token Secret hold the newest token (step 9 of docs/lifecycle.md), and let go of the one of a former name."""

from __future__ import annotations

from datetime import datetime

from citrix_oauth_operator.domain import problems
from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound
from citrix_oauth_operator.domain.model import Token, TokenSecret
from citrix_oauth_operator.domain.observed import Observed
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.edges import Publishes

Published = tuple[TokenSecret, Problem | None]


async def publish(secrets: Publishes, seen: Observed, received: Token | None, now: datetime) -> Published:
    """Return the token Secret afterwards, and why it does not hold what it should, whatever became of the request.

    Args:
        received: a token that came in this pass and is stored nowhere else.
    """
    token, secret = received or seen.token, seen.secret
    if secret.exists and not secret.ours:
        return secret, problems.secret_not_owned(seen.secret_name)
    if token is None or token.expires_at <= now or (secret.intact and secret.token == token):
        return secret, None
    try:
        written = await _write(secrets, seen, token)
    except ApiError as error:
        return secret, problems.publish_failed(seen.secret_name, error.status)
    if not written.ours:
        return written, problems.secret_not_owned(seen.secret_name)
    return written, None


async def _write(secrets: Publishes, seen: Observed, token: Token) -> TokenSecret:
    """Write the token Secret; where it is not as it was seen, look once more."""
    ref = seen.client.ref
    try:
        return await secrets.publish(ref, seen.target, token, seen.secret)
    except (Conflict, NotFound):
        found = await secrets.observe(ref, seen.target)
        if found.exists and not found.ours:
            return found
        return await secrets.publish(ref, seen.target, token, found)


async def former_is_gone(secrets: Publishes, seen: Observed, published: Published) -> bool:
    """Delete the Secret of the former name once there is nothing left to write; False: status keeps its name."""
    secret, problem = published
    old = seen.client.status.secret_name
    if not old or old == seen.secret_name:
        return True
    if problem is not None or (secret.exists and not secret.ours):
        return False
    try:
        await secrets.delete_old(seen.client.ref, old)
    except ApiError:
        return False
    return True
