"""TLS towards authorization servers: one context a CA bundle, and coarse words for what failed."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections import OrderedDict
from typing import IO

from citrix_oauth_operator.domain.client_key import ClientKey

# OpenSSL's X509_V_ERR_* numbers: stable, while its texts change and quote names.
_EXPIRED, _NOT_YET_VALID = 10, 9
_SELF_SIGNED = 18
_UNKNOWN_CA = frozenset({2, 19, 20, 21, 24, 27})
_WRONG_NAME = frozenset({62, 64})
_REVOKED = 23
_TOO_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"})
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
_MOST = 64


#: Alerts with which a server ends a handshake for the client's certificate (RFC 8446 section 6.2).
_IDENTITY_ALERTS = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    }
)


class IdentityUnusable(Exception):
    """The client's certificate and key do not make a pair that OpenSSL can use."""


class Contexts:
    """Builds each context once (parsing a CA store costs 20 ms of CPU) and forgets the longest unused."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[tuple[str | None, ClientKey | None], ssl.SSLContext] = OrderedDict()

    def of(self, ca_bundle: str | None, identity: ClientKey | None = None) -> ssl.SSLContext:
        """Return the context that trusts `ca_bundle` (PEM), or the image's CA store, and shows `identity`.

        Raises:
            IdentityUnusable: OpenSSL cannot use the identity.
            ssl.SSLError: the bundle holds no certificate that OpenSSL can read.
        """
        wanted = (ca_bundle, identity)
        context = self._contexts.get(wanted)
        if context is None:
            context = self._contexts[wanted] = _build(ca_bundle, identity)
            if len(self._contexts) > _MOST:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(wanted)
        return context

    def clear(self) -> None:
        """Drop all contexts."""
        self._contexts.clear()


def _build(ca_bundle: str | None, identity: ClientKey | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if identity is not None:
        context.post_handshake_auth = True  # IIS asks for a certificate when it has read which path is wanted
        _show(context, identity)
    return context


def _show(context: ssl.SSLContext, identity: ClientKey) -> None:
    """Load a pair that OpenSSL takes from files only: from one that is memory of this process, where there is such."""
    try:
        with _memory() as file:
            file.write(f"{identity.private_key.reveal()}\n{identity.certificate}".encode())
            file.flush()
            context.load_cert_chain(f"/dev/fd/{file.fileno()}")
    except (ssl.SSLError, OSError) as error:
        raise IdentityUnusable from error


def _memory() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("identity"), "w+b")
    return tempfile.TemporaryFile()


def is_identity_refused(error: BaseException | None) -> bool:
    """Whether an exchange failed because the server did not take the certificate that it was shown."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and error.reason in _IDENTITY_ALERTS:
            return True
        error = error.__cause__
    return False


def tls_words(error: BaseException) -> str:
    """Say why a handshake failed, in words of ours: the library's texts quote names and addresses."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_words(error.verify_code)
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    if reason in _TOO_OLD:
        return "the server speaks no TLS version from 1.2 on"
    return "the server does not speak TLS" if reason in _NO_TLS else "TLS handshake failed"


def _certificate_words(code: int) -> str:
    if code in _UNKNOWN_CA:
        return "unknown CA"
    if code in _WRONG_NAME:
        return "name mismatch"
    words = {
        _SELF_SIGNED: "self-signed certificate",
        _EXPIRED: "certificate expired",
        _NOT_YET_VALID: "certificate not yet valid",
        _REVOKED: "revoked",
    }
    return words.get(code, "certificate refused")
