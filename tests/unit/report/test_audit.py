"""The audit log: fixed names, one line an event, in both formats and at every level."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.logs import AUDIT, QUIET, configure_logging
from citrix_oauth_operator.report.audit import TOLD_ONCE, Event, of_grant, tell
from tests.unit.examples import GRANT, REF

PAGE = (Path(__file__).parents[3] / "docs/audit.md").read_text()


Err = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    names = ("", AUDIT, "citrix_oauth_operator", *QUIET)
    before = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_it_speaks_at_every_log_level(level: str, capsys: Err) -> None:
    """Good news of security is news."""
    configure_logging("text", level)
    tell(Event.SEED_ADOPTED, REF, **of_grant(GRANT))
    assert "audit SeedAdopted client=team-a/reports chain=chain-1 seq=7 token=" in capsys.readouterr().err


def test_in_json_each_field_is_a_key(capsys: Err) -> None:
    """As log collectors want it; what is not known is left out."""
    configure_logging("json", "info")
    tell(Event.LEADERSHIP_GAINED, lease="citrix-oauth", holder="pod:1", reason=None)
    entry = json.loads(capsys.readouterr().err)
    assert entry.items() >= {"event": "LeadershipGained", "lease": "citrix-oauth", "holder": "pod:1"}.items()
    assert entry["logger"] == AUDIT
    assert not {"client", "reason"} & set(entry)


def test_a_value_cannot_pretend_to_be_another_field(capsys: Err) -> None:
    """Spaces, quotes, equal signs and line breaks are quoted."""
    configure_logging("text", "info")
    tell(Reason.GRANT_REJECTED, ClientRef("a", "b", "c"), serverCode='x event="ok"\nseq=1')
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(r'serverCode="x event=\"ok\"\nseq=1"')


def test_every_event_is_documented() -> None:
    """And the document names no other."""
    rows = "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == {*map(str, Event), *map(str, TOLD_ONCE)}


def test_of_a_refresh_token_eight_digits_are_told() -> None:
    """The same as its intent shows."""
    assert of_grant(GRANT)["token"] == GRANT.refresh_token.fingerprint()
    assert of_grant(None) == {}
