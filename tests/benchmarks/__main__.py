"""Measure the operator against the naive one, in one run on one machine; the exit status says if the targets are met.

Both do the same work for the same number of clients on the same API server, against the same token endpoint of plain
http with 50 ms of latency. The judge is the ratio: absolute seconds depend on the machine.
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from tests.benchmarks import profile, tables
from tests.benchmarks.cluster import Cluster
from tests.benchmarks.contestants import MACHINE, NAIVE, OURS, REUSED, Contestant, create_server
from tests.benchmarks.figures import Figures, judge
from tests.benchmarks.measure import Bench
from tests.benchmarks.processes import BenchmarkFailed
from tests.benchmarks.steps import Steps
from tests.control_plane import ControlPlane
from tests.control_plane.cache import Workspace
from tests.standins.rotating import RotatingServer

LATENCY = 0.05
WIDTH = 120  # in a narrower terminal the tables break their lines less badly than their cells would
EVERYBODY = (OURS, NAIVE, REUSED, MACHINE)
STARTS = 5  # of each who is compared by its start, in turns: the machine changes its pace
COUNT, LIFE = 500, 80
QUICK_COUNT, QUICK_LIFE = 60, 20


def measure(bench: Bench, steps: Steps, wanted: list[Contestant]) -> dict[str, Figures]:
    """Run the contestants one after the other."""
    results = {}
    for contestant in wanted:
        with steps.about(contestant.title):
            results[contestant.key] = figures = bench.run(contestant)
            steps(f"all Secrets after {figures.start_seconds:.1f} s; {figures.cpu_ms:.1f} ms of CPU a refresh")
    return results


def start_in_turns(bench: Bench, steps: Steps, results: dict[str, Figures]) -> None:
    """Start those who are compared by it again and again, one after the other."""
    compared = [each for each in (OURS, NAIVE, REUSED) if each.key in results]
    for number in range(2, STARTS + 1):
        for contestant in compared if len(compared) > 1 else ():
            with steps.about(f"{contestant.title}, start {number} of {STARTS}"):
                seconds = bench.start_again(contestant, number)
                results[contestant.key].starts.append(seconds)
                steps(f"all Secrets after {seconds:.1f} s")


def run(options: argparse.Namespace, console: Console) -> int:
    """Start everything, measure, print; return the exit status."""
    count, life = (QUICK_COUNT, QUICK_LIFE) if options.quick else (COUNT, LIFE)
    wanted = [each for each in EVERYBODY if not options.only or each.key in options.only]
    steps = Steps(console)
    with ExitStack() as stack:
        workspace = Workspace("benchmarks")
        stack.callback(workspace.remove)
        plane = stack.enter_context(ControlPlane())
        cluster = Cluster(plane)
        stack.callback(cluster.close)
        cluster.install_kinds()
        tokens = RotatingServer(workspace.path, LATENCY)
        stack.callback(tokens.stop)
        create_server(cluster, tokens.url)
        samples = workspace.path / "samples.json"
        runner = _sampled(samples) if options.profile else ()
        bench = Bench(plane, cluster, tokens, workspace.path, count, life, steps, runner)
        results = measure(bench, steps, [OURS] if options.profile else wanted)
        start_in_turns(bench, steps, results)
        return _profiled(console, results, samples) if options.profile else _judged(console, results)


def _sampled(samples: Path) -> tuple[str, ...]:
    return ("-m", "tests.benchmarks.sampler", str(samples), "citrix_oauth_operator")


def _profiled(console: Console, results: dict[str, Figures], samples: Path) -> int:
    figures = results[OURS.key]
    start, measured, *_ = profile.parts(samples)
    profile.show(console, start, "start", 1000 * figures.start_cpu_seconds / figures.clients)
    profile.show(console, measured, "a rotating refresh", figures.cpu_ms)
    return 0


def _judged(console: Console, results: dict[str, Figures]) -> int:
    titles = {each.key: each.title for each in EVERYBODY}
    verdicts = judge(results) if OURS.key in results else []
    tables.show(console, titles, results, verdicts)
    sys.stdout.write(f"\nAs Markdown:\n\n{tables.markdown(titles, results, verdicts)}\n")
    return 0 if all(verdict.met for verdict in verdicts) else 1


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def main(arguments: list[str]) -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    keys = [each.key for each in EVERYBODY]
    parser.add_argument("--only", action="append", choices=keys, help="measure this one only (repeatable)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_COUNT} clients: to see that it runs")
    parser.add_argument("--profile", action="store_true", help="show where the operator's CPU time goes instead")
    console = Console()
    console.width = max(console.width, WIDTH)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return run(parser.parse_args(arguments), console)
    except BenchmarkFailed as failure:
        console.print(f"[bold red]not measured:[/] {failure}", markup=True)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
