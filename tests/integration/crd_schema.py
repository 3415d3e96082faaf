"""Walk the schemas of the CRDs, so that tests can ask about every field instead of a list that ages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CRDS = Path(__file__).resolve().parents[2] / "crds"
KINDS = ("CitrixClient", "AuthorizationServer")


class Rule(NamedTuple):
    """One CEL rule: the field it reports and what it says."""

    kind: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Field:
    """One node of a schema; `path` is as an error message names it, `steps` lead there (0: an item, '*': a value)."""

    kind: str
    steps: tuple[str | int, ...]
    schema: dict[str, Any]

    @property
    def path(self) -> str:
        """Names joined by dots; items and values of maps count as the list or map they are in."""
        return ".".join(step for step in self.steps if isinstance(step, str) and step != "*")

    @property
    def named(self) -> bool:
        """Whether `kubectl explain` knows it by a name of its own."""
        return bool(self.steps) and isinstance(self.steps[-1], str) and self.steps[-1] != "*"


def definition(kind: str) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind, as it is in the repository."""
    document: dict[str, Any] = yaml.safe_load((CRDS / f"{kind.lower()}s.yaml").read_text())
    return document


def version(kind: str) -> dict[str, Any]:
    """Return the only version of a kind."""
    (only,) = definition(kind)["spec"]["versions"]
    return dict(only)


def fields(kind: str) -> list[Field]:
    """Return every node below the root of a kind's schema, and the root itself."""
    return list(_walk(kind, (), version(kind)["schema"]["openAPIV3Schema"]))


def rules(kind: str) -> Iterator[Rule]:
    """Return every CEL rule of a kind."""
    for field in fields(kind):
        for rule in field.schema.get("x-kubernetes-validations", []):
            yield Rule(kind, f"{field.path}{rule.get('fieldPath', '')}".lstrip("."), rule["message"])


def _walk(kind: str, steps: tuple[str | int, ...], schema: dict[str, Any]) -> Iterator[Field]:
    yield Field(kind, steps, schema)
    for name, child in schema.get("properties", {}).items():
        yield from _walk(kind, (*steps, name), child)
    if "items" in schema:
        yield from _walk(kind, (*steps, 0), schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _walk(kind, (*steps, "*"), schema["additionalProperties"])
