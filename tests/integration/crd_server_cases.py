"""AuthorizationServers at the edge of what the CRD takes: refused with a remedy, and accepted."""

from __future__ import annotations

from tests.integration.crd_objects import CERTIFICATE, Refused, encoded, netscaler, server, storefront

LOOPBACK = ["127.0.0.0/8"]
IN_KEY = {"key": "team", "operator": "In"}

REFUSED = {
    # which fields belong to which type
    "StoreFront without a place": Refused(storefront(storefront=None), "spec.storefront", "spec.storefront.baseURL"),
    "a StoreFront of another type": Refused(
        server(storefront={"baseURL": "https://sf.example"}), "spec.storefront", "remove it or set type StoreFront"
    ),
    "an issuer of StoreFront": Refused(
        storefront(issuer="https://sf.example"), "spec.issuer", "remove it, spec.storefront.baseURL"
    ),
    "endpoints of StoreFront": Refused(
        storefront(endpoints={"token": "https://sf.example/t"}), "spec.endpoints", "remove them, spec.storefront"
    ),
    "a server that is nowhere": Refused(server(issuer=None), "spec.issuer", "set the issuer, whose metadata"),
    "a Citrix Cloud that is nowhere": Refused(
        server("CitrixCloud", issuer=None), "spec.issuer", "set endpoints.token by hand"
    ),
    "a NetScaler by discovery": Refused(
        netscaler(endpoints=None, issuer="https://vpn.example"), "spec.endpoints", "set spec.endpoints.token by hand"
    ),
    "a NetScaler without a token endpoint": Refused(
        netscaler(endpoints={}, issuer="https://vpn.example"), "spec.endpoints.token", "set the URL of the token"
    ),
    "an Entra ID by a domain": Refused(
        server("EntraID", issuer="https://login.microsoftonline.com/acme.example/v2.0"), "spec.issuer", "not a tenant's"
    ),
    "an ADFS with a slash": Refused(
        server("ADFS", issuer="https://sts.example.com/adfs/"), "spec.issuer", "not that of an ADFS"
    ),
    "a NetScaler by a path": Refused(
        netscaler(issuer="https://vpn.example/oauth"), "spec.issuer", "not that of a NetScaler"
    ),
    "endpoints without the token endpoint": Refused(
        server(issuer=None, endpoints={"revocation": "https://a.example/r"}), "spec.endpoints.token", "set the issuer"
    ),
    "refresh tokens of StoreFront": Refused(storefront(refreshToken={}), "spec.refreshToken", "remove it"),
    "refresh tokens of service principals": Refused(
        server("CitrixCloudAPI", refreshToken={"lifetime": "1h"}), "spec.refreshToken", "remove it"
    ),
    # URLs
    "an issuer over http": Refused(server(issuer="http://sso.example.com"), "spec.issuer", "must be an https URL"),
    "an issuer over http at a host like localhost": Refused(
        server(issuer="http://localhost.evil.example", allowedAddresses=LOOPBACK), "spec.issuer", "write it like https"
    ),
    "an issuer over http at a loopback address nobody allowed": Refused(
        server(issuer="http://127.0.0.1:8080"), "spec.issuer", "use https or add for example 127.0.0.0/8"
    ),
    "an issuer with a password": Refused(
        server(issuer="https://user:pw@sso.example.com"), "spec.issuer", "without user info"
    ),
    "an issuer with a query": Refused(
        server(issuer="https://sso.example.com/?a=b"), "spec.issuer", "query and fragment"
    ),
    "an issuer that is only a host": Refused(server(issuer="sso.example.com"), "spec.issuer", "write it like https"),
    "an issuer with a placeholder": Refused(
        server(issuer="https://sso.example.com/{customerID}"), "spec.issuer", "write it like https"
    ),
    "an issuer with a line end": Refused(server(issuer="https://sso.example.com\n"), "spec.issuer", "write it like"),
    **{
        f"{name} endpoint over http": Refused(
            server(endpoints={name: "http://a.example/x"}), f"spec.endpoints.{name}", "write it like https://login"
        )
        for name in ("token", "authorization", "revocation")
    },
    **{
        f"{name} endpoint over http at a loopback address nobody allowed": Refused(
            server(endpoints={name: "http://localhost/x"}, allowedAddresses=[]),
            f"spec.endpoints.{name}",
            "use https or add for example 127.0.0.0/8",
        )
        for name in ("token", "authorization", "revocation")
    },
    "a customer id that chooses the host": Refused(
        server(endpoints={"token": "https://{customerID}.example/t"}), "spec.endpoints.token", "may stand in its path"
    ),
    "an unknown placeholder": Refused(
        server(endpoints={"token": "https://a.example/{tenant}/t"}), "spec.endpoints.token", "{customerID} may stand"
    ),
    "a base URL with a path": Refused(
        storefront(storefront={"baseURL": "https://sf.example/Citrix"}),
        "spec.storefront.baseURL",
        "write it like https://sf.example",
    ),
    "a base URL over http at a loopback address nobody allowed": Refused(
        storefront(storefront={"baseURL": "http://127.0.0.1"}), "spec.storefront.baseURL", "use https or add"
    ),
    # trust and reach
    "a CA bundle that is no certificate": Refused(
        server(caBundle=encoded("hello")), "spec.caBundle", "put the output of `base64 -w0 < ca.pem` there"
    ),
    "a CA bundle with a private key": Refused(
        server(caBundle=encoded(f"{CERTIFICATE}-----BEGIN PRIVATE KEY-----\n")), "spec.caBundle", "put only the"
    ),
    "an allowed host with a scheme": Refused(
        server(allowedHosts=["https://a.example"]), "spec.allowedHosts", "write it like accounts.cloud.com"
    ),
    "every host below com": Refused(server(allowedHosts=["*.com"]), "spec.allowedHosts", "at least two labels"),
    "an address without a prefix": Refused(
        server(allowedAddresses=["10.0.0.1"]), "spec.allowedAddresses", "one address like 10.1.2.3/32"
    ),
    "a network with host bits": Refused(
        server(allowedAddresses=["10.0.0.1/8"]), "spec.allowedAddresses", "write it like 10.0.0.0/8"
    ),
    "the whole internet": Refused(server(allowedAddresses=["0.0.0.0/0"]), "spec.allowedAddresses", "write it like"),
    # namespaces
    "a selector that is missing": Refused(
        server(allowedNamespaces={"from": "Selector"}), "spec.allowedNamespaces.selector", "say which labels"
    ),
    "a selector that would be ignored": Refused(
        server(allowedNamespaces={"selector": {"matchLabels": {"a": "b"}}}),
        "spec.allowedNamespaces.selector",
        "set allowedNamespaces.from Selector",
    ),
    "a selector that selects everything": Refused(
        server(allowedNamespaces={"from": "Selector", "selector": {}}),
        "spec.allowedNamespaces.selector",
        "or set allowedNamespaces.from All",
    ),
    "a requirement without values": Refused(
        server(allowedNamespaces={"from": "Selector", "selector": {"matchExpressions": [IN_KEY]}}),
        "spec.allowedNamespaces.selector.matchExpressions.values",
        "add or remove values",
    ),
    "names that are missing": Refused(
        server(allowedNamespaces={"from": "Names"}), "spec.allowedNamespaces.names", "list the namespaces"
    ),
    "names that would be ignored": Refused(
        server(allowedNamespaces={"names": ["team-a"]}), "spec.allowedNamespaces.names", "set allowedNamespaces.from"
    ),
    "a name with a star": Refused(
        server(allowedNamespaces={"from": "Names", "names": ["team-*"]}),
        "spec.allowedNamespaces.names",
        "patterns are not possible (use from Selector)",
    ),
    # durations
    "an interval in milliseconds": Refused(
        server(requests={"minInterval": "500ms"}), "spec.requests.minInterval", "write it like 60s"
    ),
    "an interval beyond an hour": Refused(
        server(requests={"minInterval": "1h1s"}), "spec.requests.minInterval", "from 0s to 1h"
    ),
    "an interval that is empty": Refused(server(requests={"minInterval": ""}), "spec.requests.minInterval", "like 60s"),
    "an access token that never lives": Refused(
        server(accessTokenLifetime="0s"), "spec.accessTokenLifetime", "write it like 30m"
    ),
    "an access token of a month": Refused(
        server(accessTokenLifetime="720h"), "spec.accessTokenLifetime", "from 1s to 168h"
    ),
    "a lifetime in days": Refused(
        server(refreshToken={"lifetime": "90d"}), "spec.refreshToken.lifetime", "write it like 24h"
    ),
    "a lifetime of centuries": Refused(
        server(refreshToken={"lifetime": "999999h"}), "spec.refreshToken.lifetime", "from 1s to 87600h"
    ),
    "a grace of two days": Refused(
        server(refreshToken={"reuseGrace": "48h"}), "spec.refreshToken.reuseGrace", "write it like 60s"
    ),
}

