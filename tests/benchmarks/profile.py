"""Where the CPU of a refresh goes: the sampler's stacks, summed up by package and by room of the operator."""

from __future__ import annotations

import json
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import ROOT

OURS = "citrix_oauth_operator"
_OUR_FOLDER = str(ROOT / "operator" / OURS)
_SITE = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
_STDLIB = sysconfig.get_path("stdlib")
_LOOP = {"asyncio", "selectors", "ssl", "socket", "weakref", "_weakrefset", "contextlib"}
_LONGEST = 30

Stack = tuple[tuple[str, str], ...]


class Samples(NamedTuple):
    """One stack, innermost frame first, and how often it was seen."""

    stack: Stack
    seen: int


def parts(path: Path) -> list[list[Samples]]:
    """Read what the sampler wrote."""
    return [
        [Samples(tuple((file, name) for file, name in each["stack"]), each["count"]) for each in part]
        for part in json.loads(path.read_text())
    ]


def package(file: str) -> str:
    """Return what a file belongs to: a distribution's package, a module of the standard library, or ours."""
    if file.startswith(_OUR_FOLDER):
        return OURS
    for folder in (*_SITE, _STDLIB):
        if file.startswith(folder):
            return Path(file).relative_to(folder).parts[0].removesuffix(".py")
    if file == "<string>":
        return "dataclasses (generated)"
    return "import" if file.startswith("<frozen importlib") else Path(file).stem


def since_loop(stack: Stack) -> Stack:
    """Return the frames that the event loop called; all that is outside is the same for everything."""
    for at, (_, name) in enumerate(stack):
        if name in {"BaseEventLoop._run_once", "Runner.run"}:  # asyncio's own loop, or one written in C
            return stack[:at]
    return stack


def room(stack: Stack) -> str:
    """Return on whose behalf a sample was taken: our innermost module, else the outermost package that is no loop."""
    outer = "event loop"
    for file, _ in since_loop(stack):
        if file.startswith(_OUR_FOLDER):
            return str(Path(file).relative_to(_OUR_FOLDER))
        name = package(file)
        outer = name if name not in _LOOP else outer
    return f"({outer})"


def show(console: Console, samples: list[Samples], title: str, milliseconds: float) -> None:
    """Print one part.

    Args:
        milliseconds: CPU of one refresh, to be shared out.
    """
    total = sum(each.seen for each in samples)
    if not total:
        return
    console.print(f"\n[bold]{title}[/]: {total} samples, {milliseconds:.2f} ms a refresh")
    own = _count((package(each.stack[0][0]), each.seen) for each in samples)
    _table(console, "the code itself, by package", own, total, milliseconds)
    rooms = _count((room(each.stack), each.seen) for each in samples)
    _table(console, "on whose behalf: our innermost module, or who the event loop called", rooms, total, milliseconds)
    leaves = _count((_name(*each.stack[0]), each.seen) for each in samples)
    _table(console, "the code itself, by function", leaves, total, milliseconds)
    through = _count(
        (name, each.seen) for each in samples for name in {_name(*frame) for frame in since_loop(each.stack)}
    )
    _table(console, "functions with all they call", through, total, milliseconds)


def _count(pairs: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    counter: Counter[str] = Counter()
    for name, count in pairs:
        counter[name] += count
    return iter(counter.most_common(_LONGEST))


def _name(file: str, function: str) -> str:
    parent = package(file)
    where = str(Path(file).relative_to(_OUR_FOLDER)) if parent == OURS else f"{parent}/{Path(file).name}"
    return f"{where} {function}"


def _table(console: Console, title: str, rows: Iterable[tuple[str, int]], total: int, milliseconds: float) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for header in ("share", "ms", "where"):
        table.add_column(header, justify="left" if header == "where" else "right", overflow="fold")
    for name, count in rows:
        if count / total >= 0.005:
            table.add_row(f"{100 * count / total:.1f} %", f"{milliseconds * count / total:.2f}", name)
    console.print(table)
