"""The operator as the campaign runs it: the product, built by its own composition root, with its edges wrapped.

`python -m tests.faults.victim run ...` takes the product's arguments. FAULTS_DIR names the folder of its failpoints;
a file `offset` there moves its wall clock by so many seconds. The product itself knows nothing of this.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

from httpcore._async.http11 import AsyncHTTP11Connection  # the library is pinned; its bytes leave here

from citrix_oauth_operator import clock
from citrix_oauth_operator.cli import main
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.kube.grant_store import GrantStore, Stored
from citrix_oauth_operator.kube.token_secret import TokenSecrets
from citrix_oauth_operator.spill import Spilled, SpillFolder
from citrix_oauth_operator.wire.transport import RawAnswer, Transport
from tests.faults.failpoints import Failpoints, presented
from tests.standins.rotating.families import fingerprint

Method = Callable[..., Awaitable[Any]]


def around(owner: type, name: str, wrap: Callable[[Method], Method]) -> None:
    """Replace a coroutine method by what `wrap` makes of it; a name the product has no more is an error."""
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(wrap(original)))


def plant(points: Failpoints) -> None:
    """Put the failpoints around the product's edges."""
    around(GrantStore, "save", partial(_saving, points))
    around(Transport, "post_form", partial(_posting, points))
    around(AsyncHTTP11Connection, "_send_request_body", partial(_sending, points))
    around(TokenSecrets, "publish", partial(_publishing, points))
    _around_spill(points)


def _saving(points: Failpoints, save: Method) -> Method:
    async def wrapped(self: GrantStore, ref: ClientRef, stored: Stored) -> Stored:
        pending = stored.grant.pending
        token = fingerprint(stored.grant.refresh_token.reveal())
        if pending:
            points.pass_by("F1", token)
        saved = await save(self, ref, stored)
        points.pass_by("F2" if pending else "F6", token)
        return cast("Stored", saved)

    return wrapped


def _posting(points: Failpoints, post: Method) -> Method:
    async def wrapped(self: Transport, url: str, body: bytes, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
        shown = parse_qs(body.decode()).get("refresh_token", [""])[0]
        outside = presented.set(fingerprint(shown) if shown else "")
        try:
            answer = await post(self, url, body, *rest, **named)
            if isinstance(answer, RawAnswer):
                points.pass_by("F4")
            return answer
        finally:
            presented.reset(outside)

    return wrapped


def _sending(points: Failpoints, send: Method) -> Method:
    async def wrapped(self: object, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - passed through
        sent = await send(self, *rest, **named)
        points.pass_by("F3")
        return sent

    return wrapped


def _publishing(points: Failpoints, publish: Method) -> Method:
    async def wrapped(self: TokenSecrets, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - passed through
        published = await publish(self, *rest, **named)
        points.pass_by("F7")
        return published

    return wrapped


def _around_spill(points: Failpoints) -> None:
    put = SpillFolder.put

    @functools.wraps(put)
    def wrapped(self: SpillFolder, spilled: Spilled) -> None:
        put(self, spilled)
        points.note_spilled(spilled.pending.attempt)
        points.pass_by("F5", attempt=spilled.pending.attempt)

    SpillFolder.put = wrapped  # type: ignore[method-assign]


def shift(file: Path) -> None:
    """Let the wall clock read as the file says; boot time is left alone, as when a machine's clock is set."""
    now = clock.SystemClock.now

    @functools.wraps(now)
    def shifted(self: clock.SystemClock) -> datetime:
        try:
            return now(self) + timedelta(seconds=float(file.read_text()))
        except (OSError, ValueError):
            return now(self)

    clock.SystemClock.now = shifted  # type: ignore[method-assign]


if __name__ == "__main__":
    folder = Path(os.environ["FAULTS_DIR"])
    plant(Failpoints(folder))
    shift(folder / "offset")
    sys.exit(main())
