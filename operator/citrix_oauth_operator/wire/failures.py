"""What a failed exchange is called: coarse on purpose.

Tenants read these texts. They must not learn whether a port is closed, filtered or answers, nor which address a
name has.
"""

from __future__ import annotations

from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason


def unreachable(tls: str | None = None) -> Problem:
    """No connection; `tls` is the word for what failed in its set-up."""
    if tls is None:
        return Problem(
            Reason.SERVER_UNREACHABLE,
            "the authorization server cannot be reached",
            "check spec.issuer and spec.endpoints of the AuthorizationServer, DNS and network policies",
        )
    return Problem(
        Reason.SERVER_UNREACHABLE,
        f"no trusted connection to the authorization server: {tls}",
        "check the server's certificate, and spec.caBundle of the AuthorizationServer if a private CA signed it",
    )


def bad_ca_bundle() -> Problem:
    """The bundle cannot be read, so nobody can be trusted."""
    return Problem(
        Reason.SERVER_UNREACHABLE,
        "no trusted connection to the authorization server: its CA bundle cannot be read",
        "put base64 of PEM certificates into spec.caBundle of the AuthorizationServer",
    )


def bad_identity() -> Problem:
    """The client's certificate and key cannot be used together."""
    return Problem(
        Reason.CREDENTIALS_INVALID,
        "the client's certificate cannot be used",
        "put a certificate and its private key into keys tls.crt and tls.key of the credentials Secret",
    )


def identity_refused() -> Problem:
    """The server ended the handshake because of the client's certificate: it has read nothing."""
    return Problem(
        Reason.CLIENT_REJECTED,
        "the authorization server does not take the client's certificate",
        "register the certificate of key tls.crt (or its subject) for the client there; it must not have expired",
    )


def bad_url() -> Problem:
    """The URL cannot be called."""
    return Problem(
        Reason.SERVER_UNREACHABLE,
        "the URL of the authorization server is not a URL",
        "correct spec.issuer or spec.endpoints of the AuthorizationServer",
    )


def address_not_allowed() -> Problem:
    """The guard said no."""
    return Problem(
        Reason.ADDRESS_NOT_ALLOWED,
        "the authorization server lives at an address that is not allowed",
        "if that is meant, an admin adds its network to spec.allowedAddresses of the AuthorizationServer",
    )


def no_answer(status: int | None = None) -> Problem:
    """The request was written, and no complete answer came back."""
    return Problem(
        Reason.OUTCOME_UNKNOWN,
        "the request was sent, but no complete answer came back",
        http_status=status,
    )


def too_large(status: int) -> Problem:
    """The body was cut off."""
    return Problem(
        Reason.RESPONSE_INVALID, "the authorization server's answer is larger than 256 KiB", http_status=status
    )
