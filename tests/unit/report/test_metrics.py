"""The page of metrics: the names that are promised, one picture of the clients that are there, and no secret."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from citrix_oauth_operator.domain.sight import Shown, sight_of
from citrix_oauth_operator.queue import Queue
from citrix_oauth_operator.report.metrics import Prometheus, Sources
from tests.unit.examples import condition
from tests.unit.fakes import T0, LoopClock
from tests.unit.queue_bench import Bench, ref

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/metrics.md").read_text()

#: The stable interface; alerts and dashboards are built on these.
PROMISED = {
    "citrixoauth_token_grants_total": {"server", "grant", "outcome"},
    "citrixoauth_token_grant_duration_seconds": set(),
    "citrixoauth_secret_writes_total": {"object", "outcome"},
    "citrixoauth_token_expiration_timestamp_seconds": {"namespace", "name"},
    "citrixoauth_token_refresh_timestamp_seconds": {"namespace", "name"},
    "citrixoauth_grant_expiration_timestamp_seconds": {"namespace", "name"},
    "citrixoauth_credentials_expiration_timestamp_seconds": {"namespace", "name"},
    "citrixoauth_client_condition": {"namespace", "name", "type", "reason"},
    "citrixoauth_grants_held": set(),
    "citrixoauth_replays_in_doubt_total": set(),
    "citrixoauth_refresh_lateness_seconds": set(),
    "citrixoauth_queue_overdue_seconds": set(),
    "citrixoauth_breaker_open": {"server"},
    "citrixoauth_build_info": {"version", "python"},
}

STATUS = {
    "lastRefreshTime": "2026-03-01T12:00:00Z",
    "expirationTime": "2026-03-01T12:30:00Z",
    "grantExpirationTime": "2026-03-02T12:00:00Z",
    "credentialsExpirationTime": "2026-03-03T12:00:00Z",
    "conditions": [condition("Stalled", "True", "RotationLost"), condition("Ready", "False", "RotationLost")],
}


class Actor:
    """A client of a queue."""

    def __init__(self, name: str, shown: Shown) -> None:
        self.ref, self.shown = ref(name), shown


def _busy() -> Prometheus:
    """Return metrics that have seen everything once."""
    metrics = Prometheus("1.2.3")
    metrics.granted("citrix-cloud", "refresh_token", "granted")
    metrics.took(0.2)
    metrics.wrote("grant", "written")
    metrics.holding(1)
    metrics.replayed()
    metrics.began(2.0)
    shown = sight_of({"metadata": {}, "status": STATUS}, T0).shown
    metrics.show(Sources(lambda: [Actor("x", shown)], lambda: 7.0, lambda: {"citrix-cloud": True}))
    return metrics


def _samples(metrics: Prometheus) -> dict[str, set[str]]:
    """Return the label names of each name on the page."""
    text = metrics.page("")[0].decode()
    return {s.name: set(s.labels) for family in text_string_to_metric_families(text) for s in family.samples}


def _series(metrics: Prometheus, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a name, by its labels in the order of their names."""
    text = metrics.page("")[0].decode()
    found = (s for family in text_string_to_metric_families(text) for s in family.samples if s.name == name)
    return {tuple(value for _, value in sorted(s.labels.items())): s.value for s in found}


def test_the_page_has_every_promised_name_and_no_other() -> None:
    """With exactly these labels; the process's own figures have the names that every process uses."""
    names: dict[str, set[str]] = {}
    for name, labels in _samples(_busy()).items():
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        names[base] = names.get(base, set()) | (labels - {"le"})
    assert {name: labels for name, labels in names.items() if not name.startswith("process_")} == PROMISED


def test_the_document_explains_every_name_and_no_other() -> None:
    """One row a name, with its labels."""
    rows = {row[1]: row[0] for row in re.findall(r"^(\| `(citrixoauth_\w+)`.*)$", PAGE, re.MULTILINE)}
    assert set(rows) == set(PROMISED)
    assert [n for n, labels in PROMISED.items() if not all(f"`{label}`" in rows[n] for label in labels)] == []


