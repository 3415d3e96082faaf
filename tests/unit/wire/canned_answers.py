"""Canned answers for the tests of this folder."""

import json
from datetime import UTC, datetime, timedelta

from citrix_oauth_operator.domain.answers import Answer
from citrix_oauth_operator.domain.catalogue import Catalogue
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_answer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DEFAULT = timedelta(minutes=30)
AT, RT = "CANARY-at", "CANARY-rt"
GOOD: dict[str, object] = {"access_token": AT, "token_type": "Bearer", "expires_in": 1800, "refresh_token": RT}


def raw(body: object, status: int = 200, sent_id: str | None = None, **headers: str) -> RawAnswer:
    """Make an answer from bytes, or from what becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawAnswer(status, named, content, transaction_id=sent_id)


def read(body: object, status: int = 200, sent_id: str | None = None, **headers: str) -> Answer:
    """Read such an answer, as a server does whose catalogue knows one code better."""
    catalogue = Catalogue({"invalid_client": "look at the console"})
    answer = raw(body, status, sent_id, **headers)
    return read_answer(answer, default_lifetime=DEFAULT, catalogue=catalogue, now=NOW)
