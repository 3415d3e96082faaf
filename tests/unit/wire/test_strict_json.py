"""Reading JSON objects from strangers."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citrix_oauth_operator.wire.strict_json import parse_object

SETTLED = settings(deadline=None, derandomize=True)
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b'["refresh_token"]', id="an array"),
        pytest.param(b'"text"', id="a string"),
        pytest.param(b'{"a": 1', id="a truncated object"),
        pytest.param(b'{"a": 1} x', id="something behind the object"),
        pytest.param(b"access_token=CANARY&token_type=bearer", id="a form"),
        pytest.param(b"<html></html>", id="a page"),
        pytest.param('{"a": "\u00e9"}'.encode("latin-1"), id="Latin-1"),
        pytest.param('{"a": "b"}'.encode("utf-16"), id="UTF-16 with its mark"),
        pytest.param('{"a": "b"}'.encode("utf-16-le"), id="UTF-16 without its mark"),
        pytest.param(DEEP, id="deep arrays that never end"),
        pytest.param(DEEP + b"]" * 100_000, id="deep arrays at the top"),
        pytest.param(b'{"a":' + DEEP, id="an object that ends in deep arrays"),
        pytest.param(b'{"a":' * 50_000, id="deep objects that never end"),
    ],
)
def test_what_is_no_object_is_none(body: bytes) -> None:
    """The caller's only question is whether there is an object."""
    assert parse_object(body) is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'\xef\xbb\xbf{"a": "x"}', "x", id="a byte order mark is skipped"),
        pytest.param(b'{"a": "x", "a": "y"}', "y", id="the last of two equal names counts"),
        pytest.param(b'{"a": NaN}', None, id="NaN is null"),
        pytest.param(b'{"a": -Infinity}', None, id="an infinity is null"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", math.inf, id="5,000 digits are an infinity"),
        pytest.param(b'{"a": -' + b"9" * 5000 + b"}", -math.inf, id="5,000 digits below zero, too"),
        pytest.param(b'{"a": 1e999}', math.inf, id="a float beyond floats"),
        pytest.param(b'{"a": 1800}', 1800, id="an ordinary number stays one"),
        pytest.param(b'{"b": ' + DEEP + b"]" * 100_000 + b', "a": "x"}', "x", id="members behind a deep one survive"),
        pytest.param(
            b'{"a": "x", "b": ' + b'{"c":' * 50_000 + b"1" + b"}" * 50_001, "x", id="members before a deep one"
        ),
        pytest.param(
            b'{"b": ' + DEEP + b'"]}\\"[{"' + b"]" * 100_000 + b', "a": "[x]"}',
            "[x]",
            id="brackets in strings are no brackets",
        ),
    ],
)
def test_an_odd_corner_costs_nothing_beside_it(body: bytes, value: object) -> None:
    """The member that matters survives its neighbours."""
    document = parse_object(body)
    assert document is not None
    assert document.members["a"] == value


def test_only_names_repeated_at_the_top_are_remembered() -> None:
    """What a nested object repeats says nothing about the tokens."""
    document = parse_object(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 2, "d": [{"e": 1, "e": 2}]}')
    assert document is not None
    assert document.repeated == {"a"}


def test_quotes_without_an_end_are_read_in_linear_time() -> None:
    """A quadratic scan of this body would take hours; the run's time limit is the judge."""
    assert parse_object(b'{"a": ' + b"[" * 20_000 + b'"\\' * 110_000) is None


@SETTLED
@given(
    st.binary(max_size=300) | st.recursive(st.text() | st.integers() | st.floats(), st.lists).map(repr).map(str.encode)
)
def test_no_bytes_raise(body: bytes) -> None:
    """Whatever comes."""
    parse_object(body)


@SETTLED
@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text()))
def test_a_proper_object_is_read_as_it_is(members: dict[str, object]) -> None:
    """The strictness changes nothing for proper servers."""
    document = parse_object(json.dumps(members).encode())
    assert document is not None
    assert document.members == members
    assert not document.repeated
