"""Whether the authorization server would show a sign-in page at all: asked before a person is sent there.

Some refusals never come back to the redirect URI: the server shows them to the person, on a page of its own.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urljoin, urlsplit

from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.wire.documents import DocumentTransport
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.refusals import is_citrix_page, transaction_id

from .attempt import Attempt, Wanted
from .callback import Declined, declined

_REFUSED = frozenset({400, 404})  # 401, 403 and 5xx may be about us who ask: the browser may fare better
_REDIRECTS = frozenset({302, 303, 307})


async def refusal(transport: DocumentTransport, wanted: Wanted, reach: Reach) -> Declined | None:
    """Return why a sign-in could not begin; None when it could, and when that cannot be told from here."""
    url = Attempt.begin(wanted).url
    answer = await _page(transport, url, reach)
    if answer is None or answer.status not in _REDIRECTS:
        return _judged(answer, wanted)
    target = urljoin(url, answer.headers.get("location", ""))
    if target.startswith(wanted.redirect_uri):
        error = parse_qs(urlsplit(target).query).get("error")
        return declined(error[0]) if error else None
    if "error" in urlsplit(target).path.lower() and urlsplit(target).netloc == urlsplit(url).netloc:
        return _error_page(await _page(transport, target, reach) or answer, wanted)
    return None


async def _page(transport: DocumentTransport, url: str, reach: Reach) -> RawAnswer | None:
    answer = await transport.get_json(url, {"Accept": "text/html"}, reach)
    return answer if isinstance(answer, RawAnswer) else None


def _judged(answer: RawAnswer | None, wanted: Wanted) -> Declined | None:
    if answer is None or (answer.status not in _REFUSED and not is_citrix_page(answer)):
        return None
    return _error_page(answer, wanted)


def _error_page(answer: RawAnswer, wanted: Wanted) -> Declined:
    identity = transaction_id(answer)
    told = f" (transaction id {identity})" if identity else ""
    return Declined(
        "",
        f"The authorization server shows an error page instead of a sign-in{told}.",
        f"{POSSIBLE_CAUSES.format(redirect_uri=wanted.redirect_uri)} The vendor's support asks for the transaction id.",
    )


POSSIBLE_CAUSES = (
    "One of these: the redirect URI {redirect_uri} is not in the client's registration, exactly as written here; the"
    " client is disabled, or spec.clientID is not its id; offline_access is asked for and not enabled for it."
)
