"""The live view: one screen, built anew from the facts several times a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.cluster import Column
from demo.facts import Facts
from demo.path import path_of
from demo.processes import Consumer, Operator
from demo.story import Happening, Story

_WHO = {"operator": "cyan", "event": "magenta", "secret": "green", "kubelet": "blue", "consumer": "yellow"}
_MOODS = {"warn": "yellow", "bad": "bold red"}
_ROOMY, _WIDE, _GAP = 32, 120, 3

Figure = tuple[str, str, str]  # what, how much, style


@dataclass(frozen=True, slots=True)
class View:
    """Everything the screen is drawn from."""

    facts: Facts
    operator: Operator
    consumer: Consumer
    story: Story
    begun: float
    seconds: float | None
    how_to_look: str

    def screen(self, width: int, height: int) -> Layout:
        """Draw one picture; a small terminal gets the same with fewer lines."""
        figures = 5 if height >= _ROOMY else 3
        path, path_height = path_of(self.facts, self.operator, width)
        client = self._client(width)
        events = max(3, height - 2 - (path_height + 2) - (len(client) + 2) - (figures + 2))
        layout = Layout()
        layout.split_column(
            Layout(self._header(), size=1),
            Layout(_panel(path, "the path of one refresh"), size=path_height + 2),
            Layout(
                _panel(Group(*client), f"kubectl get cxc -A{' -o wide' if _wide(width) else ''}"), size=len(client) + 2
            ),
            Layout(name="counts", size=figures + 2),
            Layout(_panel(self._events(events - 2), "what happened"), size=events),
            Layout(Text(f" {self.how_to_look}", "dim", no_wrap=True), size=1),
        )
        layout["counts"].split_row(
            Layout(_panel(self._consumer(width, figures), "the application")),
            Layout(_panel(_figures(self._server()[:figures]), "Citrix Cloud counts")),
            Layout(_panel(_figures(self._operator()[:figures]), "the operator", self._colour())),
        )
        return layout

    def _header(self) -> RenderableType:
        passed = time.time() - self.begun
        clock = f"{passed:.0f} s of {self.seconds:.0f} s" if self.seconds else f"{passed:.0f} s"
        line = Table.grid(expand=True)
        line.add_column(no_wrap=True)
        line.add_column(justify="right", no_wrap=True)
        line.add_row(Text(" Citrix OAuth operator", "bold"), Text(f"{clock} · k kill -9 · q quit ", "dim"))
        return line

    def _client(self, width: int) -> list[RenderableType]:
        shown = [column for column in self.facts.columns if _wide(width) or not column.wide]
        if not shown:
            return [Text("no CitrixClient yet", "dim"), Text(""), self._bar(width - 6)]
        lines = [line for part in _in_lines(shown, width - 4) for line in _kubectl(part)]
        return [*lines, self._bar(width - 6)]

    def _bar(self, width: int) -> Text:
        facts, now = self.facts, time.time()
        life = facts.expires - facts.issued
        if life <= 0:
            return Text("Secret reports-token: not there yet", "dim")
        left = max(0.0, facts.expires - now)
        size = max(10, width - 56)
        full, mark = round(size * min(1, left / life)), round(size * (facts.expires - facts.due) / life)
        colour = "green" if now < facts.due else "yellow" if left > life / 5 else "red"
        bar = Text("Secret reports-token ", no_wrap=True)
        for place in range(size):
            bar.append("┃" if place == mark else "━" if place < full else "─", colour if place < full else "dim")
        bar.append(f" {left:4.1f} s left of {life:.0f}", "bold")
        bar.append(f"  seq {facts.seq}  {facts.token}", "dim")
        return bar

    def _consumer(self, width: int, lines: int) -> RenderableType:
        strip = Text(no_wrap=True)
        for good in list(self.consumer.recent)[-max(8, width // 3 - 6) :]:
            strip.append("▪" if good else "✗", "green" if good else "bold red")
        calls, failures = self.consumer.calls, self.consumer.failures
        figures = [("calls", str(calls), "bold"), ("refused", str(failures), _ill_if(failures))]
        if lines > len(figures) + 1:
            figures.append(("with token", self.consumer.token or "-", "bold"))
        return Group(_figures(figures), *[Text("")] * (lines - len(figures) - 1), strip)

    def _server(self) -> list[Figure]:
        stats = self.facts.stats
        if stats is None:
            return []
        requests = stats.token_requests
        return [
            ("refresh requests", str(requests.get("refresh_token", 0)), "bold"),
            ("rotations", str(stats.rotations), "bold"),
            ("replays", str(stats.replays), _ill_if(stats.replays)),
            ("sign-ins", str(requests.get("authorization_code", 0)), "bold"),
            ("resource calls refused", str(stats.resource_refused), _ill_if(stats.resource_refused)),
        ]

    def _operator(self) -> list[Figure]:
        operator, since = self.operator, time.time() - self.operator.since
        state = "serving" if operator.serving else "starting" if operator.pid else " KILLED "
        return [
            ("state", f"{state} for {since:.0f} s", f"bold {self._colour()}{'' if operator.pid else ' reverse'}"),
            ("pid", str(operator.pid or "-"), "bold"),
            ("killed", f"{operator.kills} times" if operator.kills != 1 else "once", "bold"),
            ("memory", operator.memory or "-", "bold"),
        ]

    def _colour(self) -> str:
        return "green" if self.operator.serving else "yellow" if self.operator.pid else "red"

    def _events(self, lines: int) -> RenderableType:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, style="dim", width=8)
        table.add_column(no_wrap=True, width=8)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for happening in self.story.last(lines):
            table.add_row(*_row(happening))
        return table


def _row(happening: Happening) -> tuple[Text, Text, Text]:
    clock = time.strftime("%H:%M:%S", time.localtime(happening.at))
    who = Text(happening.who, _WHO.get(happening.who, "bold"))
    return Text(clock), who, Text(happening.what, _MOODS.get(happening.mood, ""))


def _panel(inside: RenderableType, title: str, colour: str = "bright_black") -> Panel:
    return Panel(inside, title=Text(title, "bold"), title_align="left", border_style=colour, padding=(0, 1))


def _figures(lines: Sequence[Figure]) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, style="dim", overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    for name, value, style in lines:
        table.add_row(name, Text(value, style))
    return table


def _ill_if(number: int) -> str:
    return "bold red" if number else "bold green"


def _wide(width: int) -> bool:
    return width >= _WIDE


def _in_lines(columns: list[Column], width: int) -> list[list[Column]]:
    """Break the columns into as many lines as the width demands."""
    lines: list[list[Column]] = [[]]
    used = 0
    for column in columns:
        size = _size(column) + _GAP
        if lines[-1] and used + size > width + _GAP:
            lines.append([])
            used = 0
        lines[-1].append(column)
        used += size
    return lines


def _size(column: Column) -> int:
    return max(len(column.heading), len(column.cell))


def _kubectl(columns: list[Column]) -> tuple[Text, Text]:
    """Draw headings and cells as kubectl pads them."""
    headings, cells = Text(no_wrap=True), Text(no_wrap=True)
    for column in columns:
        size = _size(column) + _GAP
        headings.append(column.heading.ljust(size), "dim")
        cells.append(column.cell.ljust(size), "bold green" if column.cell in {"True", "TokenValid"} else "bold")
    return headings, cells
