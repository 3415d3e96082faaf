"""The portal's composition root: a web server in front, the API server and the authorization servers behind it."""

from __future__ import annotations

import logging
import signal
import socket

import uvicorn

from citrix_oauth_operator.clock import SystemClock
from citrix_oauth_operator.kube.access import find_cluster
from citrix_oauth_operator.kube.api import Api
from citrix_oauth_operator.wire.discovery import Discovery
from citrix_oauth_operator.wire.transport import Transport

from .clients import Clients
from .people import People
from .settings import PortalSettings
from .sign_ins import SignIns
from .steps import Steps
from .web import Portal

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 256
# The token of somebody in 200 groups, beside the proxy's cookies that hold it once more: 40 KiB. The default of 16 KiB
# counts only while a request is not there as a whole, so that it refuses one now and then.
_MOST_OF_HEADERS = 65536
_GOODBYE_SECONDS = 10


async def serve(settings: PortalSettings) -> None:
    """Serve until SIGTERM.

    Raises:
        ClusterNotConfigured: there is no cluster.
        OSError: the port is taken.
    """
    transport = Transport()
    discovery = Discovery(transport)
    try:
        async with Api(find_cluster()) as api:
            clock = SystemClock()
            people, sign_ins = People(api, clock), SignIns(clock)
            steps = Steps(api, people, discovery, transport, sign_ins, clock, settings.redirect_uri)
            portal = Portal(people, Clients(api, people, settings.namespaces), sign_ins, steps, clock, settings.base)
            with _listening(settings.port) as listener:
                log.info("serving on port %d; sign-ins return to %s", settings.port, settings.redirect_uri)
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, lambda *_: None)  # uvicorn raises what it caught once more: no failure
                await web_server(portal).serve([listener])
    finally:
        await discovery.aclose()
        await transport.aclose()


def web_server(portal: Portal) -> uvicorn.Server:
    """Return the web server in front of the pages."""
    return uvicorn.Server(
        uvicorn.Config(
            portal.application(),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # its lines would hold queries
            server_header=False,
            proxy_headers=False,  # nothing is decided by where a request comes from
            limit_concurrency=_MOST_AT_ONCE,
            h11_max_incomplete_event_size=_MOST_OF_HEADERS,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
        )
    )


def _listening(port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    return socket.create_server(("", port), family=socket.AF_INET6 if both else socket.AF_INET, dualstack_ipv6=both)
