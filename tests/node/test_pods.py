"""Real pods: a container uses a mounted token while all that can befall a cluster befalls this one."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, RELEASE
from tests.integration.operator.eventually import eventually
from tests.node.consumers import Consumer, fingerprint
from tests.node.stay import Stay, resident_mib, start_to_ready
from tests.standins.citrix_cloud import CitrixCloud, Fault

TEAM = "team-a"
CLIENTS = ("reports", *(f"load-{number}" for number in range(7)))
SHORT_LIFE, LONG_LIFE = 40, 1800  # seconds
HELD_BACK_MS = 5000
IDLE_MIB = 95


@pytest.fixture(scope="module")
def consumer(stay: Stay) -> Consumer:
    """A pod that uses the tokens of all clients, beginning with short ones."""
    stay.cloud.configure(access_token_life=SHORT_LIFE)
    stay.plane.kubectl("create", "namespace", TEAM)
    for name in CLIENTS:
        stay.sign_in(name, TEAM)
    started = Consumer(stay.plane, TEAM, CLIENTS)
    started.start(stay.cloud)
    return started


def test_an_operator_without_work_is_small(stay: Stay) -> None:
    """Before the first client: how soon a container that was killed is ready again, and the memory that it keeps."""
    pod = stay.pod()
    pid = _running(stay, pod)
    os.kill(pid, signal.SIGKILL)
    successor = eventually(lambda: _successor(stay, pid), "the container runs again", stay.log)
    seconds, resident = start_to_ready(successor, pod), resident_mib(successor)
    print(f"start to ready {seconds:.1f} s, idle {resident:.0f} MiB resident")  # noqa: T201 - for docs/install.md
    assert resident <= IDLE_MIB


def test_a_rolling_update_under_load_is_not_noticed(stay: Stay, consumer: Consumer) -> None:
    """Each token is replaced by the old pod or the new one, before its end and in time for the kubelet."""
    first = {name: consumer.seen(name)[0] for name in CLIENTS}
    latest = max(_ends(stay))
    before = stay.pod()["metadata"]["name"]
    stay.plane.kubectl("rollout", "restart", f"deployment/{RELEASE}", "-n", NAMESPACE)
    stay.rolled_out()
    assert stay.pod()["metadata"]["name"] != before
    stay.cloud.configure(access_token_life=LONG_LIFE)  # what follows takes longer than a short one lives
    eventually(lambda: min(_ends(stay)) > latest + timedelta(seconds=SHORT_LIFE), "long tokens", stay.log)
    eventually(lambda: datetime.now(UTC) > latest, "the first tokens are over")
    for name in CLIENTS:
        eventually(lambda name=name: consumer.seen(name)[-1] != first[name], f"{name}: a new token", consumer.tell)  # type: ignore[misc]
    _nobody_was_refused(stay.cloud, consumer)


def test_a_pod_that_is_told_to_end_first_commits_what_it_has_asked_for(stay: Stay, consumer: Consumer) -> None:
    """SIGTERM with a request on the wire: the answer comes, is committed, and nothing is left in doubt."""
    pod, seq = stay.pod()["metadata"], stay.seq("reports", TEAM)
    _answer_held_back(stay)
    stay.plane.kubectl("delete", "pod", pod["name"], "-n", NAMESPACE, "--wait=false")
    eventually(lambda: stay.seq("reports", TEAM) > seq, "the answer is committed", stay.log)
    _uses_what_the_secret_says(stay, consumer, "reports")
    _nobody_was_refused(stay.cloud, consumer)
    assert stay.pod()["metadata"]["uid"] != pod["uid"]


def test_a_killed_container_commits_what_its_predecessor_received(stay: Stay, consumer: Consumer) -> None:
    """API server and operator die with an answer in hand: the folder outlives the process, the token is not lost."""
    pod, seq = stay.pod(), stay.seq("reports", TEAM)
    pid = _running(stay, pod)
    _answer_held_back(stay)
    stay.plane.stop_api_server()
    eventually(lambda: _held(pid), "an answer that cannot be committed is held")
    os.kill(pid, signal.SIGKILL)
    stay.plane.start_api_server()
    eventually(lambda: _successor(stay, pid), "the container runs again", stay.log)
    assert stay.pod()["metadata"]["uid"] == pod["metadata"]["uid"]
    eventually(lambda: stay.seq("reports", TEAM) > seq, "the answer is committed", stay.log)
    assert '"event": "AnswerRecovered"' in stay.log()
    _uses_what_the_secret_says(stay, consumer, "reports")
    _nobody_was_refused(stay.cloud, consumer)


def test_a_killed_pod_is_followed_by_another_that_goes_on(stay: Stay, consumer: Consumer) -> None:
    """No goodbye, and the folder is gone with it: the next pod waits for the Lease to run out, then works."""
    pod = stay.pod()
    os.kill(_running(stay, pod), signal.SIGSTOP)  # a kubelet asks it to end, even where that is forced
    stay.plane.kubectl("delete", "pod", pod["metadata"]["name"], "-n", NAMESPACE, "--force", "--grace-period=0")
    assert stay.pod()["metadata"]["uid"] != pod["metadata"]["uid"]
    seq = stay.seq("reports", TEAM)
    stay.ask_for_refresh("reports", TEAM)
    eventually(lambda: stay.seq("reports", TEAM) > seq, "the next pod works", stay.log)
    _uses_what_the_secret_says(stay, consumer, "reports")
    _nobody_was_refused(stay.cloud, consumer)


def _answer_held_back(stay: Stay) -> None:
    """Let the server replace a refresh token; its answer is on the way."""
    rotations = stay.cloud.stats().rotations
    stay.cloud.faults([Fault(when="after", kind="delay", delay_ms=HELD_BACK_MS)])
    stay.ask_for_refresh("reports", TEAM)
    eventually(lambda: stay.cloud.stats().rotations > rotations, "the server has decided", stay.log)


def _ends(stay: Stay) -> list[datetime]:
    return [datetime.fromisoformat(client["status"]["expirationTime"]) for client in stay.clients(TEAM)]


def _uses_what_the_secret_says(stay: Stay, consumer: Consumer, name: str) -> None:
    wanted = fingerprint(stay.authorization(name, TEAM))
    eventually(lambda: consumer.seen(name)[-1] == wanted, f"{name}: the container uses the new token", consumer.tell)


def _nobody_was_refused(cloud: CitrixCloud, consumer: Consumer) -> None:
    """By the consumer's word, and by the server's."""
    assert consumer.troubles() == []
    stats = cloud.stats()
    assert (stats.resource_refused, stats.replays, stats.errors) == (0, 0, {}), json.dumps(stats.errors)
    assert stats.resource_ok > 0


def _held(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/root/spill").glob("*.answer"))


def _running(stay: Stay, pod: dict[str, Any]) -> int:
    pid = stay.pid(pod)
    assert pid, stay.log()
    return pid


def _successor(stay: Stay, pid: int) -> int:
    """Return the process of the container that follows a killed one; 0 while there is none."""
    found = [stay.pid(pod) for pod in stay.pods()]
    return next((one for one in found if one not in {None, pid}), None) or 0
