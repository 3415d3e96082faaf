"""Read fields of an object that the API server has already checked, without trusting that it did."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


class FieldError(ValueError):
    """A field of a resource is wrong; the text names the field and the remedy, never a value.

    Attributes:
        others: further fields that are wrong.
    """

    def __init__(self, path: str, flaw: str, remedy: str, others: tuple[FieldError, ...] = ()) -> None:
        super().__init__(f"{path} {flaw}")
        self.path, self.flaw, self.remedy, self.others = path, flaw, remedy, others


class Fields:
    """Typed access to one mapping of a spec; a wrong field is noted, read as absent, and told by `check`.

    Whoever corrects an object learns of everything that is wrong with it at once.
    """

    def __init__(self, content: object, prefix: str = "spec", flaws: list[FieldError] | None = None) -> None:
        self._prefix, self._flaws = prefix, [] if flaws is None else flaws
        self._content: Mapping[str, object] = content if isinstance(content, Mapping) else {}
        if not isinstance(content, Mapping):
            self.note(prefix, "is not an object", "see `kubectl explain`")

    def note(self, path: str, flaw: str, remedy: str) -> None:
        """Remember that a field is wrong."""
        if all(known.path != path for known in self._flaws):
            self._flaws.append(FieldError(path, flaw, remedy))

    def note_all(self, error: FieldError) -> None:
        """Remember what another reader of the same object has raised."""
        for flaw in (error, *error.others):
            self.note(flaw.path, flaw.flaw, flaw.remedy)

    def check(self) -> None:
        """Raise what was noted.

        Raises:
            FieldError: the first of all flaws, with the others.
        """
        if self._flaws:
            first, *others = self._flaws
            raise FieldError(first.path, first.flaw, first.remedy, tuple(others))

    def path(self, key: str) -> str:
        """Return the full path of a field, as a person writes it."""
        return f"{self._prefix}.{key}"

    def sub(self, key: str) -> Fields:
        """Return the fields below `key`; empty when it is absent."""
        return Fields(self._content.get(key) or {}, self.path(key), self._flaws)

    def entry(self, key: str, content: object) -> Fields:
        """Return the fields of one entry of the list `key`."""
        return Fields(content, self.path(key), self._flaws)

    def has(self, key: str) -> bool:
        """Whether the field is set to anything but null."""
        return self._content.get(key) is not None

    def text(self, key: str) -> str | None:
        """Return a string field."""
        return self._typed(key, str, "a string")

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean field."""
        value = self._typed(key, bool, "true or false")
        return default if value is None else value

    def number(self, key: str, default: int) -> int:
        """Return an integer field."""
        value = self._typed(key, int, "a whole number")
        return default if value is None else value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        values = self._typed(key, list, "a list of strings") or []
        if not all(isinstance(value, str) for value in values):
            self.note(self.path(key), "is not a list of strings", "see `kubectl explain`")
            return ()
        return tuple(values)

    def mapping(self, key: str) -> Mapping[str, object]:
        """Return an object field as it is; empty when it is absent."""
        return self._typed(key, dict, "an object") or {}

    def text_map(self, key: str) -> dict[str, str]:
        """Return an object field whose values are strings; empty when it is absent."""
        texts = {name: value for name, value in self.mapping(key).items() if isinstance(value, str)}
        if len(texts) != len(self.mapping(key)):
            self.note(self.path(key), "holds something else than strings", "put numbers and booleans in quotes")
        return texts

    def enum(self, key: str, kind: type[E], default: E, *, required: bool = False) -> E:
        """Return one of an enumeration's values; `default` also where it is none of them."""
        value = self.text(key)
        if value in set(kind):
            return kind(value)
        if value is not None or required:
            self.note(self.path(key), "is not one of its values", f"use one of {', '.join(kind)}")
        return default

    def _typed(self, key: str, kind: type[T], words: str) -> T | None:
        value = self._content.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.note(self.path(key), f"is not {words}", "see `kubectl explain`")
            return None
        return value
