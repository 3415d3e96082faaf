"""What `citrix-oauth status` shows of clients as the operator writes them."""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from citrix_oauth_operator.cli import main
from citrix_oauth_operator.cli.overview import as_json, as_yaml, table
from citrix_oauth_operator.cli.status import Screen
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.overview import Health, rows
from citrix_oauth_operator.domain.status import next_status
from tests.unit.examples import MINUTE, REJECTED, UNREACHABLE, outcome
from tests.unit.fakes import T0

NOW = T0 + MINUTE
WAITS = UNREACHABLE.advice
GRANT_END = (T0 + timedelta(hours=24), "Unknown")


def _client(name: str, facts: Outcome | None) -> dict[str, Any]:
    status = {"observedGeneration": -1} if facts is None else next_status(facts, NOW)
    return {"metadata": {"namespace": "team-a", "name": name}, "spec": {}, "status": status}


WELL = _client("well", outcome(grant_end=GRANT_END))
DEAD = _client("dead", outcome(problem=REJECTED, attempted=True, next_refresh=None))
FAILING = _client("failing", outcome(problem=UNREACHABLE, attempted=True))
UNSEEN = _client("unseen", None)
ALL = [WELL, UNSEEN, FAILING, DEAD]


def test_who_needs_a_person_comes_first() -> None:
    """Then who is in trouble, then all others."""
    assert [(row.name, row.health) for row in rows(ALL)] == [
        ("dead", Health.STALLED),
        ("failing", Health.TROUBLED),
        ("unseen", Health.TROUBLED),
        ("well", Health.OK),
    ]


def test_the_table_shows_times_left_and_what_to_do() -> None:
    """A client without an authorizationServerRef uses the default server."""
    assert table(rows(ALL), NOW).splitlines() == [
        "    NAMESPACE  NAME     READY    REASON             EXPIRES IN  NEXT IN  SERVER",
        "!!  team-a     dead     True     GrantRejected      29m         -        citrix-cloud",
        "..  team-a     failing  True     ServerUnreachable  29m         17m      citrix-cloud",
        "..  team-a     unseen   Unknown  Pending            -           -        citrix-cloud",
        "ok  team-a     well     True     TokenValid         29m         17m      citrix-cloud",
        "",
        "team-a/dead: Refused. Sign in again.",
        "    last failure 2026-03-01T12:01:00Z, tries 1, oauth error invalid_grant, http status 400",
        f"team-a/failing: No connection. {WAITS}",
        "    last failure 2026-03-01T12:01:00Z, tries 1",
    ]


def test_wide_adds_the_secret_the_next_sign_in_and_the_failures() -> None:
    """As `kubectl get -o wide` does."""
    head, dead, *_, well = table(rows([WELL, DEAD]), NOW, wide=True).splitlines()[:3]
    assert head.split()[-4:] == ["SECRET", "SIGN-IN", "IN", "FAILED"]
    assert well.split()[-3:] == ["reports-token", "23h59m", "-"]
    assert dead.split()[-3:] == ["reports-token", "-", "1"]


def test_json_and_yaml_hold_the_same_under_the_names_of_the_api() -> None:
    """For scripts; what is unknown is left out."""
    found = rows(ALL)
    documents = json.loads(as_json(found))
    assert yaml.safe_load(as_yaml(found)) == documents
    assert documents[0]["lastError"]["oauthError"] == "invalid_grant"
    assert documents[-1] == {
        "namespace": "team-a",
        "name": "well",
        "health": "ok",
        "ready": "True",
        "reason": "TokenValid",
        "authorizationServer": "citrix-cloud",
        "secretName": "reports-token",
        "expirationTime": "2026-03-01T12:30:00Z",
        "nextRefreshTime": "2026-03-01T12:18:00Z",
        "grantExpirationTime": "2026-03-02T12:00:00Z",
    }


@pytest.mark.parametrize(("output", "empty"), [("table", "no CitrixClient found"), ("json", "[]"), ("yaml", "[]")])
def test_no_client_is_no_error(output: str, empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A script still gets a list."""
    screen = Screen(output, clear=False)
    screen.show([])
    assert capsys.readouterr().out == f"{empty}\n"
    assert not screen.troubled


def test_a_watch_that_is_piped_prints_only_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """And the exit status is that of what was shown last."""
    screen = Screen("table", clear=False)
    for clients in ([WELL], [WELL], [WELL, DEAD], [WELL, DEAD]):
        screen.show(rows(clients))
    assert capsys.readouterr().out.count("NAMESPACE") == 2
    assert screen.troubled
    screen.show(rows([WELL]))
    assert not screen.troubled


def test_a_watch_on_a_terminal_replaces_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """The times left go on though nothing else changes."""
    screen = Screen("wide", clear=True)
    screen.show(rows([WELL]))
    screen.show(rows([WELL]))
    first, second = capsys.readouterr().out.split("\x1b[H\x1b[2J\x1b[3J")[1:]
    assert "SECRET" in first
    assert "SECRET" in second


def test_a_watch_that_went_blind_says_so_and_shows_everything_again(capsys: pytest.CaptureFixture[str]) -> None:
    """An API server that is restarted."""
    screen = Screen("table", clear=False)
    screen.show(rows([WELL]))
    screen.complain("citrix-oauth status: no answer from the API server")
    screen.show(rows([WELL]))
    assert capsys.readouterr().out.count("team-a") == 2


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_what_scripts_read_is_not_watched(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 with what to do instead, before any cluster is asked."""
    assert main(["status", "--watch", "-o", output]) == 2
    assert "kubectl get cxc -w" in capsys.readouterr().err


def test_as_a_plugin_of_kubectl_it_goes_by_that_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed is what the help says."""
    monkeypatch.setattr("sys.argv", ["/usr/local/bin/kubectl-citrix_oauth"])
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.startswith("usage: kubectl citrix-oauth ")


def test_what_others_wrote_cannot_draw_on_the_terminal() -> None:
    """No escape sequence, no line of its own."""
    client = _client("evil", outcome(problem=REJECTED))
    client["status"]["conditions"][-1]["message"] = "\x1b[2Jgone\nok  team-a  forged"
    client["status"]["secretName"] = "\x9b31m\u202e"
    shown = table(rows([client]), NOW, wide=True)
    assert all(line.isprintable() for line in shown.splitlines())
    assert len(shown.splitlines()) == len(table(rows([DEAD]), NOW, wide=True).splitlines())


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`citrix-oauth version | head -0` ends as other programs do, by the number of SIGPIPE."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert main(["version"]) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("content", [pytest.param("text", id="a text"), pytest.param("a: [", id="no YAML")])
def test_a_kubeconfig_that_is_none_is_named(
    content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback: a person reads it."""
    (tmp_path / "config").write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert main(["status"]) == 2
    assert f"KUBECONFIG={tmp_path / 'config'} cannot be read" in capsys.readouterr().err


def test_a_client_without_a_spec_is_shown() -> None:
    """Whatever an aggregated or older API server hands out, the table is for looking at it."""
    bare = {"metadata": {"namespace": "team-a", "name": "bare"}}
    assert "team-a     bare  Unknown  Pending" in table(rows([bare]), NOW)
