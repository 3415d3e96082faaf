"""Fixtures of all unit tests: a leak of a token into a log fails the test that caused it."""

import logging
from collections.abc import Iterator

import pytest

CANARY = "CANARY"


def leaks(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log lines of the running test that hold a token; every fake token contains CANARY."""
    records = caplog.get_records("call")  # caplog.text is already empty during teardown
    return [line for line in map(caplog.handler.format, records) if CANARY in line]


@pytest.fixture(autouse=True)
def no_token_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Listen to every logger at DEBUG, traceback texts included."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not leaks(caplog), "a token was logged"
