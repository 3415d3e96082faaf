"""TLS towards authorization servers: one context a CA bundle, and coarse words for what failed."""

from __future__ import annotations

import ssl
from collections import OrderedDict

# OpenSSL's X509_V_ERR_* numbers: stable, while its texts change and quote names.
_EXPIRED, _NOT_YET_VALID = 10, 9
_SELF_SIGNED = 18
_UNKNOWN_CA = frozenset({2, 19, 20, 21, 24, 27})
_WRONG_NAME = frozenset({62, 64})
_REVOKED = 23
_TOO_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"})
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
_MOST = 64


class Contexts:
    """Builds each context once (parsing a CA store costs 20 ms of CPU) and forgets the longest unused."""

    def __init__(self) -> None:
        self._contexts: OrderedDict[str | None, ssl.SSLContext] = OrderedDict()

    def of(self, ca_bundle: str | None) -> ssl.SSLContext:
        """Return the context that trusts `ca_bundle` (PEM), or the image's CA store.

        Raises:
            ssl.SSLError: the bundle holds no certificate that OpenSSL can read.
        """
        context = self._contexts.get(ca_bundle)
        if context is None:
            context = self._contexts[ca_bundle] = _build(ca_bundle)
            if len(self._contexts) > _MOST:
                self._contexts.popitem(last=False)
        self._contexts.move_to_end(ca_bundle)
        return context

    def clear(self) -> None:
        """Drop all contexts."""
        self._contexts.clear()


def _build(ca_bundle: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


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
