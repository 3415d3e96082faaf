"""Run the tests of this folder, or a command, in namespaces where a node can stand.

python -m tests.node                    the tests
python -m tests.node -- COMMAND         a command instead, such as a shell or pytest with arguments of its own
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from tests.control_plane.build import binaries, helm, node_programs
from tests.control_plane.cache import Workspace
from tests.node import image
from tests.node.terrain import CGROUPS, UNSHARE, missing_packages, refusal, why_not
from tests.standins.citrix_cloud import runtime

GROUP, ARCHIVE = "CITRIX_OAUTH_NODE_GROUP", "CITRIX_OAUTH_NODE_IMAGE"
_PREFIX = "citrix-oauth-node-"
_PATIENCE = 100  # looks, a tenth of a second apart
_TESTS = (sys.executable, "-m", "pytest", str(Path(__file__).parent))


def _prepare() -> Path:
    """Build and fetch all that is slow or needs a network: inside there is none. Returns the image's archive."""
    binaries()
    node_programs()
    helm()
    runtime.packages(runtime.node())
    return image.archive()


def run(command: list[str]) -> int:
    """Run a command in new namespaces; when it ends, so does everything in them. Returns its exit status."""
    _tidy()
    archive = _prepare()
    workspace = Workspace("node")
    group = f"{_PREFIX}{os.getpid()}"
    nothing_leads_out = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
    settings = {GROUP: group, ARCHIVE: str(archive), "TMPDIR": str(workspace.path), **nothing_leads_out}
    try:
        with subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *UNSHARE, *command], env={**os.environ, **settings}
        ) as inner:
            try:
                return inner.wait()
            finally:
                inner.kill()
    finally:
        _remove(group)
        workspace.remove()


def _tidy() -> None:
    """Remove the empty control groups of runs that were killed."""
    for group in {path.name for path in CGROUPS.glob(f"*/{_PREFIX}*")}:
        if not Path("/proc", group.removeprefix(_PREFIX)).exists():
            _remove(group)


def _remove(group: str) -> None:
    """Remove control groups, innermost first."""
    for folder in sorted(CGROUPS.glob(f"*/{group}/**/"), reverse=True):
        _remove_folder(folder)


def _remove_folder(folder: Path) -> None:
    """Remove one control group once its last process is gone; one that never goes is left to the next run."""
    for _ in range(_PATIENCE):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            break


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def main(arguments: list[str]) -> int:
    """Dispatch the command line; returns the exit status."""
    if arguments and (arguments[0] != "--" or not arguments[1:]):
        sys.stderr.write(__doc__ or "")
        return 2
    if missing := "" if (reason := why_not()) else ", ".join(missing_packages()):
        sys.stderr.write(f"SKIPPED: a real node needs {missing}; tools/debian-packages installs them\n")
        return 1 if os.environ.get("CI") else 0
    if reason := reason or refusal():
        sys.stderr.write(f"SKIPPED: the tests on a real node. {reason}\n")
        return 0
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return run(arguments[1:] or list(_TESTS))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
