"""The result as a person likes to read it, and the same as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks.cluster import Request
from tests.benchmarks.figures import Figures, Verdict

Row = Sequence[str]
_JUDGED = ("figure", "measured", "target", "")


def show(console: Console, titles: Mapping[str, str], results: Mapping[str, Figures], verdicts: list[Verdict]) -> None:
    """Print the judgement, the comparison, and where the writes went."""
    show_judgement(console, verdicts)
    compared = Table(title="Side by side", title_justify="left")
    compared.add_column("", no_wrap=True)
    for key in results:
        compared.add_column(titles[key], justify="right")
    for row in _comparison(results):
        compared.add_row(*row)
    console.print(compared)


def show_judgement(console: Console, verdicts: list[Verdict]) -> None:
    """Print each figure beside what it is held against."""
    judged = Table(title="Against the targets", title_justify="left")
    for header in _JUDGED:
        judged.add_column(header, justify="right" if header == "measured" else "left")
    for verdict in verdicts:
        colour = "green" if verdict.met else "bold red"
        judged.add_row(verdict.figure, verdict.measured, verdict.target, f"[{colour}]{_word(verdict)}[/]")
    console.print(judged)


def markdown_judgement(verdicts: list[Verdict]) -> str:
    """Return the same table for a document."""
    return markdown_table(_JUDGED, [(each.figure, each.measured, each.target, _word(each)) for each in verdicts], (1,))


def markdown(titles: Mapping[str, str], results: Mapping[str, Figures], verdicts: list[Verdict]) -> str:
    """Return the same two tables for a document."""
    titled = ("", *(titles[key] for key in results))
    second = markdown_table(titled, list(_comparison(results)), right=range(1, len(titled)))
    return f"{markdown_judgement(verdicts)}\n\n{second}"


def _word(verdict: Verdict) -> str:
    return "PASS" if verdict.met else "MISS"


def markdown_table(headers: Row, rows: Sequence[Row], right: Sequence[int] = ()) -> str:
    """Return a table; `right` names the columns of numbers."""
    rule = ["---:" if at in right else "---" for at in range(len(headers))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headers, rule, *rows))


def _comparison(results: Mapping[str, Figures]) -> Iterator[Row]:
    every = list(results.values())
    yield ("start to the first token Secret", *(f"{each.first_seconds:.1f} s" for each in every))
    yield ("start to the last token Secret", *(f"{each.start_seconds:.1f} s" for each in every))
    yield ("- each start", *(", ".join(f"{seconds:.1f}" for seconds in each.starts) for each in every))
    yield ("start to the last Ready", *(f"{each.ready_seconds:.1f} s" if each.ready_seconds else "" for each in every))
    yield ("CPU of the start", *(f"{each.start_cpu_seconds:.1f} s" for each in every))
    yield ("- of the control plane meanwhile", *(f"{each.start_plane_cpu_seconds:.1f} s" for each in every))
    yield ("- writes, reads a client", *("{:.1f}, {:.1f}".format(*each.start_requests_a_client()) for each in every))
    yield ("CPU a refresh", *(f"{each.cpu_ms:.1f} ms" for each in every))
    yield ("- of the control plane", *(f"{each.plane_cpu_ms:.1f} ms" for each in every))
    yield ("CPU with nothing due, of one core", *(f"{100 * each.standing:.1f} %" for each in every))
    yield ("API writes a refresh, Events apart", *(f"{each.writes_a_refresh():.2f}" for each in every))
    for kind in sorted({_kind(request) for each in every for request in each.requests if request.writes}):
        yield (f"- {kind}", *(_share(each, kind) for each in every))
    yield ("API reads a refresh, with the quiet before it", *(f"{each.reads_a_refresh():.2f}" for each in every))
    yield ("Events", *(str(each.events()) for each in every))
    yield ("resident memory, idle", *("" if each.idle_mib is None else f"{each.idle_mib:.0f} MiB" for each in every))
    yield (f"resident memory, {every[0].clients} clients", *(f"{each.loaded_mib:.0f} MiB" for each in every))
    yield (
        "restart: grants, writes",
        *("" if each.restart is None else "{}, {}".format(*each.restart) for each in every),
    )
    yield ("refreshes measured", *(str(each.refreshes) for each in every))
    yield ("yardstick before, after", *("{:.0f}, {:.0f} ms".format(*each.yardstick_ms) for each in every))
    yield ("refused by the server, replays", *(f"{each.server['errors']}, {each.server['replays']}" for each in every))


def _kind(request: Request) -> str:
    return f"{request.verb} {request.resource}{'' if request.accepted else ' (refused)'}"


def _share(figures: Figures, kind: str) -> str:
    count = sum(n for request, n in figures.requests.items() if _kind(request) == kind)
    return f"{count / max(figures.refreshes, 1):.2f}" if count else ""
