"""What is kept of a StoreFront logon: the primary token, and the mark of a password that was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .client_key import ClientKey
from .durations import parse_rfc3339
from .model import Holder, Liveness
from .problem import Problem
from .secrecy import SecretText

ANSWER_BY = timedelta(seconds=60)  # of a posted password: the request's deadline, and room to write its answer down
_NO_PASSWORD = SecretText("")
_AHEAD = timedelta(hours=1)  # of a person's clock, at most


@dataclass(frozen=True, slots=True)
class Audience:
    """Where a token may be sent: the protection space of a challenge (scheme, host, port and realm)."""

    scheme: str
    host: str
    port: int
    realm: str

    def holds(self, other: Audience) -> bool:
        """Whether `other` is of the same scheme, host and port; its realm shows only when it is asked."""
        return (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs on, and by what.

    Attributes:
        username, password: of the protocols that send them.
        fingerprint: of user name, password and StoreFront: clients that share it share its marks; empty without them.
        key: of protocol Certificate: whose the account is, StoreFront knows by the certificate.
    """

    username: str = ""
    password: SecretText = _NO_PASSWORD
    fingerprint: str = ""
    key: ClientKey | None = None

    def credential(self, *, certified: bool) -> str:
        """Return the fingerprint of what a logon showed: the certificate, or else the password."""
        return self.key.fingerprint if self.key and (certified or not self.fingerprint) else self.fingerprint


@dataclass(frozen=True, slots=True)
class Primary:
    """A primary token: what a logon came to, and what service tokens are asked for with.

    Attributes:
        audience: of the token service that takes it.
        token_url: of that token service.
        issued_at: when it was received; whatever was sent before was accepted.
        credential: fingerprint of what logged on; where the account has it no more, the token is dropped.
        namespace_uid: of the client it was issued for.
    """

    token: SecretText
    audience: Audience
    token_url: str
    credential: str
    namespace_uid: str
    issued_at: datetime
    expires_at: datetime

    def serves(self, account: Account, namespace_uid: str, now: datetime) -> bool:
        """Whether it is of this account and namespace, and lives."""
        shown = {account.credential(certified=False), account.credential(certified=True)}
        return self.credential in shown and self.namespace_uid == namespace_uid and now < self.expires_at


@dataclass(frozen=True, slots=True)
class PasswordEnding:
    """A password that ends soon, as StoreFront announces it; its name is sanitised, its end may be unknown."""

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PasswordMark:
    """A password that was sent, remembered for all clients that share it until somebody hears what came of it.

    Attributes:
        sent_at: right before it was sent.
        holder: the process that sent it.
        request: the wish of a person that it was sent for; the same wish is not granted twice.
        problem: how it was refused; None: it is on its way, or nobody heard the answer.
    """

    sent_at: datetime
    holder: Holder
    request: str = ""
    problem: Problem | None = None
    version: str = ""

    def was_answered(self, primary: Primary | None, fingerprint: str) -> bool:
        """Whether a primary token shows that the password was accepted since: only the mark stayed."""
        if self.problem is not None or primary is None:
            return False
        return primary.credential == fingerprint and primary.issued_at >= self.sent_at

    def awaits_answer(self, holder: Liveness, now: datetime) -> bool:
        """Whether an answer may still come."""
        return self.problem is None and holder is not Liveness.DEAD and now < self.sent_at + ANSWER_BY

    def yields_to(self, request: str | None, now: datetime) -> bool:
        """Whether a person asked for one more try after this one: one wish is one try, whoever shares the password."""
        asked = parse_rfc3339(request)
        return asked is not None and request != self.request and self.sent_at < asked <= now + _AHEAD
