"""CitrixClients at the edge of what the CRD takes: refused with a remedy, and accepted."""

from __future__ import annotations

from tests.integration.crd_objects import Refused, client, principal, store, template

LONG = "a" * 241
CUSTOMER = {"customerDomain": "acme.cloud.com", "applicationID": "6c4a2f0e-1111-4222-8333-444455556666"}

REFUSED = {
    # which fields belong to which grant type
    "a client without an id": Refused(
        client(clientID=None), "spec.clientID", "copy it from the client's registration (only"
    ),
    "an id for StoreFront": Refused(store(clientID="x"), "spec.clientID", "remove it or use another grantType"),
    "scopes for StoreFront": Refused(store(scopes=["openid"]), "spec.scopes", "remove them or use another grantType"),
    "client authentication for StoreFront": Refused(
        store(clientAuthentication="ClientSecretPost"), "spec.clientAuthentication", "remove it, or use another"
    ),
    "a resource for StoreFront": Refused(
        store(resource="urn:example:api"), "spec.resource", "remove it or use another grantType than CitrixAuth"
    ),
    "a sign-in for StoreFront": Refused(store(login={}), "spec.login", "remove it or use grantType RefreshToken"),
    "a sign-in for a service principal": Refused(
        principal(login={}), "spec.login", "remove it or use grantType RefreshToken"
    ),
    "StoreFront without a store": Refused(
        store(storefront=None), "spec.storefront", "name the store in spec.storefront.storePath"
    ),
    "a store for a refresh token": Refused(
        client(storefront={"storePath": "/Citrix/Store"}), "spec.storefront", "remove it or set grantType CitrixAuth"
    ),
    "a service principal without credentials": Refused(
        principal(credentialsSecretRef=None), "spec.credentialsSecretRef", "name a Secret with client_secret"
    ),
    "StoreFront without a user": Refused(
        store(credentialsSecretRef=None), "spec.credentialsSecretRef", "one with username and password"
    ),
    "a client secret that is nowhere": Refused(
        client(credentialsSecretRef=None, clientAuthentication="ClientSecretBasic"),
        "spec.credentialsSecretRef",
        "set clientAuthentication None for a public client",
    ),
    "a signed assertion without a key": Refused(
        client(credentialsSecretRef=None, clientAuthentication="PrivateKeyJWT"),
        "spec.credentialsSecretRef",
        "name the Secret that clientAuthentication needs",
    ),
    "a service principal that proves nothing": Refused(
        principal(clientAuthentication="None"), "spec.clientAuthentication", "use ClientSecretPost or another method"
    ),
    # names
    "a client name that leaves no room for its Secrets": Refused(client(LONG), "", "choose a shorter name"),
    "credentials in the token Secret of the default name": Refused(
        client(credentialsSecretRef={"name": "reports-token"}),
        "spec.credentialsSecretRef.name",
        "rename the credentials Secret or set spec.secret.name",
    ),
    "credentials in the token Secret that is named": Refused(
        client(secret={"name": "reports-credentials"}), "spec.credentialsSecretRef.name", "rename the credentials"
    ),
    "a token Secret in the place of the sign-in": Refused(
        client(secret={"name": "reports-login"}), "spec.secret.name", "choose another name"
    ),
    "a token Secret in upper case": Refused(
        client(secret={"name": "Reports"}), "spec.secret.name", "use lower-case letters, digits"
    ),
    "a credentials Secret in another namespace": Refused(
        client(credentialsSecretRef={"name": "team-b/creds"}), "spec.credentialsSecretRef.name", "use lower-case"
    ),
    "a server given by URL": Refused(
        client(authorizationServerRef={"name": "https://evil.example"}),
        "spec.authorizationServerRef.name",
        "for example citrix-cloud",
    ),
    # values
    "an id with an umlaut": Refused(client(clientID="Prüfer"), "spec.clientID", "copy it from the client's"),
    "an id that is empty": Refused(
        client(clientID=""), "spec.clientID", "copy it from the client's registration again"
    ),
    "an id with a space": Refused(client(clientID="b3Bl cmF0"), "spec.clientID", "without quotes or line ends"),
    "an id with a line end": Refused(client(clientID="b3Bl\n"), "spec.clientID", "without quotes or line ends"),
    "an id of 257 characters": Refused(client(clientID="a" * 257), "spec.clientID", "may not be more than 256 bytes"),
    "a refresh too early": Refused(client(refresh={"atPercent": 9}), "spec.refresh.atPercent", "or equal to 10"),
    "a refresh too late": Refused(client(refresh={"atPercent": 91}), "spec.refresh.atPercent", "or equal to 90"),
    "two scopes in one entry": Refused(client(scopes=["openid wsp"]), "spec.scopes", "write each scope as an entry"),
    "a scope in quotes": Refused(client(scopes=['"openid"']), "spec.scopes", "write each scope as an entry"),
    "a scope that is empty": Refused(client(scopes=[""]), "spec.scopes", "write each scope as an entry"),
    "a resource with a fragment": Refused(client(resource="urn:a#b"), "spec.resource", "write it exactly as"),
    "a customer id that leaves its place in the path": Refused(
        client(citrix={"customerID": "../root"}), "spec.citrix.customerID", "copy the customer id from the API Access"
    ),
    "a customer domain with a scheme": Refused(
        client(citrix={**CUSTOMER, "customerDomain": "https://acme.cloud.com"}),
        "spec.citrix.customerDomain",
        "without scheme",
    ),
    "a customer domain without an application id": Refused(
        client(citrix={"customerDomain": "acme.cloud.com"}), "spec.citrix", "set both, or remove both"
    ),
    "an application id that is a client id": Refused(
        client(citrix={**CUSTOMER, "applicationID": "b3BlcmF0b3I="}),
        "spec.citrix.applicationID",
        "copy the application id",
    ),
    "a store at another host": Refused(
        store(storefront={"storePath": "//evil.example/x"}), "spec.storefront.storePath", "write it like /Citrix/Store"
    ),
    "a store above its own path": Refused(
        store(storefront={"storePath": "/Citrix/../x"}), "spec.storefront.storePath", "write it like /Citrix/Store"
    ),
    "a protocol named twice": Refused(
        store(storefront={"storePath": "/S", "protocols": ["HttpBasic", "HttpBasic"]}),
        "spec.storefront.protocols",
        "name each one once",
    ),
    "a protocol that is not supported": Refused(
        store(storefront={"storePath": "/S", "protocols": ["IntegratedWindows"]}),
        "spec.storefront.protocols",
        '"HttpBasic", "ExplicitForms", "Certificate"',
    ),
    "a redirect over http to a host": Refused(
        client(login={"redirectURI": "http://app.example/callback"}), "spec.login.redirectURI", "http://localhost:7182"
    ),
    "a redirect that only looks like localhost": Refused(
        client(login={"redirectURI": "http://localhost.evil.example/"}), "spec.login.redirectURI", "register and write"
    ),
    "a redirect with a fragment": Refused(
        client(login={"redirectURI": "https://app.example/cb#x"}), "spec.login.redirectURI", "register and write"
    ),
    "a subject with a line end": Refused(
        client(login={"expectedSubject": "a\nb"}), "spec.login.expectedSubject", "copy the value of sub"
    ),
    # the template of the token Secret
    "a template that sets the access token": Refused(
        template(stringData={"access_token": "x"}), "spec.secret.template.stringData", "use another key"
    ),
    "a template that sets the header": Refused(
        template(stringData={"authorization": "x"}), "spec.secret.template.stringData", "use another key"
    ),
    "a template key that is a path": Refused(
        template(stringData={"a/b": "x"}), "spec.secret.template.stringData", "use at most 253 letters"
    ),
    "a template key that is the parent folder": Refused(
        template(stringData={"..": "x"}), "spec.secret.template.stringData", "not beginning with '..'"
    ),
    "a template that asks for the refresh token": Refused(
        template(stringData={"k": "{{ refresh_token }}"}), "spec.secret.template.stringData", "use {{ access_token }}"
    ),
    "a template with logic": Refused(
        template(stringData={"k": "{{ if x }}"}), "spec.secret.template.stringData", "{{ authorization }} only"
    ),
    "a template that claims a Secret by label": Refused(
        template(labels={"citrix-oauth.dev/client-uid": "x"}), "spec.secret.template.labels", "remove that label"
    ),
    "a template that changes the managing label": Refused(
        template(labels={"app.kubernetes.io/managed-by": "x"}), "spec.secret.template.labels", "remove that label"
    ),
    "a label key with a space": Refused(
        template(labels={"a b": "x"}), "spec.secret.template.labels", "write it like example.com/team"
    ),
    "a label value with a space": Refused(
        template(labels={"a": "b c"}), "spec.secret.template.labels", "change it or use an annotation"
    ),
    "a template with the operator's annotation": Refused(
        template(annotations={"citrix-oauth.dev/x": "x"}), "spec.secret.template.annotations", "remove that annotation"
    ),
    "an annotation key with two slashes": Refused(
        template(annotations={"a/b/c": "x"}), "spec.secret.template.annotations", "write it like example.com/team"
    ),
}