ACCEPTED = {
    "an issuer that ends in a slash": server(issuer="https://accounts.cloud.com/core/"),
    "an issuer at an IPv6 address": server(issuer="https://[fd00::1]:8443/x", allowedAddresses=["fd00::/8"]),
    "plain http on an allowed loopback address": server(issuer="http://127.0.0.1:9000", allowedAddresses=LOOPBACK),
    "discovery with one endpoint by hand": server(endpoints={"revocation": "https://a.example/r"}),
    "endpoints with customer and query": server(
        "CitrixCloudAPI",
        issuer=None,
        endpoints={"token": "https://api.cloud.com/cctrustoauth2/{customerID}/tokens/clients?v=1"},
    ),
    "a StoreFront": storefront(),
    "a NetScaler": netscaler(),
    "a NetScaler with its host": netscaler(issuer="https://vpn.example"),
    "an Entra ID": server(
        "EntraID", issuer="https://login.microsoftonline.com/6c4a2f0e-1111-4222-8333-444455556666/v2.0"
    ),
    "an ADFS": server("ADFS", issuer="https://sts.example.com/adfs"),
    "one address of an own network": server(allowedAddresses=["10.1.2.3/32", "::1/128"]),
    "a CA bundle with a comment before it": server(caBundle=encoded(f"# corporate CA\n{CERTIFICATE}")),
    "hosts by name and below a name": server(
        allowedHosts=["localhost", "accounts.cloud.com", "*.cloud.com", "wsp.example:8443"]
    ),
    "namespaces by expression": server(
        allowedNamespaces={
            "from": "Selector",
            "selector": {"matchExpressions": [{**IN_KEY, "values": ["a"]}, {"key": "x", "operator": "Exists"}]},
        }
    ),
    "no least interval": server(requests={"minInterval": "0s"}),
    "a duration of three parts": server(refreshToken={"lifetime": "1h30m5s", "reuseGrace": "60s"}),
}
