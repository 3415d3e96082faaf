"""A sign-in that a browser has finished: what CLI and portal hand over for the operator to redeem, once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .model import Holder, Liveness
from .problem import Problem
from .secrecy import SecretText, StaysHere

CODE_LIVES = timedelta(minutes=10)  # at most (RFC 6749 section 4.1.2)

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 7636 section 4.1
_URI = re.compile(r"https?://[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the login Secret, and what its value must be."""

    name: str
    form: re.Pattern[str]
    shortest: int
    longest: int
    words: str


KEYS = (
    Key("code", _VISIBLE, 1, 8192, "1 to 8192 visible ASCII characters"),
    Key("code_verifier", _VERIFIER, 43, 128, "43 to 128 letters, digits, '-', '.', '_' or '~' (RFC 7636)"),
    Key("redirect_uri", _URI, 1, 2048, "an http or https URI of at most 2048 visible ASCII characters"),
    Key("nonce", _VISIBLE, 16, 256, "16 to 256 visible ASCII characters"),
    Key("token_endpoint", _URI, 1, 2048, "an http or https URI of at most 2048 visible ASCII characters"),
)


@dataclass(frozen=True, slots=True)
class SignIn(StaysHere):
    """The answer of an authorization endpoint, and what its request held (RFC 6749 section 4.1, RFC 7636, OIDC Core).

    Attributes:
        code: works once, for some minutes.
        redirect_uri: byte for byte the one of the authorization request.
        nonce: which the id_token must repeat.
        token_endpoint: of the server that gave the code: it is compared and never called.
    """

    code: SecretText
    code_verifier: SecretText
    redirect_uri: str = field(repr=False)
    nonce: str = field(repr=False)
    token_endpoint: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CodeClaim:
    """The durable intent to redeem one code: whoever created it may send the code, once; nobody else ever.

    Attributes:
        chain: id of the chain that the sign-in begins.
        attempt: tells two tries of the same process apart.
    """

    uid: str
    chain: str
    attempt: str
    holder: Holder
    at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """A login Secret as it is in the cluster.

    Attributes:
        uid, version: of the Secret, to delete exactly it, and to say what became of it.
        sign_in: what it hands over, or what is wrong with it.
        holder: what is known of the process that claimed the code.
        since: when the Secret was created; None: the API server does not say.
    """

    uid: str
    version: str
    sign_in: SignIn | Problem
    claim: CodeClaim | None = None
    holder: Liveness = Liveness.UNKNOWN
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expected(StaysHere):
    """What the answer to a code must prove (OpenID Connect Core section 3.1.3.7).

    Attributes:
        issuer, keys: as the server's metadata names them; empty where its endpoints are given by hand.
        subject: who has to sign in; empty: anybody.
        required: whether an answer without an id_token is refused.
        replaces: the chain that is stored until the new one is committed.
    """

    issuer: str
    keys: str
    client_id: str
    nonce: str = field(repr=False)
    subject: str
    required: bool
    replaces: str


def subject_hash(subject: str) -> str | None:
    """Return what a log says of a person: enough to compare, no name."""
    return hashlib.sha256(subject.encode()).hexdigest()[:8] if subject else None


@dataclass(frozen=True, slots=True)
class SignInResult:
    """What came of one sign-in, as status tells it; `problem` is None when it succeeded."""

    uid: str
    at: datetime
    problem: Problem | None = None
    subject: str = ""
