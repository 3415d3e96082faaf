"""The diagram of one refresh: the last one, in slow motion, with what was seen of it from outside and when."""

from __future__ import annotations

import time

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.facts import SEEN, STAGES, Facts, Trace
from demo.processes import Operator

STAGE_SECONDS = 0.35  # how long each stage is lit: the real ones take milliseconds
_WIDE, _NARROW = 108, 92


def path_of(facts: Facts, operator: Operator, width: int) -> tuple[RenderableType, int]:
    """Draw the stages, the one that the slow motion has come to lit. Returns it with its height."""
    lit = _lit(facts.trace, time.time())
    names = [_stage(name, facts.trace, lit, dead=operator.pid is None) for name in STAGES]
    if width >= _NARROW:
        for name in names:
            name.pad(1)
    rows = [_between(names, Text("→", "dim"))]
    rows.append(_between([_moment(name, facts.trace, lit) for name in STAGES], Text("")))
    if width >= _WIDE:
        rows.append(_between([Text(SEEN.get(name, ""), "dim") for name in STAGES], Text("")))
    table = Table.grid(padding=0, expand=True)
    for _ in rows[0]:
        table.add_column(justify="center", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return Group(table, _caption(facts, operator)), len(rows) + 1


def _lit(trace: Trace | None, now: float) -> int:
    """Return the place of the stage to light; beyond the last one when the slow motion is over."""
    return int((now - trace.begun) / STAGE_SECONDS) if trace else -1


def _stage(name: str, trace: Trace | None, lit: int, *, dead: bool) -> Text:
    place = STAGES.index(name)
    reached = trace is not None and (name not in SEEN or name in trace.times)
    if place == lit and reached and not dead:
        return Text(name, "bold black on bright_green")
    if dead:
        return Text(name, "red dim")
    return Text(name, "green" if reached and place < lit else "dim")


def _moment(name: str, trace: Trace | None, lit: int) -> Text:
    if trace is None or name not in trace.times or STAGES.index(name) > lit:
        return Text("")
    after = (trace.times[name] - trace.begun) * 1000
    return Text(f"{after:+.0f} ms" if name != "intent" else "0 ms", "cyan")


def _caption(facts: Facts, operator: Operator) -> Text:
    if operator.pid is None:
        return Text("nobody is here: the Secret stays valid, the application goes on", "bold red")
    if facts.trace is None:
        return Text("the first refresh is still to come", "dim")
    rest = facts.due - time.time()
    soon = f"next in {rest:.0f} s" if rest > 0 else "next is due"
    if operator.kills and facts.trace.begun < operator.since:
        return Text(f"started again after kill -9: no request, the stored token is valid · {soon}", "bold yellow")
    return Text(f"refresh to seq {facts.trace.seq}, in slow motion, times as seen from outside · {soon}", "dim")


def _between(cells: list[Text], separator: Text) -> list[Text]:
    return [part for cell in cells for part in (cell, separator)][:-1]
