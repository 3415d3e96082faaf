"""Specs, servers, selectors, durations: what is understood, and what is refused by the name of its field."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from citrix_oauth_operator.domain.durations import parse_duration, parse_rfc3339, rfc3339, words
from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.observed import PastStatus
from citrix_oauth_operator.domain.problems import spec_invalid
from citrix_oauth_operator.domain.schedule import backoff, ladder_delay, refresh_due, take_over_reserve
from citrix_oauth_operator.domain.selector import LabelSelector
from citrix_oauth_operator.domain.server import AllowedNamespaces, parse_server
from citrix_oauth_operator.domain.spec import ClientAuthentication, Customer, parse_spec
from citrix_oauth_operator.servers import profile
from tests.unit.examples import MINUTE
from tests.unit.fakes import T0

SECOND = timedelta(seconds=1)

APPLICATION = "6c4a2f0e-1111-4222-8333-444455556666"
SMALL: dict[str, object] = {"clientID": "id==", "credentialsSecretRef": {"name": "creds"}}
OIDC: dict[str, object] = {"type": "OIDC", "issuer": "https://as.example"}


def test_the_smallest_client() -> None:
    """Every default is a value."""
    spec = parse_spec("reports", SMALL)
    assert (spec.server_name, spec.secret_name, spec.at_percent) == ("citrix-cloud", "reports-token", 60)
    assert spec.client_authentication is ClientAuthentication.CLIENT_SECRET_POST


def test_a_public_client_needs_no_credentials() -> None:
    """Without a Secret there is nothing to prove itself with."""
    assert parse_spec("x", {"clientID": "id"}).client_authentication is ClientAuthentication.NONE


def test_whose_discovery_document_is_used() -> None:
    """None of both fields: the server's own metadata."""
    assert parse_spec("x", SMALL).customer is None
    both = {"customerDomain": "acme.cloud.com", "applicationID": APPLICATION, "customerID": "acmecust01"}
    assert parse_spec("x", {**SMALL, "citrix": both}).customer == Customer("acme.cloud.com", APPLICATION)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"clientID": ""}, "spec.clientID"),
        ({"clientID": "a b"}, "spec.clientID"),
        ({"clientID": 5}, "spec.clientID"),
        ({"grantType": "Password"}, "spec.grantType"),
        ({"grantType": "CitrixAuth"}, "spec.storefront.storePath"),
        ({"grantType": "ClientCredentials", "credentialsSecretRef": None}, "spec.clientAuthentication"),
        ({"clientAuthentication": "ClientSecretBasic", "credentialsSecretRef": None}, "spec.credentialsSecretRef"),
        ({"clientAuthentication": "PrivateKeyJWT", "credentialsSecretRef": None}, "spec.credentialsSecretRef"),
        ({"login": {"redirectURI": 5}}, "spec.login.redirectURI"),
        ({"storefront": {}}, "spec.storefront"),
        ({"secret": {"template": {"stringData": {"access_token": "x"}}}}, "spec.secret.template.stringData"),
        ({"deletionPolicy": "Revoke", "grantType": "ClientCredentials"}, "spec.deletionPolicy"),
        ({"citrix": {"customerDomain": "acme.cloud.com"}}, "spec.citrix.applicationID"),
        ({"citrix": {"applicationID": APPLICATION}}, "spec.citrix.customerDomain"),
        (
            {"citrix": {"customerDomain": "acme.cloud.com:8443", "applicationID": APPLICATION}},
            "spec.citrix.customerDomain",
        ),
        (
            {"citrix": {"customerDomain": "acme.cloud.com/x", "applicationID": APPLICATION}},
            "spec.citrix.customerDomain",
        ),
        ({"citrix": {"customerDomain": "acme.cloud.com", "applicationID": "id\r\n"}}, "spec.citrix.applicationID"),
        (
            {"citrix": {"customerDomain": "a.b", "applicationID": APPLICATION}, "grantType": "ClientCredentials"},
            "spec.citrix.customerDomain",
        ),
        (
            {"grantType": "CitrixAuth", "storefront": {"storePath": "/../x"}, "credentialsSecretRef": {"name": "x"}},
            "spec.storefront.storePath",
        ),
        (
            {"grantType": "CitrixAuth", "storefront": {"storePath": "/x", "protocols": ["Kerberos"]}},
            "spec.storefront.protocols",
        ),
        (
            {"grantType": "CitrixAuth", "storefront": {"storePath": "/x"}, "credentialsSecretRef": None},
            "spec.credentialsSecretRef",
        ),
        ({"scopes": "openid"}, "spec.scopes"),
        ({"scopes": [1]}, "spec.scopes"),
        ({"suspend": "yes"}, "spec.suspend"),
        ({"refresh": {"atPercent": True}}, "spec.refresh.atPercent"),
        ({"secret": "x"}, "spec.secret"),
    ],
)
def test_a_wrong_client_is_refused_by_field(change: dict[str, object], field: str) -> None:
    """Also what a later version will do: a field is never ignored."""
    with pytest.raises(FieldError) as caught:
        parse_spec("x", {**SMALL, **change})
    assert caught.value.path == field
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "Kerberos"}, "spec.type"),
        ({"type": "StoreFront", "issuer": None}, "spec"),
        ({"type": "StoreFront", "issuer": None, "storefront": {"baseURL": "http://sf"}}, "spec.storefront.baseURL"),
        ({"issuer": None}, "spec"),
        ({"issuer": "http://as.example"}, "spec.issuer"),
        ({"issuer": "https://user@as.example"}, "spec.issuer"),
        ({"issuer": "https://as.example/#x"}, "spec.issuer"),
        ({"issuer": "https://as.example:x/"}, "spec.issuer"),
        ({"issuer": "http://127.0.0.1:8080"}, "spec.issuer"),
        ({"endpoints": {"token": "ftp://as.example/"}}, "spec.endpoints.token"),
        ({"caBundle": "no base64"}, "spec.caBundle"),
        ({"caBundle": base64.b64encode(b"no PEM").decode()}, "spec.caBundle"),
        ({"allowedAddresses": ["10.0.0.0/99"]}, "spec.allowedAddresses"),
        ({"accessTokenLifetime": "soon"}, "spec.accessTokenLifetime"),
        ({"requests": {"minInterval": "1 minute"}}, "spec.requests.minInterval"),
    ],
)
def test_a_wrong_server_is_refused_by_field(change: dict[str, object], field: str) -> None:
    """Only https, but for a loopback address that is allowed by name."""
    with pytest.raises(FieldError) as caught:
        parse_server("as", {**OIDC, **change})
    assert caught.value.path == field


