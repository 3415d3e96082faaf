"""Tests that pages name: `path::function`, or `path::function[id]`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def there_is(named: str) -> bool:
    """Whether a test of that name is there; of a case, whether its id stands in the file, too."""
    path, _, name = named.partition("::")
    function, _, case = name.rstrip("]").partition("[")
    if not (ROOT / path).is_file():
        return False
    text = (ROOT / path).read_text()
    return bool(re.search(rf"^(?:async )?def {function}\(", text, re.MULTILINE)) and (not case or f'"{case}"' in text)
