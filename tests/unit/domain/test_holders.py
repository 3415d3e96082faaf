"""Every type that can hold a token is found by its fields, and none of them lets it out."""

import copy
import dataclasses
import importlib
import json
import pickle
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import citrix_oauth_operator
from citrix_oauth_operator.domain.model import Grant, Token
from citrix_oauth_operator.domain.observed import Inputs, Observed
from citrix_oauth_operator.domain.outcome import Outcome
from citrix_oauth_operator.domain.secrecy import SecretText, StaysHere
from citrix_oauth_operator.kube.grant_store import Stored
from citrix_oauth_operator.spill import Spilled
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.strict_json import Document
from citrix_oauth_operator.wire.token_endpoint import TokenRequest

CANARY = "CANARY-held"


def _classes() -> Iterator[type]:
    """Return all dataclasses of the package."""
    prefix = f"{citrix_oauth_operator.__name__}."
    for found in pkgutil.walk_packages(citrix_oauth_operator.__path__, prefix):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        types_in = (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == found.name)
        yield from filter(dataclasses.is_dataclass, types_in)


def _hints(kind: type) -> dict[str, Any]:
    """Return the types of its fields; empty where they cannot be looked up."""
    try:
        return {f.name: typing.get_type_hints(kind)[f.name] for f in dataclasses.fields(kind) if f.init}
    except NameError:
        return {}


def _parts(hint: Any) -> Iterator[Any]:  # noqa: ANN401 - a type hint
    """Return the classes that a hint is made of; what a function takes is not in it."""
    if typing.get_origin(hint) is Callable:
        return
    yield hint
    for part in typing.get_args(hint):
        yield from _parts(part)


def _holds(kind: type, seen: frozenset[type] = frozenset()) -> bool:
    """Whether a token can be in it, however deep: as SecretText, or in the bytes of a message."""
    for hint in _hints(kind).values():
        for part in _parts(hint):
            if part is SecretText or part is bytes:
                return True
            nested = isinstance(part, type) and dataclasses.is_dataclass(part) and part not in seen
            if nested and _holds(part, seen | {kind}):
                return True
    return False


def _values(name: str, hint: Any) -> Any:  # noqa: ANN401 - a value for any hint
    """Return a value of a type, with a token wherever one can be."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        options = [arg for arg in args if arg is not type(None)]
        best = next((a for a in options if isinstance(a, type) and (a is SecretText or _is_holder(a))), options[0])
        return _values(name, best)
    if origin is tuple:
        return tuple(_values(name, arg) for arg in args if arg is not Ellipsis)
    if origin is not None and issubclass(origin, Mapping):
        return {"member": CANARY} if name in {"headers", "members"} else {}
    if origin is not None:
        return None if origin is Callable else origin()
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint(**{field: _values(field, inner) for field, inner in _hints(hint).items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    simple: dict[Any, Any] = {
        SecretText: SecretText(CANARY), bytes: CANARY.encode(), str: "text", int: 1, float: 1.0, bool: True,
        datetime: datetime(2026, 3, 1, tzinfo=UTC), timedelta: timedelta(1), Path: Path("/x"),
    }  # fmt: skip
    return simple.get(hint)


def _is_holder(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) and _holds(kind)


HOLDERS = sorted(
    {kind for kind in _classes() if _holds(kind) or issubclass(kind, StaysHere)} - {SecretText},
    key=lambda kind: kind.__qualname__,
)


def test_the_holders_that_everybody_knows_are_found() -> None:
    """The walk looks into modules, unions and nested types."""
    known = {Token, Grant, Inputs, Observed, Outcome, Stored, Spilled, RawAnswer, TokenRequest, Document}
    assert known <= set(HOLDERS)


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: kind.__qualname__)
def test_a_holder_shows_no_token(kind: type) -> None:
    """Nor do a list of it, a log line, or JSON with a careless default."""
    one = _values("", kind)
    shown = [str(one), repr(one), f"{one}", f"{one!s:>9}", f"{[one]}", "%s" % (one,), json.dumps([one], default=str)]  # noqa: UP031
    assert not [text for text in shown if CANARY in text]


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: kind.__qualname__)
def test_a_holder_of_a_token_cannot_be_taken_out(kind: type) -> None:
    """Pickled, copied deeply or made a dict of."""
    one = _values("", kind)
    for take in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            take(one)
        assert CANARY not in str(caught.value)


DIRECT = [kind for kind in HOLDERS if any(p is SecretText for hint in _hints(kind).values() for p in _parts(hint))]


@pytest.mark.parametrize("kind", DIRECT, ids=lambda kind: kind.__qualname__)
def test_a_dict_of_a_holder_is_refused(kind: type) -> None:
    """`asdict` copies deeply: it fails at the SecretText."""
    with pytest.raises(TypeError):
        dataclasses.asdict(_values("", kind))
