"""Metrics (docs/metrics.md): counters of this process, and one picture of the clients as they are at the scrape.

The only place that knows prometheus_client. Nothing here is kept for a client: its series are made from the queue at
each scrape, so they end with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from platform import python_version
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.sight import Shown

PREFIX = "citrixoauth"
_GRANT_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)  # 30 s is a request's deadline
_LATE_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 1800)


class ShownActor(Protocol):
    """One client of the queue, as far as metrics tell of it."""

    @property
    def ref(self) -> ClientRef:
        """Which client."""
        ...

    @property
    def shown(self) -> Shown:
        """What its status says."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked at each scrape.

    Attributes:
        overdue: seconds since the most overdue client was due; 0 when nobody is.
        breakers: whether its breaker is open, by server.
    """

    actors: Callable[[], Iterable[ShownActor]]
    overdue: Callable[[], float]
    breakers: Callable[[], Mapping[str, bool]]


class Picture(Collector):
    """Everything that is read at a scrape instead of being counted."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> list[Metric]:
        """Name nothing in advance: registration must not read anything."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Make the series of this moment."""
        yield from self._clients()
        overdue = GaugeMetricFamily(f"{PREFIX}_queue_overdue_seconds", "How long the most overdue client has waited")
        overdue.add_metric((), self._sources.overdue())
        yield overdue
        breakers = GaugeMetricFamily(f"{PREFIX}_breaker_open", "1 while a server's breaker is open", labels=["server"])
        for server, is_open in self._sources.breakers().items():
            breakers.add_metric((server,), float(is_open))
        yield breakers

    def _clients(self) -> Iterator[Metric]:
        name = ["namespace", "name"]
        tokens = GaugeMetricFamily(
            f"{PREFIX}_token_expiration_timestamp_seconds", "End of the published access token", labels=name
        )
        starts = GaugeMetricFamily(
            f"{PREFIX}_token_refresh_timestamp_seconds", "When the published access token was asked for", labels=name
        )
        grants = GaugeMetricFamily(
            f"{PREFIX}_grant_expiration_timestamp_seconds", "When a person must sign in again", labels=name
        )
        credentials = GaugeMetricFamily(
            f"{PREFIX}_credentials_expiration_timestamp_seconds", "When a secret or certificate ends", labels=name
        )
        conditions = GaugeMetricFamily(
            f"{PREFIX}_client_condition", "1 for each condition that is True", labels=[*name, "type", "reason"]
        )
        for actor in self._sources.actors():
            client, shown = (actor.ref.namespace, actor.ref.name), actor.shown
            if shown.token_end is not None:
                tokens.add_metric(client, shown.token_end)
            if shown.token_start is not None:
                starts.add_metric(client, shown.token_start)
            if shown.grant_end is not None:
                grants.add_metric(client, shown.grant_end)
            if shown.credentials_end is not None:
                credentials.add_metric(client, shown.credentials_end)
            for condition in shown.conditions:
                conditions.add_metric((*client, *condition), 1.0)
        yield from (tokens, starts, grants, credentials, conditions)


class Prometheus:
    """Counts what happens, in a registry of its own; nothing it does can fail a refresh."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a series more for each, and nobody asks
        self._registry = registry = CollectorRegistry()
        self._grants = Counter(
            f"{PREFIX}_token_grants", "Token requests, by what they came to", ["server", "grant", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            f"{PREFIX}_token_grant_duration_seconds", "Length of token requests", registry=registry,
            buckets=_GRANT_SECONDS,
        )  # fmt: skip
        self._writes = Counter(
            f"{PREFIX}_secret_writes", "Writes of Secrets, by what they came to", ["object", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._held = Gauge(
            f"{PREFIX}_grants_held", "Answers received and not committed yet", registry=registry
        )  # fmt: skip
        self._replays = Counter(
            f"{PREFIX}_replays_in_doubt", "Refresh tokens sent again with a recorded doubt", registry=registry
        )  # fmt: skip
        self._late = Histogram(
            f"{PREFIX}_refresh_lateness_seconds", "How long after its due time a refresh began", registry=registry,
            buckets=_LATE_SECONDS,
        )  # fmt: skip
        build = Gauge(f"{PREFIX}_build_info", "Always 1", ["version", "python"], registry=registry)
        build.labels(version, python_version()).set(1)
        ProcessCollector(registry=registry)

    def show(self, sources: Sources) -> None:
        """Add what is read at each scrape."""
        self._registry.register(Picture(sources))

    def page(self, accept: str) -> tuple[bytes, str]:
        """Return the text of all metrics and its content type, in the format that `accept` prefers."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def granted(self, server: str, grant: str, outcome: str) -> None:
        """Count a token request that has ended."""
        self._grants.labels(server, grant, outcome).inc()

    def took(self, seconds: float) -> None:
        """Note the length of a token request."""
        self._seconds.observe(seconds)

    def wrote(self, kind: str, outcome: str) -> None:
        """Count a write of a Secret."""
        self._writes.labels(kind, outcome).inc()

    def holding(self, answers: int) -> None:
        """Note how many answers wait for their commit."""
        self._held.set(answers)

    def replayed(self) -> None:
        """Count a refresh token that was sent again."""
        self._replays.inc()

    def began(self, lateness: float) -> None:
        """Note how late [s] a refresh began."""
        self._late.observe(lateness)
