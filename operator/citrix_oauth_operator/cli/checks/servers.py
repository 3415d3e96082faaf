"""Whether an authorization server is reached from here, and whose clock is right; no credential is ever sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.durations import words
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.wire.transport import Transport

from .finding import Finding, Result, failed, ok

LARGEST_SKEW = timedelta(seconds=60)


async def check_endpoint(transport: Transport, about: str, token_url: str, reach: Reach) -> list[Finding]:
    """Open the connection that a refresh would open (address, TLS, CA), and get the root page of that host."""
    parts = urlsplit(token_url)
    answer = await transport.get_json(urlunsplit((parts.scheme, parts.netloc, "/", "", "")), {}, reach)
    if isinstance(answer, NotSent):
        return [failed("server", about, answer.problem)]
    reached = ok("server", about, f"{parts.netloc} is reached from here over {parts.scheme}.")
    if isinstance(answer, Uncertain):
        return [reached]
    return [reached, _clock(about, answer.headers.get("date", ""), datetime.now(UTC))]


def _clock(about: str, date: str, now: datetime) -> Finding:
    try:
        theirs = parsedate_to_datetime(date)
        skew = abs(now - theirs)
    except (ValueError, TypeError):  # no date, or one without a zone
        return Finding("clock", about, Result.WARN, "The server does not tell its time.", "Compare the clocks by hand.")
    if skew <= LARGEST_SKEW:
        return ok("clock", about, "Within a minute of the server's.")
    ahead = "ahead of" if now > theirs else "behind"
    return Finding(
        "clock",
        about,
        Result.WARN,
        f"The clock of this machine is {words(skew)} {ahead} the server's.",
        "Let both follow NTP; where the operator runs, expiry is counted on its clock.",
    )
