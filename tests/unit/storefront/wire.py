"""The stand-in StoreFront as a wire, and a client of it without a cluster."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from citrix_oauth_operator.domain.answers import Answer, NotSent, Uncertain
from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import Account, Primary
from citrix_oauth_operator.storefront.chain import Chain, Store
from citrix_oauth_operator.storefront.logon import LogOn
from citrix_oauth_operator.storefront.talk import Talk, Unserved
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.standins.storefront import StoreFront
from tests.standins.web import Request
from tests.unit.fakes import FakeClock

BASE = "https://sf.example"
LOST = Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "the answer was lost"))
UNREACHABLE = NotSent(Problem(Reason.SERVER_UNREACHABLE, "no connection"))


def passes(_request: Request) -> NotSent | Uncertain | None:
    """Nothing happens on the way."""
    return None


class StandInWire:
    """Carries requests to the stand-in; `before` and `after` may lose them."""

    def __init__(self, server: StoreFront) -> None:
        self.server = server
        self.before: Callable[[Request], NotSent | Uncertain | None] = passes
        self.after: Callable[[Request], NotSent | Uncertain | None] = passes
        self.hosts: list[str] = []

    async def post_form(
        self, url: str, body: bytes, headers: Mapping[str, str], reach: Reach
    ) -> RawAnswer | NotSent | Uncertain:
        """Post."""
        return await self._carry("POST", url, headers, body, reach)

    async def get_json(self, url: str, headers: Mapping[str, str], reach: Reach) -> RawAnswer | NotSent | Uncertain:
        """Get."""
        return await self._carry("GET", url, headers, b"", reach)

    async def _carry(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, reach: Reach
    ) -> RawAnswer | NotSent | Uncertain:
        await asyncio.sleep(0)
        parts = urlsplit(url)
        self.hosts.append(parts.netloc)
        lowered = {name.lower(): value for name, value in headers.items()}
        request = Request(method, parts.path, lowered, body, _shown(reach.identity))
        if met := self.before(request):
            return met
        reply = self.server.handle(request)
        told = {name.lower(): value for name, value in reply.headers.items()}
        return self.after(request) or RawAnswer(reply.status, told, reply.body)


def _shown(identity: ClientKey | None) -> bytes | None:
    """Return the certificate that the connection would be opened with."""
    return ssl.PEM_cert_to_DER_cert(identity.certificate) if identity else None


@dataclass
class Marks:
    """What a password's mark was told."""

    told: list[str] = field(default_factory=list)
    problem: Problem | None = None

    async def begin(self) -> Problem:
        """Note it."""
        self.told.append("begin")
        return Problem(Reason.PASSWORD_REFUSED, "in doubt", "ask")

    async def accepted(self) -> None:
        """Note it."""
        self.told.append("accepted")

    async def refused(self, problem: Problem) -> None:
        """Note it."""
        self.told.append("refused")
        self.problem = problem

    async def unjudged(self) -> None:
        """Note it."""
        self.told.append("unjudged")


class Stage:
    """One client of the stand-in."""

    def __init__(self, *protocols: str, hosts: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock()
        self.server = StoreFront(self.clock.now)
        self.quirks = self.server.quirks
        self.wire = StandInWire(self.server)
        self.marks = Marks()
        self.primary: Primary | None = None
        self.password = "CANARY-pw"
        self.key: ClientKey | None = None
        self.chain: Chain | None = None
        self._protocols, self._reach = protocols or ("HttpBasic", "ExplicitForms"), Reach(allowed_hosts=hosts)

    async def run(self) -> Answer:
        """Run the chain once, with the primary token of the last run."""
        talk = Talk(self.wire, BASE, self._reach, self.clock.now)
        store = Store(f"{BASE}/Citrix/Store/resources/v2", self._protocols, timedelta(hours=1), "ns")
        account = Account("EXAMPLE\\svc", SecretText(self.password), "fp", self.key)
        self.chain = Chain(talk, store, LogOn(talk, account, self.marks), self.primary)
        try:
            return await self.chain.run()
        except Unserved as unserved:
            return unserved.answer
        finally:
            self.primary = self.chain.primary

    @property
    def posts(self) -> int:
        """How often a password reached the server."""
        return len(self.server.posts)
