"""WATCH (step 1): kopf handlers; unwrap what happened and enqueue, nothing else."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import aiohttp
import kopf

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.kube.access import Access
from citrix_oauth_operator.kube.labels import API_VERSION, FINALIZER

RELOGIN_SECONDS = 5.0


class Watches(Protocol):
    """What the handlers tell: the application behind them."""

    async def start(self) -> None:
        """Begin to work; raises when it cannot."""
        ...

    async def stop(self) -> None:
        """Drain and end."""
        ...

    def client_changed(self, ref: ClientRef, body: Mapping[str, Any]) -> None:
        """Look at a client."""
        ...

    def client_gone(self, ref: ClientRef) -> None:
        """Forget a client."""
        ...

    def server_changed(self, body: Mapping[str, Any]) -> None:
        """Take an AuthorizationServer as it is now."""
        ...

    def server_gone(self, name: str, uid: str) -> None:
        """Forget an AuthorizationServer."""
        ...

    def alive(self) -> bool:
        """Whether loop and dispatcher tick; nothing outside the process counts."""
        ...


def register(registry: kopf.OperatorRegistry, app: Watches, find: Callable[[], Access]) -> None:
    """Attach the handlers of `app` to a registry: two kinds, start-up, clean-up, login, probe.

    Args:
        find: the cluster and our credentials as they are now; may read files and run plugins.
    """

    @kopf.on.startup(registry=registry)
    async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:  # noqa: ANN401 - kopf's keyword arguments
        configure(settings)
        await app.start()

    @kopf.on.cleanup(registry=registry)
    async def cleanup(**_: Any) -> None:  # noqa: ANN401 - kopf's keyword arguments
        await app.stop()

    logins = itertools.count()

    @kopf.on.login(registry=registry)
    async def login(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo:  # noqa: ANN401 - as above
        """Refused credentials are tried again: kopf ends the process when equal ones come back, and it holds tokens."""
        if number := next(logins):
            await asyncio.sleep(RELOGIN_SECONDS)
        # so numbered it equals none before
        return await asyncio.to_thread(_connection, find, number, trust_env=settings.networking.trust_env)

    @kopf.on.event(API_VERSION, "citrixclients", registry=registry)
    async def client_event(event: kopf.RawEvent, body: kopf.Body, **_: Any) -> None:  # noqa: ANN401 - as above
        metadata = body["metadata"]
        ref = ClientRef(metadata["namespace"], metadata["name"], metadata["uid"])
        waits_for_us = FINALIZER in (metadata.get("finalizers") or ())
        if event["type"] == "DELETED" or ("deletionTimestamp" in metadata and not waits_for_us):
            app.client_gone(ref)
        else:
            app.client_changed(ref, event["object"])

    @kopf.on.event(API_VERSION, "authorizationservers", registry=registry)
    async def server_event(event: kopf.RawEvent, body: kopf.Body, **_: Any) -> None:  # noqa: ANN401 - as above
        if event["type"] == "DELETED":
            app.server_gone(body["metadata"]["name"], body["metadata"]["uid"])
        else:
            app.server_changed(body)


def _connection(find: Callable[[], Access], number: int, *, trust_env: bool) -> kopf.ConnectionInfo:
    access = find()
    scheme, _, credential = access.authorization().partition(" ")
    return kopf.ConnectionInfo(
        server=access.server,
        ca_path=access.ca_file,
        insecure=not access.verified,
        certificate_path=access.certificate_file,
        private_key_path=access.key_file,
        scheme=scheme or None,
        token=credential or None,
        trust_env=trust_env,
        priority=number,
    )


def configure(settings: kopf.OperatorSettings) -> None:
    """Set kopf for a watch-only operator that holds tokens; docs/adr/0001 has the reasons and the figures."""
    settings.queueing.idle_timeout = 0.05  # frees worker, queue and body at once
    settings.queueing.worker_limit = None
    settings.watching.chunk_size = 500
    settings.watching.initial_streaming = False  # loses objects when the first stream breaks
    settings.watching.inactivity_timeout = 1e9  # can end the watcher silently
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1.0
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.networking.enforce_retry_after = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.execution.max_workers = 2
    settings.process.ultimate_exiting_timeout = 115
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    aiohttp.StreamReader._wait = _wait_for_data  # type: ignore[assignment]  # noqa: SLF001 - see there


_wait = aiohttp.StreamReader._wait  # noqa: SLF001 - the library is pinned, and a test looks whether this works


async def _wait_for_data(stream: aiohttp.StreamReader, reader: str) -> None:
    """Wait for what a response still says; one whose session was closed meanwhile has a broken connection.

    kopf closes its session at a 401. Who had a response and came to read it only then would meet a RuntimeError of
    aiohttp's, which ends kopf's watcher and with it the process, and that holds tokens.
    """
    try:
        await _wait(stream, reader)
    except RuntimeError:
        raise aiohttp.ClientConnectionError from None


class EndlessBackoffs:
    """Waits between a request's repeats, for ever: an API outage never ends the process that holds tokens.

    A generator would be spent after one request, so each iteration begins anew.
    """

    def __iter__(self) -> Iterator[float]:
        seconds = 1.0
        while True:
            yield seconds * random.uniform(0.75, 1.25)  # noqa: S311 - jitter
            seconds = min(seconds * 2, 30.0)


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps kopf from computing and storing what changed: our handlers are level-triggered."""

    def build(self, **_: Any) -> Any:  # noqa: ANN401 - kopf's signature
        """Return no essence."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - kopf's signature
        """Return no earlier essence."""

    def store(self, **_: Any) -> None:  # noqa: ANN401 - kopf's signature
        """Store nothing: kopf never writes to our objects."""


class NoProgress(kopf.ProgressStorage):
    """Keeps kopf from storing the progress of handlers, of which there is none."""

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - kopf's signature
        """Return no progress."""

    def store(self, **_: Any) -> None:  # noqa: ANN401 - kopf's signature
        """Store nothing."""

    def purge(self, **_: Any) -> None:  # noqa: ANN401 - kopf's signature
        """Remove nothing."""

    def touch(self, **_: Any) -> None:  # noqa: ANN401 - kopf's signature
        """Touch nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence as it is."""
        return essence
