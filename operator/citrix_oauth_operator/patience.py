"""A write that is repeated where the API server was away for a moment, and nobody else would repeat it for an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound

T = TypeVar("T")

PAUSES = (0.3, 1.0, 3.0, 9.0)  # seconds between the tries


async def patiently(write: Callable[[], Awaitable[T]]) -> T:
    """Do a write that may be applied twice, and repeat it while the API server does not answer, or is too busy.

    Raises:
        ApiError: it refuses, or has been away for longer.
    """
    for pause in PAUSES:
        try:
            return await write()
        except ApiError as error:
            if not _may_pass(error):
                raise
        await asyncio.sleep(pause)
    return await write()


def _may_pass(error: ApiError) -> bool:
    if isinstance(error, Conflict | NotFound):
        return False
    busy = error.status == HTTPStatus.TOO_MANY_REQUESTS
    return busy or error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
