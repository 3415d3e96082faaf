"""Servers, names and certificates for the transport's tests."""

import ipaddress
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import trustme

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.transport import Transport
from tests.standins.token_endpoint import TokenEndpoint

LOOPBACK = Reach(allowed_addresses=(ipaddress.ip_network("127.0.0.0/8"),))
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
BODY = b"grant_type=refresh_token&refresh_token=CANARY-rt"
LONG_AGO = datetime(2001, 1, 2, tzinfo=UTC)


async def post(
    url: str, *, reach: Reach = LOOPBACK, transport: Transport | None = None
) -> RawAnswer | NotSent | Uncertain:
    """Post the canary."""
    return await (transport or Transport(deadline=20)).post_form(url, BODY, FORM, reach)


class Resolver:
    """Answers from a script, the last answer for ever; an address that a name may change to is a rebinding."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Resolve."""
        assert port > 0
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Certified(TokenEndpoint):
    """A TLS server with a certificate that the test chooses."""

    def __init__(self, *names: str, expired: bool = False, old_tls: bool = False) -> None:
        self._names, self._expired, self._old_tls = names, expired, old_tls
        super().__init__(tls=True)

    def _certify(self) -> ssl.SSLContext:
        authority = trustme.CA()
        self.ca_pem = authority.cert_pem.bytes()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._names, not_after=LONG_AGO if self._expired else None).configure_cert(context)
        if self._old_tls:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context


def trusting(endpoint: TokenEndpoint) -> Reach:
    """Reach loopback and trust the endpoint's CA."""
    return replace(LOOPBACK, ca_bundle=endpoint.ca_pem.decode())
