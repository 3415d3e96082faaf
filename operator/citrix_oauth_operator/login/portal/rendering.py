"""The pages as HTML: every value escaped, no script, one stylesheet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from citrix_oauth_operator.domain.durations import parse_rfc3339

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)")
_FOLDER = Path(__file__).parent / "pages"

STYLE = (_FOLDER / "style.css").read_text()


@dataclass(frozen=True, slots=True)
class Message:
    """A page of a heading and some sentences.

    Attributes:
        good: whether it is good news (True), bad (False), or none yet (None).
        onward: where a link leads, and its words; None: to the list of clients.
        after_seconds: until the browser goes there by itself; None: never.
    """

    heading: str
    sentences: tuple[str, ...]
    status: int = 200
    good: bool | None = None
    onward: tuple[str, str] | None = None
    after_seconds: int | None = None


def times(text: str) -> Markup:
    """Return a text, escaped, with the times in it as people write them."""
    parts = _TIME.split(text)
    return Markup().join(_time(part) if place % 2 else part for place, part in enumerate(parts))


def _time(text: str) -> Markup:
    moment = parse_rfc3339(text)
    shown = f"{moment.day} {moment:%b %Y, %H:%M} UTC" if moment else text
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


class Renderer:
    """Writes the pages of a portal whose paths begin with `base`."""

    def __init__(self, base: str) -> None:
        self._pages = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals["base"] = base
        self._pages.filters["times"] = times

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what a page needs
        """Return the page `<name>.html`."""
        return HTMLResponse(self._pages.get_template(f"{name}.html").render(values), status)

    def message(self, message: Message, user: str = "") -> HTMLResponse:
        """Return a page of sentences."""
        return self.page("message", message.status, message=message, user=user)
