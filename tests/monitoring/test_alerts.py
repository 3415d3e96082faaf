"""The alerts through promtool: each has a series on which it fires, and one on which it stays quiet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART
from tests.monitoring.prometheus import promtool
from tests.unit.report.test_metrics import PROMISED

RULES = CHART / "files/alerts.yaml"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
PAGE = (Path(__file__).parents[2] / "docs/alerts.md").read_text()

CLIENT = {"namespace": "team-a", "name": "reports"}
POD = {"namespace": "citrix-oauth-system", "pod": "citrix-oauth-1"}
ELSEWHERE = {"namespace": "citrix-oauth-system", "pod": "citrix-oauth-2"}
HOUR, DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class Case:
    """Series from minute 0 on, and at a minute the labels of what fires (None: nothing), and the value it tells."""

    alert: str
    series: dict[str, str]
    minute: int
    fires: dict[str, str] | None = None
    value: str = ""


def of(name: str, labels: dict[str, str], **more: str) -> str:
    """Return a series as promtool writes it."""
    inner = ",".join(f'{key}="{value}"' for key, value in {**labels, **more}.items())
    return f"citrixoauth_{name}{{{inner}}}"


def _token(refreshed: str, ends: str) -> dict[str, str]:
    return {
        of("token_refresh_timestamp_seconds", CLIENT, pod="a"): refreshed,
        of("token_expiration_timestamp_seconds", CLIENT, pod="a"): ends,
    }


def _condition(kind: str, reason: str, values: str) -> dict[str, str]:
    return {of("client_condition", CLIENT, type=kind, reason=reason): values}


CREDENTIALS_END = of("credentials_expiration_timestamp_seconds", CLIENT)
GRANT_END = of("grant_expiration_timestamp_seconds", CLIENT)
HELD, OVERDUE = of("grants_held", POD), of("queue_overdue_seconds", POD)
BREAKER, BUILD = of("breaker_open", {"server": "sick"}), of("build_info", POD)
LOST = {**CLIENT, "reason": "RotationLost"}

#: A token of an hour is asked for at minute 0.
CASES = {
    "a token of which a tenth is left": Case(
        "CitrixOAuthTokenExpiring", _token("0x70", "3600x70"), 55, CLIENT),
    "a token that has ended": Case("CitrixOAuthTokenExpiring", _token("0x70", "3600x70"), 65, CLIENT),
    "a token of which more is left": Case("CitrixOAuthTokenExpiring", _token("0x70", "3600x70"), 53),
    "a token that was refreshed when it was due": Case(
        "CitrixOAuthTokenExpiring", _token("0x36 2160x40", "3600x36 5760x40"), 58),
    "a short token refreshed as late as a spec may ask for": Case(
        "CitrixOAuthTokenExpiring", _token("0x9 540x5", "600x9 1140x5"), 9),
    "a client that is gone": Case("CitrixOAuthTokenExpiring", _token("0x30 stale", "3600x30 stale"), 58),
    "a client that waits for a person": Case(
        "CitrixOAuthClientStalled", _condition("Stalled", "RotationLost", "1x10"), 5, LOST),
    "a client that was cured in a minute": Case(
        "CitrixOAuthClientStalled", _condition("Stalled", "RotationLost", "1x1 stale"), 5),
    "a client that is well": Case("CitrixOAuthClientStalled", _condition("Ready", "TokenValid", "1x10"), 5),
    "refreshes that have failed for a quarter of an hour": Case(
        "CitrixOAuthRefreshFailing", _condition("RefreshFailed", "ServerUnreachable", "1x30"), 20, CLIENT),
    "refreshes that failed for some minutes": Case(
        "CitrixOAuthRefreshFailing", _condition("RefreshFailed", "ServerUnreachable", "1x10 stale"), 20),
    "a grant that ends in three hours": Case(
        "CitrixOAuthSignInDue", {GRANT_END: f"{8 * HOUR * 60}x600"}, 5 * HOUR, CLIENT,
        "3h 0m 0s"),
    "a grant that ends tomorrow": Case("CitrixOAuthSignInDue", {GRANT_END: f"{24 * HOUR * 60}x600"}, 5 * HOUR),
    "a grant that a refresh has lengthened": Case(
        "CitrixOAuthSignInDue", {GRANT_END: f"{8 * HOUR * 60}x240 {12 * HOUR * 60}x400"}, 5 * HOUR),
    "a certificate that ends in ten days": Case(
        "CitrixOAuthCredentialsEnding", {CREDENTIALS_END: f"{10 * DAY * 60}x120"}, 60, CLIENT, "9d 23h 0m 0s"),
    "a secret that has ended": Case(
        "CitrixOAuthCredentialsEnding", {CREDENTIALS_END: "0x120"}, 2 * HOUR, CLIENT, "-2h 0m 0s"),
    "a certificate that ends in three weeks": Case(
        "CitrixOAuthCredentialsEnding", {CREDENTIALS_END: f"{21 * DAY * 60}x120"}, 2 * HOUR),
    "a certificate that is renewed in time": Case(
        "CitrixOAuthCredentialsEnding", {CREDENTIALS_END: f"{10 * DAY * 60}x50 {90 * DAY * 60}x70"}, 2 * HOUR),
    "a client whose credentials nobody knows an end of": Case(
        "CitrixOAuthCredentialsEnding", _token("0x120", "3600x120"), 2 * HOUR),
    "an answer that cannot be committed": Case(
        "CitrixOAuthGrantHeld", {HELD: "0 2x5"}, 3, POD, "2"),
    "an answer that was committed in time": Case("CitrixOAuthGrantHeld", {HELD: "0 1 0x5"}, 3),
    "a server whose breaker is open": Case(
        "CitrixOAuthBreakerOpen", {BREAKER: "1x10"}, 6, {"server": "sick"}),
    "a breaker that closed again": Case("CitrixOAuthBreakerOpen", {BREAKER: "1x3 0x7"}, 6),
    "an operator that was never there": Case(
        "CitrixOAuthOperatorAbsent", {"up": "1x10"}, 6, {"namespace": "citrix-oauth-system"}),
    "an operator that has gone": Case(
        "CitrixOAuthOperatorAbsent", {BUILD: "1x3 stale"}, 9, {"namespace": "citrix-oauth-system"}),
    "an operator that is rolled": Case(
        "CitrixOAuthOperatorAbsent", {BUILD: "1x3 stale", of("build_info", ELSEWHERE): "_x3 1x9"}, 9),
    "an operator of another release alone": Case(
        "CitrixOAuthOperatorAbsent", {of("build_info", {"namespace": "other"}): "1x9"}, 9,
        {"namespace": "citrix-oauth-system"}),
    "a queue that stands still": Case("CitrixOAuthQueueOverdue", {OVERDUE: "0+60x20"}, 6, POD, "6m 0s"),
    "a queue that was late for a moment": Case("CitrixOAuthQueueOverdue", {OVERDUE: "0 150 0x20"}, 3),
    "the standby beside a leader that works": Case(
        "CitrixOAuthQueueOverdue", {OVERDUE: "5x20", of("queue_overdue_seconds", ELSEWHERE): "0x20"}, 6),
}  # fmt: skip


def _told(text: str, case: Case) -> str:
    """Return an annotation as Prometheus fills it in."""
    text = re.sub(r"{{ \$labels\.(\w+) }}", lambda match: (case.fires or {})[match[1]], text)
    return re.sub(r"{{ \$value[^}]* }}", case.value, text)


def _unit_test(case: Case) -> dict[str, Any]:
    rule, expected = ALERTS[case.alert], []
    if case.fires is not None:
        told = {key: _told(text, case) for key, text in rule["annotations"].items()}
        expected = [{"exp_labels": {**rule["labels"], **case.fires}, "exp_annotations": told}]
    when = {"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": expected}
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    return {"interval": "1m", "input_series": series, "alert_rule_test": [when]}


def test_the_alerts_fire_exactly_when_they_should(tmp_path: Path) -> None:
    """All cases in one run of promtool, which names those that fail; with every label and word that a person gets."""
    tests = [{"name": name, **_unit_test(case)} for name, case in CASES.items()]
    every = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yaml").write_text(json.dumps(every))
    done = promtool(tmp_path, "test", "rules", "tests.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_seen_to_fire_and_to_stay_quiet(alert: str) -> None:
    """One that never fires is worse than none."""
    assert {case.fires is not None for case in CASES.values() if case.alert == alert} == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_tells_what_it_means_and_leads_to_its_runbook(alert: str) -> None:
    """The section of the page is what the link names."""
    annotations = ALERTS[alert]["annotations"]
    assert list(annotations) == ["summary", "consequence", "action", "runbook_url"]
    assert annotations["runbook_url"] == f"docs/alerts.md#{alert.lower()}"
    section = re.search(rf"^## {alert}\n\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, f"docs/alerts.md has no section {alert}"
    assert ALERTS[alert]["labels"]["severity"] in section[1].splitlines()[0].lower()


def test_the_page_tells_of_no_alert_that_is_not_there() -> None:
    """A renamed alert takes its section along."""
    assert set(re.findall(r"^## (CitrixOAuth\w+)$", PAGE, re.MULTILINE)) == set(ALERTS)


def test_alerts_are_built_on_metrics_that_are_promised() -> None:
    """A misspelt name never fires."""
    named = {name for rule in ALERTS.values() for name in re.findall(r"citrixoauth_\w+", rule["expr"])}
    assert named <= set(PROMISED)
