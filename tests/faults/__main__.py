"""Run the fault campaign and print its table; the exit status says if every promise was kept.

Without a name all scenarios run: about 50 minutes, 10 of them without an API server. The table is written as Markdown.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from tests.benchmarks import tables
from tests.benchmarks.cluster import Cluster
from tests.benchmarks.steps import Steps
from tests.control_plane import ControlPlane
from tests.control_plane.cache import Workspace
from tests.faults import campaign, handover, kills, outages
from tests.faults.stage import Row, Stage

WIDTH = 150
SCENARIOS: dict[str, Callable[[Stage], list[Row]]] = {
    "campaign": campaign.run,
    "api-server-away": outages.api_server,
    "authorization-server-away": outages.authorization_server,
    "hand-over": handover.run,
    "kills": kills.five_hundred,
    "cost": kills.cost,
}


def run(wanted: list[str], share: float, output: Path, console: Console) -> int:
    """Play the scenarios, print and write the table; return the exit status."""
    with ExitStack() as stack:
        workspace = Workspace("faults")
        stack.callback(workspace.remove)
        plane = stack.enter_context(ControlPlane())
        admin = Cluster(plane)
        stack.callback(admin.close)
        admin.install_kinds()
        stage = Stage(plane, admin, workspace.path, Steps(console), share)
        rows = [row for name in wanted for row in SCENARIOS[name](stage)]
    tables.show_judgement(console, rows)
    for finding in stage.findings:
        console.print(f"[bold red]broken:[/] {finding}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(tables.markdown_judgement(rows) + "\n")
    console.print(f"as Markdown: {output}")
    return 0 if all(row.met for row in rows) and not stage.findings else 1


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def main(arguments: list[str]) -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[[], *SCENARIOS], help="play these only")
    parser.add_argument("--share", type=float, default=1.0, help="of the whole size: 0.05 to see that it runs")
    parser.add_argument("--output", type=Path, default=Path("build/faults.md"), help="the table as Markdown")
    options = parser.parse_args(arguments)
    console = Console()
    console.width = max(console.width, WIDTH)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return run(options.scenario or list(SCENARIOS), options.share, options.output, console)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