ACCEPTED = {
    "an id of base64 that ends in '=='": client(clientID="a2lvc2staW4tdGhlLWxvYg=="),
    "an id of 256 characters": client(clientID="~" * 256),
    "a name of 240 characters": client("a" * 240),
    "a public client that signs in": client(credentialsSecretRef=None),
    "a public client with a seed": client(clientAuthentication="None"),
    "a service principal": principal(citrix={"customerID": "acmecust01"}),
    "a service principal with a certificate": principal(clientAuthentication="TLSClientAuth"),
    "a user of a store": store(),
    "a user with a certificate": store(storefront={"storePath": "/S", "protocols": ["Certificate"]}),
    "every way to log on": store(
        storefront={"storePath": "/S", "protocols": ["Certificate", "HttpBasic", "ExplicitForms"]}
    ),
    "a store with a space in its name": store(storefront={"storePath": "/Citrix/My%20Store/resources/v2"}),
    "every character a scope may have": client(scopes=["!#[]^~:/.default"]),
    "a resource that is no URI": client(resource="4f6a8c2e-api"),
    "a redirect to an IPv6 loopback": client(login={"redirectURI": "http://[::1]:7182/callback"}),
    "a redirect to the portal": client(login={"redirectURI": "https://portal.example:8443/a/b?tenant=1"}),
    "earliest refresh": client(refresh={"atPercent": 10}),
    "latest refresh": client(refresh={"atPercent": 90}),
    "a refresh without a share of its own": client(refresh={}),
    "a template with all parts": template(
        labels={"example.com/team": "a", "empty": ""},
        annotations={"note": "ä"},
        stringData={".netrc": "{{ access_token }}{"},
    ),
    "the credentials' default clash solved by a name": client(
        credentialsSecretRef={"name": "reports-token"}, secret={"name": "reports-access"}
    ),
}
