"""What nobody caught is logged with its place and its type, and never with a text that is not ours."""

import logging
import subprocess
import sys

import pytest

from citrix_oauth_operator.domain.errors import ApiError
from citrix_oauth_operator.logs import BareFormatter
from tests.unit.test_process import ROOT

HEAD = """
import asyncio, gc, threading
from citrix_oauth_operator.logs import catch_the_rest, configure_logging, in_the_loop
configure_logging({0!r}, "debug")
catch_the_rest()

def fail(*_):
    int("CANARY-in-a-text")
"""

TASK = """
async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(in_the_loop)
    async def work():
        try:
            fail()
        except ValueError as error:
            raise ExceptionGroup("CANARY-group", [RuntimeError("CANARY-inner")]) from error
    task = asyncio.create_task(work(), name="the work")
    await asyncio.sleep(0)
    del task
    gc.collect()
    loop.call_soon(fail, "CANARY-argument")
    await asyncio.sleep(0)
asyncio.run(main())
"""

ITERATOR = """
kept = []
async def main():
    asyncio.get_running_loop().set_exception_handler(in_the_loop)
    async def numbers():
        try:
            yield 1
        finally:
            fail()
    kept.append(numbers())
    async for number in kept[0]:
        break
asyncio.run(main())
"""

THREAD = """
thread = threading.Thread(target=fail, name="x")
thread.start()
thread.join()
"""

UNRAISABLE = """
class Gone:
    def __del__(self):
        fail()
Gone()
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize(
    ("code", "types"),
    [
        pytest.param(TASK, ("ExceptionGroup", "RuntimeError", "ValueError", "the work"), id="a task and a callback"),
        pytest.param(THREAD, ("ValueError",), id="a thread"),
        pytest.param(UNRAISABLE, ("ValueError",), id="a destructor"),
        pytest.param("fail()", ("ValueError",), id="the process itself"),
    ],
)
def test_no_text_of_a_strange_exception_is_printed(code: str, types: tuple[str, ...], log_format: str) -> None:
    """Wherever it surfaces; where it happened and of which type it is stays to be seen."""
    source = HEAD.format(log_format) + code
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=False)
    told = done.stdout + done.stderr
    assert "CANARY" not in told.replace(code, "")
    assert [word for word in (*types, "Traceback", "in fail") if word not in told] == []


def test_an_iterator_that_fails_as_it_is_thrown_away_alarms_nobody() -> None:
    """Kopf's over a broken watch does at times, as the process ends."""
    source = HEAD.replace('"debug"', '"info"').format("text") + ITERATOR
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout + done.stderr == ""


def test_our_own_exceptions_keep_their_words() -> None:
    """They are fixed."""
    error = ApiError(503)
    error.__cause__ = KeyError("CANARY-key")
    told = BareFormatter().format(logging.LogRecord("x", logging.ERROR, "", 0, "m", None, (ApiError, error, None)))
    assert "ApiError: API server answered 503" in told
    assert "KeyError (its text is not shown)" in told
    assert "CANARY" not in told
