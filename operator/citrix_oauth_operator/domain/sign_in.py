"""A sign-in that a browser has finished: what CLI and portal hand over for the operator to redeem, once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .secrecy import SecretText, StaysHere

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 7636 section 4.1
_REDIRECT = re.compile(r"https?://[\x21-\x7e]+")


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
    Key("redirect_uri", _REDIRECT, 1, 2048, "an http or https URI of at most 2048 visible ASCII characters"),
    Key("nonce", _VISIBLE, 16, 256, "16 to 256 visible ASCII characters"),
)


@dataclass(frozen=True, slots=True)
class SignIn(StaysHere):
    """The answer of an authorization endpoint, and what its request held (RFC 6749 section 4.1, RFC 7636, OIDC Core).

    Attributes:
        code: works once, for some minutes.
        redirect_uri: byte for byte the one of the authorization request.
        nonce: which the id_token must repeat.
    """

    code: SecretText
    code_verifier: SecretText
    redirect_uri: str = field(repr=False)
    nonce: str = field(repr=False)
