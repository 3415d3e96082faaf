"""One module a kind of server: defaults and texts, data instead of branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.server import Endpoints, Server
from citrix_oauth_operator.domain.spec import ClientSpec

from . import adfs, citrix_cloud, citrix_cloud_api, entra_id, netscaler, oidc, storefront
from .profile import Profile

__all__ = ["BUILT_IN", "Profile", "profile", "sign_in_scopes"]

_PROFILES = {
    ServerType.CITRIX_CLOUD: citrix_cloud.PROFILE,
    ServerType.CITRIX_CLOUD_API: citrix_cloud_api.PROFILE,
    ServerType.ENTRA_ID: entra_id.PROFILE,
    ServerType.ADFS: adfs.PROFILE,
    ServerType.NETSCALER: netscaler.PROFILE,
    ServerType.STOREFRONT: storefront.PROFILE,
}

#: Servers that need no AuthorizationServer object; an object of the same name overrides one.
BUILT_IN: Mapping[str, Server] = MappingProxyType(
    {server.name: replace(server, built_in=True) for server in (citrix_cloud.BUILT_IN, *citrix_cloud_api.BUILT_IN)}
)


def profile(kind: ServerType) -> Profile:
    """Return what is particular about a kind of server."""
    return _PROFILES.get(kind, oidc.PROFILE)


def sign_in_scopes(spec: ClientSpec, server: Server, endpoints: Endpoints) -> tuple[str, ...]:
    """Return what a sign-in asks for: as the client says, else its customer's document, else its kind of server."""
    return spec.scopes or endpoints.scopes or profile(server.type).scopes
