"""The pages as HTML: every value escaped, no script, one stylesheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

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

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what a page needs
        """Return the page `<name>.html`."""
        return HTMLResponse(self._pages.get_template(f"{name}.html").render(values), status)

    def message(self, message: Message, user: str = "") -> HTMLResponse:
        """Return a page of sentences."""
        return self.page("message", message.status, message=message, user=user)