def test_counters_have_no_time_of_birth() -> None:
    """A series more for each series."""
    assert not [name for name in _samples(_busy()) if name.endswith("_created")]


@pytest.mark.parametrize(
    ("accept", "kind", "end"),
    [
        pytest.param("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", b"# EOF\n",
                     id="OpenMetrics, as Prometheus asks"),
        pytest.param("*/*", "text/plain", b"\n", id="the classic text, as curl asks"),
    ],
)  # fmt: skip
def test_the_format_is_the_one_that_was_asked_for(accept: str, kind: str, end: bytes) -> None:
    """Both hold the same."""
    page, content_type = _busy().page(accept)
    assert content_type.startswith(kind)
    assert page.endswith(end)
    assert b"citrixoauth_client_condition" in page


def test_only_true_conditions_are_shown() -> None:
    """Ready False is no series: its reason is that of Stalled, or of nothing to alert about."""
    conditions = _series(_busy(), "citrixoauth_client_condition")
    assert conditions == {("x", "a", "RotationLost", "Stalled"): 1.0}


def test_times_are_those_of_the_status() -> None:
    """Seconds since the epoch."""
    metrics = _busy()
    assert _series(metrics, "citrixoauth_token_expiration_timestamp_seconds") == {("x", "a"): T0.timestamp() + 1800}
    assert _series(metrics, "citrixoauth_token_refresh_timestamp_seconds") == {("x", "a"): T0.timestamp()}
    assert _series(metrics, "citrixoauth_grant_expiration_timestamp_seconds") == {("x", "a"): T0.timestamp() + 86400}
    ends = _series(metrics, "citrixoauth_credentials_expiration_timestamp_seconds")
    assert ends == {("x", "a"): T0.timestamp() + 2 * 86400}


def test_a_client_that_nobody_has_looked_at_has_no_series() -> None:
    """Nothing is known of it."""
    metrics = Prometheus("1")
    metrics.show(Sources(lambda: [Actor("x", Shown())], lambda: 0.0, dict))
    assert _series(metrics, "citrixoauth_token_expiration_timestamp_seconds") == {}
    assert _series(metrics, "citrixoauth_client_condition") == {}


def _page_of(queue: Queue) -> Prometheus:
    metrics = Prometheus("1")
    metrics.show(Sources(queue.actors, queue.overdue, dict))
    return metrics


def _body(name: str, generation: int, **status: object) -> dict[str, object]:
    return {"metadata": {"name": name, "generation": generation}, "status": {"observedGeneration": 1, **status}}


@pytest.mark.looptime
async def test_the_series_follow_the_watch_and_end_with_the_client() -> None:
    """Our own status writes come back as events: they change the picture and wake nobody."""
    async with Bench() as bench:
        metrics, end = _page_of(bench.queue), "citrixoauth_token_expiration_timestamp_seconds"
        for hour in (12, 13):
            body = _body("x", 1, expirationTime=f"2026-03-01T{hour}:30:00Z")
            bench.queue.see(ref("x"), sight_of(body, T0))
            assert _series(metrics, end) == {("x", "a"): T0.timestamp() + (hour - 12) * 3600 + 1800}
        bench.queue.forget(ref("x").uid)
        assert _series(metrics, end) == {}
        assert _series(metrics, "citrixoauth_client_condition") == {}


@pytest.mark.looptime
async def test_overdue_is_the_oldest_that_still_waits() -> None:
    """A client whose pass is under way waits no longer; one that is woken again waits as long as before."""
    clock = LoopClock()
    queue = Queue(lambda _ref: None, lambda _outcome: None, clock)  # type: ignore[arg-type,return-value] # never run
    queue.see(ref("x"), sight_of(_body("x", 1), T0))
    clock.suspended += 90
    assert queue.overdue() == pytest.approx(90)
    queue.wake(ref("x").uid)
    clock.suspended += 10
    assert queue.overdue() == pytest.approx(100)
    queue.forget(ref("x").uid)
    assert queue.overdue() == 0.0
