"""For every limit in the schemas, an object that is just beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.integration.crd_objects import Object, client, server
from tests.integration.crd_schema import Field, fields

BASES: dict[str, Callable[[], Object]] = {"CitrixClient": client, "AuthorizationServer": server}


class Limit(NamedTuple):
    """An object with one value beyond a limit, the field to be named, and the server's words for it."""

    sentence: str
    body: Object
    field: str
    words: str


def limits(kind: str) -> Iterator[Limit]:
    """Yield one object for each limit in the spec of a kind."""
    for field in fields(kind):
        if field.steps[:1] != ("spec",) or len(field.steps) == 1:
            continue
        for name, value, words in _beyond(field.schema):
            body = BASES[kind]()
            body["spec"] |= _placed(field, value)
            yield Limit(f"{kind} {'.'.join(map(str, field.steps))} beyond its {name}", body, field.path, words)


def _beyond(schema: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield (limit, value beyond it, the server's words)."""
    for name, bound in schema.items():
        match name:
            case "maxLength":
                yield name, "a" * (bound + 4), f"may not be more than {bound} bytes"  # 4: also whole base64
            case "minLength":
                yield name, "", f"at least {bound} chars"
            case "maxItems":
                yield name, [_item(schema, number) for number in range(bound + 1)], f"at most {bound} items"
            case "minItems":
                yield name, [], f"at least {bound} items"
            case "maxProperties":
                yield name, {f"k{number}": "v" for number in range(bound + 1)}, f"at most {bound} items"
            case "enum":
                yield name, "Nonsense", f'supported values: "{bound[0]}"'
            case "minimum":
                yield name, bound - 1, f"greater than or equal to {bound}"
            case "maximum":
                yield name, bound + 1, f"less than or equal to {bound}"


def _item(schema: dict[str, Any], number: int) -> object:
    return {} if schema["items"]["type"] == "object" else f"a{number}"


def _placed(field: Field, value: object) -> Object:
    """Put the value where the field is, seen from the spec."""
    for step in reversed(field.steps[1:]):
        value = [value] if step == 0 else {"k" if step == "*" else step: value}
    assert isinstance(value, dict)
    return value
