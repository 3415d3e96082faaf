"""A real Prometheus: its two programs from PATH or Debian's package, and a server that scrapes what a test names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from tests.control_plane.cache import cache_root, locked
from tests.control_plane.children import Child, free_port
from tests.integration.operator.eventually import GIVE_UP_SECONDS, eventually

Series = dict[str, Any]

_PACKAGE = "prometheus"
_HINT = "no Prometheus: put prometheus and promtool on PATH, or run `make packages` on a Debian"


@cache
def program(name: str) -> Path:
    """Return `prometheus` or `promtool`; without one the test is skipped, and fails in CI."""
    found = shutil.which(name) or _from_debian(name)
    if found:
        return Path(found)
    if os.environ.get("CI"):
        pytest.fail(_HINT)
    pytest.skip(_HINT)


def _from_debian(name: str) -> Path | None:
    """Unpack Debian's package into the cache: that needs no root, and starts no service as an install would."""
    version = _said("apt-cache", "show", "--no-all-versions", _PACKAGE).partition("\nVersion: ")[2].split("\n")[0]
    if not version:
        return None
    folder = cache_root() / _PACKAGE
    home = folder / version
    with locked(folder):
        if not home.exists():
            part = folder / f"{version}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            _said("apt-get", "download", f"{_PACKAGE}={version}", folder=part)
            for archive in part.glob("*.deb"):
                _said("dpkg-deb", "--extract", str(archive), str(part))
                archive.unlink()
            if not (part / "usr/bin" / name).exists():
                return None
            part.rename(home)
    return home / "usr/bin" / name


def _said(*words: str, folder: Path | None = None) -> str:
    """Return what a command prints; "" where there is no such command, or it fails."""
    if not shutil.which(words[0]):
        return ""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode else f"\n{done.stdout}"


def promtool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run promtool in a folder; the caller looks at the exit status."""
    return subprocess.run([program("promtool"), *words], cwd=folder, capture_output=True, text=True, check=False)


class PrometheusServer:
    """One Prometheus that scrapes one target each second. A context manager; it ends with the test run.

    Args:
        scraped: `host:port` of the target.
        labels: of the target, as service discovery would add them.
        rules: files of alerts.
    """

    def __init__(self, folder: Path, scraped: str, labels: Mapping[str, str], rules: tuple[Path, ...] = ()) -> None:
        self._folder, self._port = folder, free_port()
        job = {
            "job_name": "operator",
            "honor_labels": True,
            "static_configs": [{"targets": [scraped], "labels": dict(labels)}],
        }
        every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        self._config = {"global": every, "rule_files": [str(path) for path in rules], "scrape_configs": [job]}

    def __enter__(self) -> Self:
        config = self._folder / "prometheus.json"  # JSON is YAML
        config.write_text(json.dumps(self._config))
        words: list[str | Path] = [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
        ]
        words += [f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn"]
        self._child = Child("prometheus", words, self._folder)
        url = f"http://127.0.0.1:{self._port}"
        self._http = httpx.Client(
            base_url=url, trust_env=False, transport=httpx.HTTPTransport(retries=3), timeout=GIVE_UP_SECONDS
        )
        eventually(self._is_ready, "Prometheus is ready", self._child.tail)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._http.close()
        self._child.stop()

    def _is_ready(self) -> bool:
        assert self._child.alive, self._child.tail()
        try:
            return self._http.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def now(self, query: str) -> list[Series]:
        """Return the result of an instant query: `metric` and `value` a series."""
        return self._asked("/api/v1/query", query=query)

    def over_time(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """Return the result of a range query (epoch seconds, step in seconds): `metric` and `values` a series."""
        return self._asked("/api/v1/query_range", query=query, start=start, end=end, step=step)

    def alerts(self) -> set[str]:
        """Return the names of the alerts that are pending or firing now."""
        answer = self._http.get("/api/v1/alerts").raise_for_status().json()
        return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"]}

    def _asked(self, path: str, **params: str | float) -> list[Series]:
        answer = self._http.get(path, params=params).json()
        assert answer["status"] == "success", f"{params}: {answer}"
        return list(answer["data"]["result"])
