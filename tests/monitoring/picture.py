"""Draws the dashboard from what Prometheus answers, in the dashboard's own layout: a rendering, not a Grafana.

Grafana itself comes neither with Debian nor from a package index. Only `make picture` needs this module's matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.dates import DateFormatter, MinuteLocator
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from citrix_oauth_operator.domain.durations import words
from tests.monitoring.dashboard import DASHBOARD, asked_for
from tests.monitoring.prometheus import PrometheusServer

Axes = Any
Panel = dict[str, Any]

_COLUMNS, _INCHES_A_COLUMN, _INCHES_A_ROW = 24, 0.72, 0.40
_PAPER, _PANEL, _EDGE, _INK, _FAINT = "#111217", "#181b1f", "#2c3035", "#d8d9da", "#8e9199"
_NAMED = {"green": "#56a64b", "red": "#e02f44", "orange": "#ff780a", "yellow": "#f2cc0c", "blue": "#3274d9",
          "purple": "#a352cc"}  # fmt: skip
_PALETTE = ["#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#f2495c", "#b877d9", "#37872d", "#8ab8ff"]


@dataclass(frozen=True, slots=True)
class Span:
    """What is shown: epoch seconds, and the interval that Grafana would fill in."""

    start: float
    end: float
    step: float
    rate_interval: str


def draw(server: PrometheusServer, span: Span, path: Path) -> None:
    """Draw every panel of the dashboard into one PNG."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in DASHBOARD["panels"])
    width, height = _COLUMNS * _INCHES_A_COLUMN, rows * _INCHES_A_ROW + 0.6
    plt.rcParams.update({"font.family": "DejaVu Sans", "text.color": _INK, "axes.edgecolor": _EDGE})
    figure = plt.figure(figsize=(width, height), facecolor=_PAPER)
    figure.text(0.012, 1 - 0.36 / height, DASHBOARD["title"], fontsize=17, weight="bold")
    moments = [datetime.fromtimestamp(at).astimezone() for at in (span.start, span.end)]
    text = (
        f"{moments[0]:%H:%M:%S} to {moments[1]:%H:%M:%S}, drawn from Prometheus' answers by tests/monitoring/picture.py"
    )
    figure.text(0.988, 1 - 0.36 / height, text, fontsize=10, color=_FAINT, ha="right")
    for panel in DASHBOARD["panels"]:
        grid, gap = panel["gridPos"], 0.05
        left, low = grid["x"] * _INCHES_A_COLUMN + gap, height - 0.6 - (grid["y"] + grid["h"]) * _INCHES_A_ROW + gap
        wide, high = grid["w"] * _INCHES_A_COLUMN - 2 * gap, grid["h"] * _INCHES_A_ROW - 2 * gap
        axes = figure.add_axes((left / width, low / height, wide / width, high / height))
        _frame(axes, panel["title"], wide, high)
        inner = (
            (left + 0.15) / width,
            (low + 0.12) / height,
            (wide - 0.3) / width,
            (high - 0.5) / height,
        )
        _KINDS[panel["type"]](figure.add_axes(inner), panel, server, span)
    figure.savefig(path, dpi=100, facecolor=_PAPER)
    plt.close(figure)


def _frame(axes: Axes, title: str, wide: float, high: float) -> None:
    axes.set(xlim=(0, wide), ylim=(0, high))
    axes.axis("off")
    box = FancyBboxPatch(
        (0, 0), wide, high, boxstyle="round,pad=0,rounding_size=0.05", facecolor=_PANEL, edgecolor=_EDGE
    )
    axes.add_patch(box)
    axes.text(0.14, high - 0.24, title, fontsize=10.5, weight="medium", va="center")


def _stat(axes: Axes, panel: Panel, server: PrometheusServer, span: Span) -> None:
    axes.axis("off")
    (query,) = asked_for(panel)
    (series,) = query.now(server, span.rate_interval)
    value = float(series["value"][1])
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.add_patch(Rectangle((0, 0), 1, 1, facecolor=_threshold(panel, value), alpha=0.9))
    axes.text(0.5, 0.5, _unit(panel)(value), fontsize=24, weight="bold", ha="center", va="center", color="white")


def _table(axes: Axes, panel: Panel, server: PrometheusServer, span: Span) -> None:
    axes.axis("off")
    (query,) = asked_for(panel)
    order = panel["transformations"][0]["options"]["indexByName"]
    columns = sorted(order, key=lambda name: int(order[name]))
    lines = sorted([one["metric"][name] for name in columns] for one in query.now(server, span.rate_interval))
    axes.set(xlim=(0, 1), ylim=(0, 8))
    for number, cells in enumerate([columns, *lines][:8]):
        y = 7.5 - number
        axes.plot((0, 1), (y - 0.5, y - 0.5), color=_EDGE, linewidth=0.8)
        for place, cell in enumerate(cells):
            axes.text(
                0.01 + place / len(columns), y, cell, fontsize=10, va="center", weight="normal" if number else "bold"
            )


