"""The stand-in on a real socket; with an authority: over TLS, and it asks for certificates where it wants them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import trustme

from tests.standins.storefront.service import CERTIFICATE, StoreFront
from tests.standins.web import serving


class Authority:
    """A certificate authority: of the server, and of the users that it knows."""

    def __init__(self) -> None:
        self._made = trustme.CA()

    @property
    def pem(self) -> str:
        """Its own certificate, as clients trust it."""
        return self._made.cert_pem.bytes().decode()

    def issue(self, name: str) -> tuple[str, str]:
        """Return a certificate for a user of that name, and its key."""
        issued = self._made.issue_cert(common_name=name)
        return issued.cert_chain_pems[0].bytes().decode(), issued.private_key_pem.bytes().decode()

    def context(self) -> ssl.SSLContext:
        """Return what a server speaks TLS with that wants a certificate on some of its paths."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._made.issue_cert("127.0.0.1").configure_cert(context)
        self._made.configure_trust(context)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode, context.post_handshake_auth = ssl.CERT_REQUIRED, True
        return context


@contextmanager
def serve(storefront: StoreFront, authority: Authority | None = None) -> Iterator[None]:
    """Serve on a free loopback port; `base` becomes its address."""
    with serving(storefront.handle, authority.context() if authority else None, late={CERTIFICATE}) as storefront.base:
        yield
