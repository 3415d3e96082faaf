"""Build or run the control plane by hand.

python -m tests.control_plane build            compile everything into the cache that is not there: servers, Helm, proxy
python -m tests.control_plane up               start it, print the kubeconfig's path, run until interrupted
python -m tests.control_plane up -- COMMAND    run COMMAND with KUBECONFIG set, stop, exit with its status
"""

import os
import signal
import subprocess
import sys
from typing import NoReturn

from tests.control_plane.build import binaries, helm, oauth2_proxy
from tests.control_plane.plane import ControlPlane


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def up(command: list[str]) -> int:
    """Run `command` against a fresh control plane, or wait for a signal when there is none; returns the exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with ControlPlane() as plane:
            if command:
                env = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}
                return subprocess.run(command, env=env, check=False).returncode
            sys.stdout.write(f"{plane.kubeconfig}\n")
            sys.stdout.flush()
            signal.pause()
            return 0
    except KeyboardInterrupt:
        return 130


def main(arguments: list[str]) -> int:
    """Dispatch the command line; returns the exit status."""
    match arguments:
        case ["build"]:
            binaries()
            helm()
            oauth2_proxy()
            return 0
        case ["up"]:
            return up([])
        case ["up", "--", *command]:
            return up(command)
        case _:
            sys.stderr.write(__doc__ or "")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