def _bars(axes: Axes, panel: Panel, server: PrometheusServer, span: Span) -> None:
    (query,) = asked_for(panel)
    found = sorted(query.now(server, span.rate_interval), key=lambda one: float(one["value"][1]))
    values = [float(one["value"][1]) for one in found]
    longest = max([*values, 1.0])
    axes.set(xlim=(0, 1), ylim=(-0.5, 7.5))
    axes.invert_yaxis()
    axes.axis("off")
    for place, (one, value) in enumerate(zip(found, values, strict=True)):
        axes.add_patch(Rectangle((0.44, place - 0.33), 0.38, 0.66, facecolor="#22252b"))
        axes.add_patch(
            Rectangle((0.44, place - 0.33), 0.38 * max(value, 0) / longest, 0.66, facecolor=_threshold(panel, value))
        )
        axes.text(0, place, query.legend(one["metric"]), fontsize=9, va="center")
        axes.text(1, place, _unit(panel)(value), fontsize=9.5, va="center", ha="right", weight="bold")


def _time_series(axes: Axes, panel: Panel, server: PrometheusServer, span: Span) -> None:
    custom, unit = panel["fieldConfig"]["defaults"]["custom"], _unit(panel)
    fixed = {
        one["matcher"]["options"]: _NAMED[one["properties"][0]["value"]["fixedColor"]]
        for one in panel["fieldConfig"]["overrides"]
    }
    steps = round((span.end - span.start) / span.step) + 1
    times = [datetime.fromtimestamp(span.start + number * span.step).astimezone() for number in range(steps)]
    lines: dict[str, list[float]] = {}
    for query in asked_for(panel):
        for one in server.over_time(query.expression(span.rate_interval), span.start, span.end, span.step):
            known = {round((float(at) - span.start) / span.step): float(value) for at, value in one["values"]}
            lines[query.legend(one["metric"])] = [known.get(number, math.nan) for number in range(steps)]
    stacked = "stacking" in custom
    if stacked:
        lines = {name: values for name, values in lines.items() if any(value > 0 for value in values)}
    base = [0.0] * steps
    for (name, values), colour in zip(sorted(lines.items()), _PALETTE * 3, strict=False):
        colour = fixed.get(name, colour)  # noqa: PLW2901 - the one that the dashboard names
        top = [low + (0.0 if math.isnan(value) else value) for low, value in zip(base, values, strict=True)]
        shown = top if stacked else values
        axes.plot(times, shown, color=colour, linewidth=1.4, label=name)
        axes.fill_between(times, base, shown, color=colour, alpha=custom["fillOpacity"] / 100, linewidth=0)
        base = top if stacked else base
    _axes_of_time(axes, unit, times)
    rows = math.ceil(len(lines) / 3)
    if lines:
        axes.legend(
            loc="upper left", bbox_to_anchor=(-0.02, -0.09), ncols=3, frameon=False, fontsize=8.5, labelcolor=_INK,
            handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
    place = axes.get_position()
    left, low = 0.035 if place.width < 0.3 else 0.03, 0.010 + 0.0125 * rows
    axes.set_position((place.x0 + left, place.y0 + low, place.width - left, place.height - low))


def _axes_of_time(axes: Axes, unit: Callable[[float], str], times: list[datetime]) -> None:
    axes.set_facecolor(_PANEL)
    axes.set_xlim(times[0], times[-1] + timedelta(seconds=1))
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.grid(color=_EDGE, linewidth=0.7)
    axes.tick_params(colors=_FAINT, labelsize=8.5, length=0)
    axes.xaxis.set_major_locator(MinuteLocator())
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=times[0].tzinfo))
    few = axes.get_ylim()[1] > 1 and unit(0.5) == "0.5"  # counts: no half ones
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=few))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: unit(value)))
    for side in axes.spines.values():
        side.set_visible(False)


def _threshold(panel: Panel, value: float) -> str:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    name = [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]
    return _NAMED[name]


def _unit(panel: Panel) -> Callable[[float], str]:
    match panel["fieldConfig"]["defaults"].get("unit"):
        case "s":
            return _seconds
        case "bytes":
            return lambda value: f"{value / 2**20:.0f} MiB"
        case "percentunit":
            return lambda value: f"{value:.0%}"
    return lambda value: f"{value:.3g}"


def _seconds(value: float) -> str:
    if abs(value) >= 10:
        return ("-" if value < 0 else "") + words(timedelta(seconds=abs(value)))
    return f"{value * 1000:.0f}ms" if 0 < abs(value) < 1 else f"{value:.3g}s"


_KINDS: dict[str, Callable[[Axes, Panel, PrometheusServer, Span], None]] = {
    "stat": _stat,
    "table": _table,
    "bargauge": _bars,
    "timeseries": _time_series,
}
