"""The stand-in on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.standins.storefront.service import StoreFront
from tests.standins.web import serving


@contextmanager
def serve(storefront: StoreFront) -> Iterator[None]:
    """Serve on a free loopback port; `base` becomes its address."""
    with serving(storefront.handle) as storefront.base:
        yield
