"""What a type of authorization server brings along before anybody describes one: data of `servers`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class ServerType(StrEnum):
    """What kind of system answers at the token endpoint."""

    CITRIX_CLOUD = "CitrixCloud"
    CITRIX_CLOUD_API = "CitrixCloudAPI"
    STOREFRONT = "StoreFront"
    ENTRA_ID = "EntraID"
    ADFS = "ADFS"
    NETSCALER = "NetScaler"
    OIDC = "OIDC"


class LifetimeModel(StrEnum):
    """Whether a refresh extends the life of the grant."""

    ABSOLUTE = "Absolute"
    SLIDING = "Sliding"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens live, where an AuthorizationServer does not say.

    Attributes:
        access_token: when an answer says nothing.
        refresh_token: None when it is not known.
        reusable: whether a refresh token that was replaced goes on working: then no lost answer costs a grant.
        issued: whether the type issues refresh tokens at all, as far as its maker documents.
    """

    access_token: timedelta = timedelta(minutes=30)
    refresh_token: timedelta | None = None
    model: LifetimeModel = LifetimeModel.UNKNOWN
    reusable: bool = False
    issued: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a type's endpoints are, below its issuer; empty where a metadata document says it.

    Attributes:
        issuer: what spec.issuer must look like, and `example` an instance of it.
        paths: by field of Endpoints, a reference that is resolved against the issuer and a slash (RFC 3986 section 5).
    """

    issuer: re.Pattern[str] | None = None
    example: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """Both."""

    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    layout: Layout = field(default_factory=Layout)
