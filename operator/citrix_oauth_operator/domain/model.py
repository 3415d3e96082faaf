"""What the operator knows about one client: identities, the stored grant, the published token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from .kinds import LifetimeModel
from .problem import Problem
from .secrecy import SecretText


@dataclass(frozen=True, slots=True)
class ClientRef:
    """One CitrixClient; the UID tells a re-created one from its predecessor."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Holder:
    """One process that may hold a token response.

    Attributes:
        place: `pod:<uid>`, or `host:<name>` outside a cluster; at most one living process of a pod is ours.
        instance: the process in it: a random boot id, or `<pid>:<start>` outside a cluster.
    """

    place: str
    instance: str


class Liveness(Enum):
    """What is known about the process that wrote an intent."""

    OURSELVES = "this process"
    DEAD = "proven dead"
    UNKNOWN = "may be alive"


class Doubt(StrEnum):
    """Why nobody knows what became of a refresh token that was sent."""

    PROCESS_ENDED = "ProcessEnded"  # it stored no answer, and its spill folder was not found
    ANSWER_LOST = "AnswerLost"
    SERVER_ERROR = "ServerError"
    UNREADABLE = "AnswerUnreadable"
    SUCCESSOR_UNUSABLE = "SuccessorUnusable"  # it came, and could not be kept


@dataclass(frozen=True, slots=True)
class Pending:
    """The durable intent to send one refresh token once (step 5 of docs/lifecycle.md).

    Attributes:
        attempt: a new id for every try.
        seq: the grant's `seq` when the intent was written.
        fingerprint: 8 hex digits of the refresh token's SHA-256.
        first_sent: when this refresh token was sent first: expiry counts from here.
        tries: how often this refresh token has been sent, this try included.
        doubt: whether an earlier try's outcome is unknown.
        cause, unknown_since: why, and when that try was sent: of the first one, as far as known.
    """

    attempt: str
    seq: int
    fingerprint: str
    holder: Holder
    first_sent: datetime
    started: datetime
    deadline: datetime
    tries: int = 1
    doubt: bool = False
    cause: Doubt | None = None
    unknown_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a refresh token was issued for; anything of it changed, and it is not sent."""

    namespace_uid: str
    namespace: str
    name: str
    client_id: str
    server_name: str
    server_identity: str
    token_url: str


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and its times (UTC).

    Attributes:
        refresh_at: when the next one is due; drawn once with jitter, never again.
        inputs: fingerprint of the client, server and scopes it was issued for.
        authorization: format of the header value that carries it.
        customer_id: which the API wants beside it; empty: none.
    """

    access_token: SecretText
    issued_at: datetime
    expires_at: datetime
    refresh_at: datetime
    inputs: str
    scopes: tuple[str, ...] = ()
    authorization: str = "Bearer {token}"
    customer_id: str = ""

    @property
    def lifetime(self) -> timedelta:
        """Life of the token as the server granted it."""
        return self.expires_at - self.issued_at


@dataclass(frozen=True, slots=True)
class Rejection:
    """The server's final word about one refresh token: it is not sent again."""

    problem: Problem
    at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """One chain of refresh tokens, as the grant Secret holds it.

    Attributes:
        chain: id of the chain; a new seed or sign-in starts a new one.
        seq: how often the chain was refreshed; only ever grows.
        seed: SHA-256 (hex) of the seed that was adopted last, by this chain or before its sign-in; else the code's.
        received_at: when the current refresh token was received.
        spent_at: when the refresh token was sent for a successor that came and could not be kept; None: it is unspent.
        refresh_expires_at: the refresh token's end where the server announced one.
        subject: who signed in, where an id_token said so.
        learned: whether refreshes extend this server's grants, as this chain and those before it have shown.
        token: the newest access token; after a re-seed the old chain's, until the first refresh.
        wish: `requested-at` of the client when the refresh token was sent last.
    """

    chain: str
    seq: int
    seed: str
    refresh_token: SecretText
    binding: Binding
    started_at: datetime
    received_at: datetime
    refresh_expires_at: datetime | None = None
    token: Token | None = None
    pending: Pending | None = None
    rejection: Rejection | None = None
    spent_at: datetime | None = None
    subject: str = ""
    learned: LifetimeModel = LifetimeModel.UNKNOWN
    wish: str = ""

    def fulfils(self, wish: str | None) -> bool:
        """Whether a request that a person asked for was made, and is over; also by a process that died since."""
        return bool(wish) and self.wish == wish and self.pending is None


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claimed a seed, and for which chain (the claim ConfigMap); adopted: the chain is stored."""

    uid: str
    chain: str
    adopted: bool
    version: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A credential the server refused, remembered for all clients that share it."""

    problem: Problem
    at: datetime


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """The token Secret as it is in the cluster.

    Attributes:
        exists: whether there is a Secret of that name.
        ours: whether it carries our label and owner reference.
        token: what it holds, when that is complete and unedited.
        intact: whether data, type, labels and annotations are as we wrote them.
        unread: not looked at in this pass, for it is about to be written; `resource_version` is the one we wrote.
    """

    exists: bool = False
    ours: bool = False
    token: Token | None = None
    intact: bool = False
    resource_version: str = ""
    unread: bool = False
