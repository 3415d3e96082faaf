"""Links and headings of Markdown pages, as Git hosts understand them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]*)(#[^)\s]*)?(?=\))")
_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$", re.MULTILINE)
_NO_SLUG = re.compile(r"[^\w\- ]")


def links(text: str) -> Iterator[tuple[str, str]]:
    """Yield the relative links outside of code: the target ("" for the page itself) and the anchor ("" for none)."""
    for match in _LINK.finditer(_FENCE.sub("", text)):
        yield match[1], (match[2] or "")[1:]


def with_links(text: str, change: Callable[[str], str]) -> str:
    """Return the page with each relative target changed, but not in code blocks."""
    parts: list[str] = []
    end = 0
    for fence in _FENCE.finditer(text):
        parts += [_changed(text[end : fence.start()], change), fence[0]]
        end = fence.end()
    return "".join([*parts, _changed(text[end:], change)])


def _changed(text: str, change: Callable[[str], str]) -> str:
    return _LINK.sub(lambda match: change(match[1]) + (match[2] or ""), text)


def anchors(text: str) -> set[str]:
    """Return the anchors that a Git host gives to the headings."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = _NO_SLUG.sub("", plain.lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(numbered)
    return found
