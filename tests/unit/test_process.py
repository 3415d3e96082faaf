"""The process itself: who it is, how it logs, what it imports, what its commands print."""

import argparse
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import citrix_oauth_operator
from citrix_oauth_operator.cli.refresh import hindrance
from citrix_oauth_operator.cli.run import add_flags, settings_of
from citrix_oauth_operator.domain.election import Spans
from citrix_oauth_operator.domain.model import Holder, Liveness
from citrix_oauth_operator.identity import Identity
from citrix_oauth_operator.logs import QUIET, JsonFormatter, configure_logging
from citrix_oauth_operator.settings import Settings
from tests.unit.examples import condition

ROOT = Path(citrix_oauth_operator.__file__).parents[1]


def test_the_source_root_is_no_package() -> None:
    """It would shadow the standard library's `operator`."""
    assert ROOT.name == "operator"
    assert not (ROOT / "__init__.py").exists()


@pytest.mark.parametrize("module", ["citrix_oauth_operator.app", "citrix_oauth_operator.cli"])
def test_importing_brings_no_client_that_repeats_requests(module: str) -> None:
    """Authlib's httpx clients are unsafe for rotating tokens, and httpx2 is a stranger."""
    code = f"import sys, {module}; print([m for m in sys.modules if 'httpx2' in m or 'httpx_client' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param(("starlette", "uvicorn", "jinja2"), id="a web framework: the portal is a process of its own"),
        pytest.param(("joserfc", "cryptography"), id="cryptography: ten MiB until somebody signs in"),
    ],
)
def test_the_operator_starts_without(modules: tuple[str, ...]) -> None:
    """Who only refreshes tokens pays for nothing else."""
    code = "import sys, citrix_oauth_operator.app, citrix_oauth_operator.cli; print({*sys.modules} & {*sys.argv})"
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_official_client_is_for_kubeconfigs_only() -> None:
    """Kopf would import it, a third of a second and 17 MiB; whoever has a kubeconfig gets it later."""
    code = (
        "import sys\n"
        "from citrix_oauth_operator.runtime import importing\n"
        "with importing():\n"
        "    from citrix_oauth_operator import app, cli\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('kubernetes', 'pydantic', 'requests')])\n"
        "import kubernetes.config"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_pods_older_process_is_dead() -> None:
    """A pod runs one of ours; another pod's may be alive."""
    old, new, other = Identity("p1"), Identity("p1"), Identity("p2")
    assert new.liveness(new.holder) is Liveness.OURSELVES
    assert new.liveness(old.holder) is Liveness.DEAD
    assert other.liveness(old.holder) is Liveness.UNKNOWN


@pytest.mark.parametrize(
    ("place", "instance", "expected"),
    [
        pytest.param("", "", Liveness.OURSELVES, id="this process"),
        pytest.param("host:other:boot", "1:1", Liveness.UNKNOWN, id="another host, or another boot"),
        pytest.param("", "999999999:1", Liveness.DEAD, id="no such process"),
        pytest.param("", f"{os.getpid()}:1", Liveness.DEAD, id="the same pid of another process"),
        pytest.param("", "garbage", Liveness.DEAD, id="no pid"),
    ],
)
def test_processes_of_a_host(place: str, instance: str, expected: Liveness) -> None:
    """Many may run on one; pid and start time tell them apart."""
    identity = Identity(None)
    holder = Holder(place or identity.holder.place, instance or identity.holder.instance)
    assert identity.liveness(holder) is expected


def test_a_living_process_of_the_same_host_may_be_alive() -> None:
    """Its pid and its start are those of the intent."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        start = Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        identity = Identity(None)
        holder = Holder(identity.holder.place, f"{child.pid}:{start}")
        assert identity.liveness(holder) is Liveness.UNKNOWN
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the process table
        assert identity.liveness(holder) is Liveness.DEAD


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_libraries_never_log_at_debug(log_format: str) -> None:
    """At DEBUG they print headers, bodies and patches."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:], {name: logging.getLogger(name).level for name in QUIET})
    try:
        configure_logging(log_format, "debug")
        assert logging.getLogger("citrix_oauth_operator.x").isEnabledFor(logging.DEBUG)
        libraries = ("httpcore.http11", "kubernetes.client.rest", "kopf.objects", "aiohttp.access", "asyncio")
        assert not any(logging.getLogger(name).isEnabledFor(logging.DEBUG) for name in libraries)
    finally:
        root.handlers[:], root.level = before[1], before[0]
        for name, level in before[2].items():
            logging.getLogger(name).setLevel(level)
        logging.getLogger("citrix_oauth_operator").setLevel(logging.NOTSET)


def test_json_logs_are_one_object_a_line() -> None:
    """Also with a line break in the message."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "a\nb %s", ("c",), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "a\nb c"


def _settings(flags: list[str], environ: dict[str, str]) -> Settings:
    parser = argparse.ArgumentParser()
    add_flags(parser, environ)
    return settings_of(parser.parse_args(flags), environ)


def test_flags_win_over_the_environment_and_that_over_the_defaults() -> None:
    """Each flag is also a variable."""
    environ = {"CITRIX_OAUTH_OPERATOR_NAMESPACE": "env", "CITRIX_OAUTH_WATCH_NAMESPACE": "a,b"}
    assert _settings([], {}).operator_namespace == "citrix-oauth-system"
    assert _settings([], environ).operator_namespace == "env"
    assert _settings(["--operator-namespace", "flag"], environ).operator_namespace == "flag"
    assert _settings([], environ).watch_namespaces == ("a", "b")
    assert _settings(["--watch-namespace", "c", "--watch-namespace", "d"], environ).watch_namespaces == ("c", "d")
    assert _settings(["--http-port", "8080"], {}).http_port == 8080
    assert _settings([], {"CITRIX_OAUTH_HTTP_PORT": "8081"}).http_port == 8081
    assert _settings([], {"CITRIX_OAUTH_POD_UID": "u"}).pod_uid == "u"


def test_the_lease_and_the_drain_can_be_set() -> None:
    """By flag or variable; the renew deadline and the retry follow the duration."""
    assert (_settings([], {}).lease_name, _settings([], {}).lease_seconds) == ("citrix-oauth-operator", 15)
    environ = {"CITRIX_OAUTH_LEASE_NAME": "l", "CITRIX_OAUTH_LEASE_DURATION_SECONDS": "30"}
    set_so = _settings(["--drain-seconds", "7"], environ)
    assert (set_so.lease_name, set_so.lease_seconds, set_so.drain_seconds) == ("l", 30, 7.0)
    assert (Spans(30).renew_deadline, Spans(30).retry) == (20, 4)
    assert (Spans().renew_deadline, Spans().retry) == (10, 2)


@pytest.mark.parametrize("seconds", ["0", "2", "301", "x", "1.5"])
def test_a_lease_that_could_not_be_kept_is_refused(seconds: str) -> None:
    """With the usage, not with a stack."""
    with pytest.raises(SystemExit):
        _settings(["--lease-duration-seconds", seconds], {})


def test_who_holds_the_lease_is_dead_only_where_that_is_proven() -> None:
    """The same pod's former process is; another pod's may be alive, and a foreign name is nobody we know."""
    old, new, other = Identity("p1"), Identity("p1"), Identity("p2")
    assert new.is_dead(old.name)
    assert not any((new.is_dead(new.name), other.is_dead(old.name), new.is_dead("somebody"), new.is_dead("")))


def _client(name: str, *conditions: dict[str, object], **status: object) -> dict[str, object]:
    return {
        "metadata": {"namespace": "a", "name": name},
        "spec": {},
        "status": {"conditions": list(conditions), **status},
    }


@pytest.mark.parametrize(
    ("client", "word"),
    [
        pytest.param(_client("x", condition("Stalled", "True", "SpecInvalid")), "SpecInvalid: m", id="a wrong spec"),
        pytest.param({**_client("x"), "spec": {"suspend": True}}, "spec.suspend", id="suspended"),
        pytest.param(_client("x", condition("Stalled", "True", "GrantRejected")), "", id="a dead grant: one more try"),
        pytest.param(_client("x", condition("Stalled", "True", "SecretNotOwned"), nextRefreshTime="soon"), "",
                     id="a grant that goes on being refreshed"),
        pytest.param(_client("x", condition("RefreshFailed", "True", "ServerError")), "", id="failing"),
        pytest.param({"metadata": {}, "spec": {}}, "", id="nobody has looked at it yet"),
    ],
)  # fmt: skip
def test_a_wish_that_comes_to_nothing_is_told_at_once(client: dict[str, object], word: str) -> None:
    """Nobody waits for a refresh that will not happen."""
    assert (word in hindrance(client)) if word else not hindrance(client)
