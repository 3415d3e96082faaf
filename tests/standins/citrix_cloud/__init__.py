"""A stand-in for Citrix Cloud: a certified OAuth server that rotates refresh tokens, detects replays and keeps a log.

The server is JavaScript (`server.mjs` on the npm package oidc-provider), these modules start and steer it.
"""

from tests.standins.citrix_cloud.browser import Callback
from tests.standins.citrix_cloud.cloud import CitrixCloud, SignIn
from tests.standins.citrix_cloud.control import Call, Control, Fault, Stats
from tests.standins.citrix_cloud.registrations import (
    APPLICATION_ID,
    CUSTOMER_ID,
    MACHINE_BASIC,
    MACHINE_POST,
    PRIVATE_BASIC,
    PRIVATE_POST,
    PUBLIC,
    PUBLIC_ONLINE,
    SERVICE_PRINCIPAL,
    Client,
)

__all__ = [
    "APPLICATION_ID",
    "CUSTOMER_ID",
    "MACHINE_BASIC",
    "MACHINE_POST",
    "PRIVATE_BASIC",
    "PRIVATE_POST",
    "PUBLIC",
    "PUBLIC_ONLINE",
    "SERVICE_PRINCIPAL",
    "Call",
    "Callback",
    "CitrixCloud",
    "Client",
    "Control",
    "Fault",
    "SignIn",
    "Stats",
]
