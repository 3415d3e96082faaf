"""A SecretText shows itself to nobody who did not ask for it by name."""

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable

import pytest

from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.secrecy import SecretText
from tests.unit.conftest import leaks
from tests.unit.examples import GRANT, INPUTS, TOKEN, WELL
from tests.unit.token_server import LIFE

SECRET = SecretText("CANARY-secret")


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(str, id="str"),
        pytest.param(repr, id="repr"),
        pytest.param(ascii, id="ascii"),
        pytest.param(pprint.pformat, id="pprint"),
        pytest.param("{}".format, id="format"),
        pytest.param("{!r:>40}".format, id="format with a width"),
        pytest.param(lambda secret: f"{secret} {secret!s} {secret:>40}", id="f-string"),
        pytest.param(lambda secret: "%s %r" % (secret, secret), id="percent"),  # noqa: UP031 - the old way, too
        pytest.param(lambda secret: repr({"a": [secret]}), id="inside containers"),
        pytest.param(lambda secret: "".join(traceback.format_exception(ValueError(secret))), id="an exception"),
        pytest.param(lambda secret: json.dumps({"a": secret}, default=str), id="json with a careless default"),
    ],
)
def test_showing_shows_a_mask(show: Callable[[object], str]) -> None:
    """Whatever prints it."""
    assert "CANARY" not in show(SECRET)


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(json.dumps, id="json"),
        pytest.param(vars, id="vars"),
        pytest.param(len, id="len"),
        pytest.param("".join, id="join"),
        pytest.param(lambda secret: "Bearer " + secret, id="concatenation"),
        pytest.param(lambda _: dataclasses.asdict(TOKEN), id="asdict of a token"),
        pytest.param(lambda _: pickle.dumps(GRANT), id="pickle of a grant"),
    ],
)
def test_taking_it_out_fails(take: Callable[[object], object]) -> None:
    """It never leaves the process by accident."""
    with pytest.raises(TypeError) as caught:
        take(SECRET)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("value", [GRANT, TOKEN, INPUTS, WELL, Granted(SECRET, LIFE, SECRET)], ids=type)
def test_values_that_hold_tokens_print_none(value: object) -> None:
    """The dataclasses around it."""
    assert "CANARY" not in f"{value} {value!r}"


def test_it_compares_hashes_and_is_true_by_its_value() -> None:
    """And by nothing else."""
    assert SecretText("CANARY-secret") == SECRET
    assert SecretText("CANARY-other") != SECRET
    assert SECRET != "CANARY-secret"
    assert {SECRET: 1}[SecretText("CANARY-secret")] == 1
    assert not SecretText("")
    assert hash(SECRET) != hash("CANARY-secret")


def test_its_fingerprint_is_a_sha_256() -> None:
    """The claim of a seed is named after it."""
    assert SecretText("abc").fingerprint(64) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert SecretText("abc").fingerprint() == "ba7816bf"


def _leak(how: str, log: logging.Logger) -> None:
    if how == "traceback":
        try:
            int(SECRET.reveal())
        except ValueError:
            log.exception("failed")
    else:
        log.log(logging.DEBUG if how == "debug" else logging.WARNING, "token %s", SECRET.reveal())


@pytest.mark.parametrize("how", ["debug", "warning", "traceback"])
def test_the_canary_sings(how: str, caplog: pytest.LogCaptureFixture) -> None:
    """The fixture that fails leaking tests finds each kind of leak."""
    _leak(how, logging.getLogger("leak"))
    assert leaks(caplog)
    caplog.clear()
    assert not leaks(caplog)
