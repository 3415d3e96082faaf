"""What the operator says of each error of a system: `python -m tools.site.words` renews the tables of docs/systems/.

The words are not written twice: each answer is read as the operator reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from citrix_oauth_operator.domain.answers import Refused
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.problem import as_sentence
from citrix_oauth_operator.servers import profile
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_answer
from tools.site.markdown import ROOT

FOLDER = ROOT / "docs/systems"
_OAUTH = ("invalid_grant", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")
_TABLE = re.compile(r"(<!-- words of (\w+), made by `python -m tools\.site\.words` -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """Return a page with its tables as they must be."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{_table(ServerType(found[2]))}\n{found[3]}", page)


def _table(kind: ServerType) -> str:
    rows: dict[tuple[str, str], list[str]] = {}
    for code, answer in _answers(kind):
        rows.setdefault(_said(kind, answer), []).append(code)
    lines = [f"| {', '.join(codes)} | `{reason}` | {words} |" for (reason, words), codes in rows.items()]
    return "\n".join(["| the server says | reason | the operator says |", "| --- | --- | --- |", *lines, ""])


def _answers(kind: ServerType) -> Iterator[tuple[str, dict[str, str]]]:
    catalogue = profile(kind).catalogue
    for code in catalogue.codes:
        yield code, {"error": "invalid_grant", "error_description": f"{code}: text"}
    for code in catalogue.suberrors:
        yield f"`suberror` `{code}`", {"error": "invalid_grant", "suberror": code}
    for code in (*catalogue.errors, *_OAUTH):
        yield f"`{code}`", {"error": code}


def _said(kind: ServerType, body: dict[str, str]) -> tuple[str, str]:
    raw = RawAnswer(400, {}, json.dumps(body).encode())
    now = datetime(2026, 1, 1, tzinfo=UTC)
    answer = read_answer(raw, default_lifetime=timedelta(hours=1), catalogue=profile(kind).catalogue, now=now)
    if not isinstance(answer, Refused):
        raise TypeError(f"{kind}: {body} is no refusal")
    return answer.problem.reason, f"{as_sentence(answer.problem.message)} {answer.problem.advice}"


if __name__ == "__main__":
    for path in FOLDER.glob("*.md"):
        path.write_text(renewed(path.read_text()))
