"""What a check found, and how that is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from citrix_oauth_operator.cli.terminal import printable
from citrix_oauth_operator.domain.problem import Problem, as_sentence


class Result(StrEnum):
    """What a finding means: warn is worth a look, fail will not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        check: the subject: crds, rights, server, client, consumers.
        about: the object it is about, as `kubectl` names it.
        remedy: what a person does about it; empty when all is well.
    """

    check: str
    about: str
    result: Result
    message: str
    remedy: str = ""


def ok(check: str, about: str, message: str) -> Finding:
    """Return the finding of a check that passed."""
    return Finding(check, about, Result.OK, message)


def failed(check: str, about: str, problem: Problem) -> Finding:
    """Return what the operator itself would say; that it would try again is no comfort here."""
    remedy = as_sentence(problem.remedy) or "Look from where the operator runs: DNS, network policy, proxy, CA bundle."
    return Finding(check, about, Result.FAIL, f"{problem.reason}: {as_sentence(problem.message)}", remedy)


def table(findings: Sequence[Finding]) -> str:
    """Return one line a finding, the failed ones last, where the prompt is."""
    order = list(Result)
    rows = [_cells(finding) for finding in sorted(findings, key=lambda finding: order.index(finding.result))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cells(finding: Finding) -> tuple[str, ...]:
    words = f"{finding.message} {finding.remedy}".rstrip()
    return tuple(map(printable, (finding.result, finding.check, finding.about, words)))


def as_json(findings: Sequence[Finding]) -> str:
    """Return a list of objects {check, about, result, message, remedy}."""
    return json.dumps([asdict(finding) for finding in findings], indent=2)
