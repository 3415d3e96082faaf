"""What the browser shows when it is back: one plain page, without scripts, from words of ours alone."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.25}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def headers(style: str, form_action: str = "'none'") -> dict[str, str]:
    """Return what every page is sent with: nothing is loaded, framed, sent on, kept or told to others.

    Args:
        style, form_action: the only sources of styles and targets of forms, as a Content-Security-Policy names them.
    """
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {style}; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


HEADERS = headers(f"'sha256-{_STYLE_HASH}'")


@dataclass(frozen=True, slots=True)
class Page:
    """A heading and some sentences; `status` is HTTP's."""

    heading: str
    sentences: tuple[str, ...]
    status: int = 200

    def html(self) -> str:
        """Return the whole page."""
        text = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)
        heading = escape(self.heading)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{heading}</title><style>{_STYLE}</style></head>"
            f'<body><main role="status"><h1>{heading}</h1>{text}</main></body></html>'
        )


_TERMINAL = "You can close this page and go back to the terminal."
ARRIVED = Page("The sign-in has arrived", ("The operator is at work with it. The terminal says what comes of it.",))
STRAY = Page(
    "This page belongs to another sign-in",
    (
        "Nothing was changed. The command in the terminal waits for the sign-in that it opened itself.",
        "Close this page, and open the address that the terminal shows.",
    ),
    status=400,
)
NOT_HERE = Page("There is nothing here", ("Open the address that the terminal shows.",), status=404)
ENDED = Page("The command has ended", ("Nothing was signed in. Run it again to sign in.",))


def signed_in(client: str, subject: str) -> Page:
    """Return the page of a sign-in that the operator has made a token from."""
    return Page("Signed in", (f"{client} has a token now{f', signed in as {subject}' if subject else ''}.", _TERMINAL))


def not_signed_in(message: str, remedy: str) -> Page:
    """Return the page of a sign-in that came to nothing."""
    return Page("Not signed in", tuple(filter(None, (message, remedy, _TERMINAL))))
