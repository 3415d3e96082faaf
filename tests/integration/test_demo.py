"""The demo ends well when all is well, and only then: its verdict is judged on real refusals and a real replay."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.mount import Mount
from demo.options import Options, options_of
from demo.processes import Consumer
from demo.story import Story
from demo.verdict import Counters, counted, failures, last_lines, only_too_short
from tests.integration.operator.eventually import eventually
from tests.standins.citrix_cloud import CitrixCloud

ROOT = Path(__file__).parent.parent.parent
GOOD = Counters(refreshes=3, calls=80, failures=0, refused=0, replays=0)


def test_demo_runs_from_nothing_and_ends_well(control_plane: object) -> None:  # noqa: ARG001 - its binaries are built
    """The whole demo, as short as its page says: refreshed, killed, never refused, no control character."""
    env = {**os.environ, "DEMO_SECONDS": "40", "DEMO_TOKEN_LIFE": "20"}
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    killed, refreshed, consumer, server, verdict = done.stdout.splitlines()[-5:]
    assert killed == "operator killed once, between two refreshes"
    assert int(refreshed.split()[1]) >= 2
    assert int(consumer.split()[1]) > 30
    assert consumer.endswith(" calls, 0 refused")
    assert (server, verdict) == ("server replays 0", "demo: ok")
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert "CANARY-" not in done.stdout + done.stderr


def test_a_refused_call_fails_the_demo(citrix_cloud: CitrixCloud, tmp_path: Path) -> None:
    """A consumer with a bad token is refused by the real server, counted on both sides, and that is no good end."""
    token = citrix_cloud.sign_in().access_token
    mount = _mount(tmp_path)
    mount.show({"authorization": f"Bearer {token}".encode()})
    consumer = Consumer(tmp_path, f"{citrix_cloud.origin}/citrixapi/store/resources", citrix_cloud.ca_pem, Story())
    try:
        _polled(consumer, lambda: consumer.calls, "a call")
        assert consumer.failures == 0
        mount.show({"authorization": b"Bearer not-a-token"})
        _polled(consumer, lambda: consumer.failures, "a call that fails")
    finally:
        consumer.stop()
    counters = counted(citrix_cloud.stats(), [], consumer=(consumer.calls, consumer.failures))
    assert counters.refused - consumer.failures in {0, 1}, "the end may cut one call off"
    counters = dataclasses.replace(counters, refreshes=2)
    assert last_lines(counters, 1)[-1].startswith("demo: FAILED because ")
    assert not only_too_short(counters)


def test_a_replay_fails_the_demo(citrix_cloud: CitrixCloud) -> None:
    """A refresh token sent twice is in the server's counters, and that is no good end."""
    seed = citrix_cloud.sign_in().refresh_token
    second = citrix_cloud.refresh(seed).json()["refresh_token"]
    third = citrix_cloud.refresh(second).json()["refresh_token"]
    citrix_cloud.refresh(third)
    assert not failures(counted(citrix_cloud.stats(), citrix_cloud.calls(), consumer=(9, 0)))
    citrix_cloud.refresh(seed)
    counters = counted(citrix_cloud.stats(), citrix_cloud.calls(), consumer=(9, 0))
    assert failures(counters) == ["the server counted a replay of a refresh token once"]
    assert counters.refreshes == 2


@pytest.mark.parametrize(
    "bad",
    [{"refreshes": 1}, {"calls": 0}, {"failures": 1}, {"refused": 1}, {"replays": 1}, {"troubles": ("it ended",)}],
    ids=str,
)
def test_each_fault_alone_fails_the_demo(bad: dict[str, int]) -> None:
    """The verdict needs all of it."""
    assert last_lines(GOOD, 1)[-1] == "demo: ok"
    counters = dataclasses.replace(GOOD, **bad)  # type: ignore[arg-type]
    assert last_lines(counters, 1)[-1].startswith("demo: FAILED because ")
    assert only_too_short(counters) == ("refreshes" in bad or "calls" in bad)


def test_mounted_folder_changes_in_one_step(tmp_path: Path) -> None:
    """The small kubelet replaces all files at once and leaves nothing old behind."""
    mount = _mount(tmp_path)
    mount.show({"access_token": b"one", "authorization": b"Bearer one"})
    before = (mount.folder / "..data").resolve()
    for number in ("two", "three"):
        mount.show({"access_token": number.encode(), "authorization": b"Bearer " + number.encode()})
        assert (mount.folder / "access_token").read_text() == number
        assert (mount.folder / "authorization").read_text() == f"Bearer {number}"
    assert not before.exists()


@pytest.mark.parametrize("text", ["0", "-3", "soon", "inf", "nan"])
def test_a_time_that_makes_no_sense_is_refused_by_name(text: str) -> None:
    """The message says which variable it is about."""
    with pytest.raises(ValueError, match="DEMO_SECONDS must be a number of seconds"):
        options_of({"DEMO_SECONDS": text})


def test_without_settings_it_runs_until_interrupted() -> None:
    """An empty variable is as good as none."""
    assert options_of({"DEMO_SECONDS": ""}) == Options(seconds=None, token_life=20)


def _mount(folder: Path) -> Mount:
    return Mount(folder / "mount", None, "", Story())  # type: ignore[arg-type]


def _polled(consumer: Consumer, look: Callable[[], int], what: str) -> None:
    def polled() -> int:
        consumer.poll()
        return look()

    eventually(polled, what)
