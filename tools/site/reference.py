"""The reference page of each kind, made from its CRD: `python -m tools.site.reference` writes docs/reference/."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.site.markdown import ROOT

Schema = dict[str, Any]
FOLDER = ROOT / "docs/reference"
CRDS = {"citrixclient": "citrixclients.yaml", "authorizationserver": "authorizationservers.yaml"}
_MORE = {
    "citrixclient": "[what it is for, how to write one, and what goes wrong](../citrixclient.md)",
    "authorizationserver": "[what it is for, and for the platform's admin](../authorizationserver.md)",
}


def page(kind: str) -> str:
    """Return the page of a kind, named as its file is."""
    crd = yaml.safe_load((ROOT / "crds" / CRDS[kind]).read_text())["spec"]
    (version,) = crd["versions"]
    names, schema = crd["names"], version["schema"]["openAPIV3Schema"]
    lines = [
        f"# {names['kind']}, field by field",
        "",
        f"<!-- made from crds/{CRDS[kind]} by `python -m tools.site.reference` -->",
        "",
        schema["description"],
        "",
        f"Read first: {_MORE[kind]}.",
        "",
        f"- `apiVersion: {crd['group']}/{version['name']}`, `kind: {names['kind']}`, {crd['scope'].lower()}",
        f"- for kubectl: {', '.join(f'`{name}`' for name in (names['plural'], *names['shortNames']))}",
        f"- in a terminal: `kubectl explain {names['singular']}.spec --recursive`",
        "",
    ]
    for part in ("spec", "status"):
        lines += _section(part, schema["properties"][part])
    return "\n".join([*lines, *_columns(version["additionalPrinterColumns"])])


def _section(path: str, schema: Schema, level: str = "##") -> Iterator[str]:
    """Yield an object's own fields, then the sections of the objects in it."""
    required = set(schema.get("required", ()))
    yield from (f"{level} {path}", "", schema.get("description", ""), "")
    yield from ("| field | type | meaning |", "| --- | --- | --- |")
    nested: list[tuple[str, Schema]] = []
    for name, field in schema["properties"].items():
        inner = field if "properties" in field else field.get("items", {})
        below = f"{path}.{name}{'[]' if inner is not field else ''}"
        if "properties" in inner:
            nested.append((below, inner))
            link = f" Fields: [{below}](#{''.join(one for one in below.lower() if one.isalnum())})."
        else:
            link = ""
        must = ", **required**" if name in required else ""
        yield f"| `{name}` | {_type(field)}{must} | {_cell(field.get('description', ''))}{link}{_facts(field)} |"
    yield ""
    yield from _rules(schema)
    for below, inner in nested:
        yield from _section(below, inner, "###")


def _type(schema: Schema) -> str:
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'])}"
        case "object" if "additionalProperties" in schema:
            return f"map of {_type(schema['additionalProperties'])}"
        case "integer" if "maximum" in schema:
            return f"integer, {schema['minimum']} to {schema['maximum']}"
        case known:
            return {"date-time": "time", "byte": "base64"}.get(schema.get("format", ""), known or "any")


def _facts(field: Schema) -> str:
    """What the API server checks or fills in, as sentences that begin with a space, unless the description says so."""
    said, facts = field.get("description", ""), []
    unsaid = [value for value in field.get("enum", ()) if value not in said]
    if unsaid:
        facts.append("One of " + ", ".join(f"`{value}`" for value in field["enum"]) + ".")
    if "default" in field and "Default:" not in said and field["default"] != {}:
        facts.append(f"Default: `{json.dumps(field['default']).strip(chr(34))}`.")
    return "".join(f" {fact}" for fact in facts)


def _rules(schema: Schema) -> Iterator[str]:
    """What is refused at `kubectl apply`, in the words the API server then uses."""
    rules = [rule["message"] for rule in schema.get("x-kubernetes-validations", ()) if "message" in rule]
    if rules:
        yield from ("Refused with these words where fields do not go together:", "")
        yield from (f"- {_text(message)}" for message in rules)
        yield ""


def _columns(columns: list[Schema]) -> Iterator[str]:
    yield from ("## Columns of kubectl get", "", "| column | shown | meaning |", "| --- | --- | --- |")
    for column in columns:
        shown = "with `-o wide`" if column.get("priority") else "always"
        meaning = _cell(column.get("description", "Time since it was created."))
        yield f"| {column['name'].upper()} | {shown} | {meaning} |"
    yield ""


def _text(text: str) -> str:
    """Our descriptions are plain text, with code in backticks: what else Markdown would take for its own is marked."""
    parts = " ".join(text.split()).split("`")
    return "`".join(part if number % 2 else re.sub(r"([*<])", r"\\\1", part) for number, part in enumerate(parts))


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def write(folder: Path = FOLDER) -> None:
    """Write both pages."""
    folder.mkdir(exist_ok=True)
    for kind in CRDS:
        (folder / f"{kind}.md").write_text(page(kind))


if __name__ == "__main__":
    write()
