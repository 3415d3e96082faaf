"""The executable `citrix-oauth`, also installed as `kubectl-citrix_oauth`: one module a verb."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from citrix_oauth_operator import __version__
from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.kube.access import ClusterNotConfigured

from . import check, login, portal, refresh, run, status
from .mistake import Mistake


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    program = "kubectl citrix-oauth" if Path(sys.argv[0]).stem == "kubectl-citrix_oauth" else "citrix-oauth"
    parser = argparse.ArgumentParser(prog=program, description="OAuth tokens for Citrix systems, kept fresh.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in (run, portal, login, status, refresh, check):
        verb.add_to(verbs)
    verbs.add_parser("version", help="print the version").set_defaults(main=_version)
    options = parser.parse_args(arguments)
    try:
        result: int = options.main(options)
        sys.stdout.flush()
    except (ApiError, ClusterNotConfigured, Mistake) as error:
        print(f"{program} {options.verb}: {error}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 2
    except BrokenPipeError:  # whoever read the output has seen enough (`status | head -3`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return result


def _version(_options: argparse.Namespace) -> int:
    print(__version__)  # noqa: T201 - what a person asked for
    return 0