def test_a_loopback_server_must_be_allowed_by_name() -> None:
    """For tests and demos, never by default."""
    server = parse_server("as", {**OIDC, "issuer": "http://127.0.0.1:8080", "allowedAddresses": ["127.0.0.0/8"]})
    assert server.identity == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({}, True),
        ({"matchLabels": {"team": "a"}}, True),
        ({"matchLabels": {"team": "b"}}, False),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "absent", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
    ],
)
def test_selectors_match_as_the_api_servers_do(selector: dict[str, object], matches: bool) -> None:
    """All requirements, and absent keys as in labels.Selector."""
    assert LabelSelector.parse(selector).matches({"team": "a"}) is matches


def test_allowed_namespaces() -> None:
    """All, by name, by label; an empty list of names allows nobody."""
    assert AllowedNamespaces().allow("x", {})
    assert AllowedNamespaces(names=frozenset({"a"})).allow("a", {})
    assert not AllowedNamespaces(names=frozenset({"a"})).allow("b", {})
    assert not AllowedNamespaces(names=frozenset()).allow("a", {})


@pytest.mark.parametrize(("text", "seconds"), [("24h", 86400), ("1h30m", 5400), ("60s", 60), ("0s", 0)])
def test_durations(text: str, seconds: int) -> None:
    """As the API writes them."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "1d", "h", "-1h", "1m1h", "1.5h", " 1h"])
def test_no_durations(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_times_are_never_rounded_up() -> None:
    """An expiry a second too late is a failed request."""
    assert rfc3339(datetime(2026, 3, 1, 12, 0, 59, 999999, UTC)) == "2026-03-01T12:00:59Z"
    assert parse_rfc3339("2026-03-01T12:00:00Z") == T0
    assert [parse_rfc3339(text) for text in (None, "x", "2026-03-01T12:00:00")] == [None, None, None]
    assert [words(timedelta(seconds=s)) for s in (0, 40, 90, 3600, 5400, -5)] == [
        "0s", "40s", "1m30s", "1h", "1h30m", "0s"
    ]  # fmt: skip


def test_the_schedule() -> None:
    """60 % of the life minus up to a tenth, never under the interval; the ladder; the back-off; the reserve."""
    assert refresh_due(T0, 30 * MINUTE, 60, 0, MINUTE) == T0 + 18 * MINUTE
    assert refresh_due(T0, 30 * MINUTE, 60, 1, MINUTE) == T0 + 15 * MINUTE
    assert refresh_due(T0, 10 * MINUTE, 90, 0, MINUTE) == T0 + 8 * MINUTE, "two minutes are left for the kubelet"
    assert refresh_due(T0, 4 * MINUTE, 60, 0, MINUTE) == T0 + 2 * MINUTE
    assert refresh_due(T0, 200 * SECOND, 60, 0, MINUTE) == T0 + 2 * MINUTE, "too short to leave them"
    assert refresh_due(T0, 90 * SECOND, 60, 0, MINUTE) == T0 + MINUTE
    assert refresh_due(T0, MINUTE, 60, 0, MINUTE / 2) == T0 + 36 * SECOND
    assert refresh_due(T0, MINUTE, 60, 0, MINUTE) == T0 + 150 * SECOND, "over before the next one may be asked for"
    assert [ladder_delay(n).seconds for n in range(1, 17)] == [1, 3, 9, 20, *[60] * 10, 900, 900]
    assert [backoff(n, 0).seconds for n in (1, 2, 3, 9, 99)] == [2, 4, 8, 300, 300]
    assert backoff(99, 1).seconds == 225
    assert (take_over_reserve(30 * MINUTE), take_over_reserve(4 * MINUTE)) == (3 * MINUTE, MINUTE)


def test_everything_that_is_wrong_with_a_client_is_told_at_once() -> None:
    """Whoever corrects it does not learn of the next flaw after the next apply."""
    wrong = {
        "clientID": "a b",
        "grantType": "Password",
        "scopes": [1],
        "storefront": {},
        "citrix": {"customerID": "a/b"},
    }
    with pytest.raises(FieldError) as caught:
        parse_spec("x", wrong)
    told = spec_invalid(caught.value)
    for field in ("spec.clientID", "spec.grantType", "spec.scopes", "spec.storefront", "spec.citrix.customerID"):
        assert f"{field} " in told.message
        assert f"{field}: " in told.remedy


def test_everything_that_is_wrong_with_a_server_is_told_at_once() -> None:
    """Nested parts too."""
    selector = {"matchExpressions": [{"key": "a", "operator": "Near"}]}
    namespaces = {"from": "Selector", "selector": selector}
    with pytest.raises(FieldError) as caught:
        parse_server("as", {**OIDC, "type": "x", "accessTokenLifetime": "soon", "allowedNamespaces": namespaces})
    paths = {error.path for error in (caught.value, *caught.value.others)}
    prefix = "spec.allowedNamespaces.selector.matchExpressions"
    assert paths == {"spec.type", "spec.accessTokenLifetime", f"{prefix}.operator"}


def test_of_very_many_flaws_the_first_are_told() -> None:
    """Status is no place for a page."""
    others = tuple(FieldError(f"spec.x{n}", "is wrong", "correct it") for n in range(20))
    told = spec_invalid(FieldError("spec.first", "is wrong", "correct it", others))
    assert told.message.count("is wrong") == 8
    assert "and 13 more" in told.message


def test_a_status_that_is_no_status_is_refused() -> None:
    """Read as absent, a seq would no longer tell a restored backup."""
    with pytest.raises(FieldError):
        PastStatus.parse({"grant": {"seq": "7"}})


TENANT = "https://login.microsoftonline.com/6c4a2f0e-1111-4222-8333-444455556666/v2.0"


@pytest.mark.parametrize(
    ("spec", "token", "authorization", "keys"),
    [
        pytest.param(
            {"type": "EntraID", "issuer": TENANT},
            f"{TENANT[:-5]}/oauth2/v2.0/token",
            f"{TENANT[:-5]}/oauth2/v2.0/authorize",
            f"{TENANT[:-5]}/discovery/v2.0/keys",
            id="Entra ID from the tenant",
        ),
        pytest.param(
            {"type": "ADFS", "issuer": "https://sts.example.com/adfs"},
            "https://sts.example.com/adfs/oauth2/token",
            "https://sts.example.com/adfs/oauth2/authorize",
            "https://sts.example.com/adfs/discovery/keys",
            id="ADFS from the host",
        ),
        pytest.param(
            {
                "type": "NetScaler",
                "issuer": "https://gw.example.com",
                "endpoints": {"token": "https://gw.example.com:8443/oauth/idp/token"},
            },
            "https://gw.example.com:8443/oauth/idp/token",
            "https://gw.example.com/oauth/idp/login",
            "https://gw.example.com/oauth/idp/certs",
            id="NetScaler by hand, the rest from the host",
        ),
        pytest.param(
            {"type": "NetScaler", "endpoints": {"token": "https://gw.example.com/t"}},
            "https://gw.example.com/t",
            "",
            "",
            id="NetScaler by hand alone",
        ),
    ],
)
def test_a_type_knows_where_its_endpoints_are(
    spec: dict[str, object], token: str, authorization: str, keys: str
) -> None:
    """No metadata document is asked; what is given by hand wins."""
    found = parse_server("idp", spec, lambda kind: profile(kind).kind)
    assert (found.endpoints.token, found.endpoints.authorization, found.endpoints.keys) == (token, authorization, keys)
    assert found.endpoints.issuer == (found.issuer or "")


@pytest.mark.parametrize(
    ("kind", "issuer"),
    [
        ("EntraID", "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0"),
        ("EntraID", "https://login.microsoftonline.com/common/v2.0"),
        ("EntraID", TENANT[:-5]),
        ("ADFS", "https://sts.example.com"),
        ("ADFS", "https://sts.example.com/adfs/"),
        ("NetScaler", "https://gw.example.com/oauth/idp"),
    ],
)
def test_an_issuer_of_another_form_is_refused_with_an_example(kind: str, issuer: str) -> None:
    """Its tokens would name another issuer, and its endpoints would be elsewhere."""
    with pytest.raises(FieldError) as caught:
        parse_server("idp", {"type": kind, "issuer": issuer}, lambda kind: profile(kind).kind)
    assert caught.value.path == "spec.issuer"
    assert "https://" in caught.value.remedy


@pytest.mark.parametrize(
    ("kind", "issuer", "days", "model", "reusable"),
    [("EntraID", TENANT, 90, "Sliding", True), ("ADFS", "https://sts.example.com/adfs", 1 / 3, "Absolute", True)],
)
def test_a_type_knows_how_long_its_refresh_tokens_live(
    kind: str, issuer: str, days: float, model: str, reusable: bool
) -> None:
    """The object's own words win."""
    spec: dict[str, object] = {"type": kind, "issuer": issuer}
    found = parse_server("idp", spec, lambda kind: profile(kind).kind)
    assert found.refresh_token_lifetime == timedelta(days=days)
    assert (found.lifetime_model, found.reusable) == (model, reusable)
    told = {**spec, "refreshToken": {"lifetime": "2h", "lifetimeModel": "Unknown"}}
    assert parse_server("idp", told, lambda kind: profile(kind).kind).lifetime_model == "Unknown"
