"""A system on a real socket, with TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import trustme

from tests.standins.systems.system import System
from tests.standins.web import serving


@contextmanager
def serve(system: System, clients: trustme.CA | None = None) -> Iterator[bytes]:
    """Serve on a free loopback port; `origin` becomes its address, and what is yielded is the CA to trust.

    Args:
        clients: who signs the certificates of clients; they are asked for one, and may come without.
    """
    authority = trustme.CA(organization_name="systems around Citrix")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if clients:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
    with serving(system.handle, context) as system.origin:
        yield authority.cert_pem.bytes()
