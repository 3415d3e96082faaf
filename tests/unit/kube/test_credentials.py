"""Which keys of a credentials Secret are used, and what is said of those that cannot be."""

from datetime import UTC, datetime
from typing import Any

import pytest

from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.spec import parse_spec
from citrix_oauth_operator.kube.credentials import Credentials, read_credentials
from citrix_oauth_operator.kube.secret_codec import encode
from tests.unit.key_pairs import END, certificate_pem, ec_key, pem

KEY, NEXT, CERTIFICATE = pem(ec_key()), pem(ec_key(1)), certificate_pem(ec_key())


def read(authentication: str, annotations: dict[str, Any] | None = None, /, **keys: str) -> Credentials | Problem:
    """Read a Secret for a client with that authentication; `_crt` in a name stands for `.crt`."""
    named = {name.replace("tls_", "tls."): value for name, value in keys.items()}
    spec = parse_spec(
        "x", {"clientID": "id", "credentialsSecretRef": {"name": "c"}, "clientAuthentication": authentication}
    )
    return read_credentials(spec, {"metadata": {"annotations": annotations}, "data": encode(named)})


def good(authentication: str, annotations: dict[str, Any] | None = None, /, **keys: str) -> Credentials:
    """Read one that is good."""
    found = read(authentication, annotations, **keys)
    assert isinstance(found, Credentials)
    return found


@pytest.mark.parametrize(
    ("authentication", "keys"),
    [
        ("PrivateKeyJWT", {"private_key": KEY}),
        ("PrivateKeyJWT", {"private_key": KEY, "tls_crt": CERTIFICATE}),
        ("PrivateKeyJWT", {"tls_key": KEY, "tls_crt": CERTIFICATE}),
        ("TLSClientAuth", {"tls_key": KEY, "tls_crt": CERTIFICATE}),
        ("TLSClientAuth", {"private_key": KEY, "tls_crt": CERTIFICATE}),
    ],
)
def test_a_key_may_be_called_as_certificate_managers_call_it(authentication: str, keys: dict[str, str]) -> None:
    """Its certificate goes along where there is one, and ends the credential."""
    found = good(authentication, **keys)
    assert found.proof.key is not None
    assert found.proof.key.private_key.reveal() == KEY
    assert found.proof.key.certificate == keys.get("tls_crt", "")
    assert found.end == (END if "tls_crt" in keys else None)
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize(
    ("authentication", "keys", "named"),
    [
        pytest.param("PrivateKeyJWT", {}, "private_key", id="no key"),
        pytest.param("PrivateKeyJWT", {"private_key": "CANARY"}, "private_key", id="no PEM"),
        pytest.param("PrivateKeyJWT", {"private_key": "  \n"}, "private_key", id="blanks"),
        pytest.param(
            "PrivateKeyJWT", {"private_key": KEY, "private_key_next": "CANARY"}, "private_key_next", id="next"
        ),
        pytest.param("PrivateKeyJWT", {"private_key": NEXT, "tls_crt": CERTIFICATE}, "tls.crt", id="no pair"),
        pytest.param("TLSClientAuth", {"tls_crt": CERTIFICATE}, "tls.key", id="a certificate without its key"),
        pytest.param("TLSClientAuth", {"tls_key": KEY}, "tls.crt", id="a key without its certificate"),
        pytest.param("ClientSecretPost", {"client_secret_next": "CANARY"}, "client_secret", id="only the next secret"),
        pytest.param(
            "ClientSecretPost", {"client_secret": "a", "client_secret_next": "b\n"}, "client_secret_next", id="a line"
        ),
    ],
)
def test_what_cannot_be_used_is_named_by_its_key(authentication: str, keys: dict[str, str], named: str) -> None:
    """And its value is not shown."""
    found = read(authentication, **keys)
    assert isinstance(found, Problem)
    assert f"Key {named} of Secret c" in found.message
    assert "CANARY" not in f"{found}"


PASSWORD = {"username": "EXAMPLE\\svc", "password": "CANARY pw"}
PAIR = {"tls.key": KEY, "tls.crt": CERTIFICATE}


def read_logon(protocols: list[str], keys: dict[str, str]) -> Credentials | Problem:
    """Read a Secret for a client of StoreFront."""
    store = {"storePath": "/Citrix/Store/resources/v2", "protocols": protocols}
    spec = parse_spec("x", {"grantType": "CitrixAuth", "credentialsSecretRef": {"name": "c"}, "storefront": store})
    return read_credentials(spec, {"metadata": {}, "data": encode(keys)})


@pytest.mark.parametrize(
    ("protocols", "keys", "missing"),
    [
        (["HttpBasic"], PASSWORD, ""),
        (["Certificate"], PAIR, ""),
        (["Certificate", "HttpBasic"], PASSWORD | PAIR, ""),
        (["HttpBasic"], PAIR, "username"),
        (["Certificate"], PASSWORD, "tls.key"),
        (["Certificate"], {"tls.key": KEY}, "tls.crt"),
        (["Certificate", "HttpBasic"], PAIR, "username"),
        (["HttpBasic", "Certificate"], PASSWORD, "tls.key"),
    ],
)
def test_each_protocol_needs_its_keys(protocols: list[str], keys: dict[str, str], missing: str) -> None:
    """Those of all that are named, for StoreFront's offer decides between them."""
    found = read_logon(protocols, keys)
    if missing:
        assert isinstance(found, Problem)
        assert found.message.startswith(f"Key {missing} of Secret c")
        assert found.message.endswith("is missing.")
        return
    assert isinstance(found, Credentials)
    assert (found.login is not None) is (set(protocols) != {"Certificate"})
    assert (found.proof.key is not None) is ("Certificate" in protocols)
    assert found.end == (END if "Certificate" in protocols else None)


def test_two_secrets_in_rollover_are_two_credentials() -> None:
    """Each with refusals of its own."""
    found = good("ClientSecretPost", client_secret="CANARY-old", client_secret_next="CANARY-new")
    assert found.spare is not None
    assert found.proof.fingerprint != found.spare.fingerprint


def test_two_keys_in_rollover_are_two_credentials() -> None:
    """The next one may have an id of its own."""
    found = good("PrivateKeyJWT", private_key=KEY, private_key_next=NEXT, key_id_next="2027")
    assert found.spare is not None
    assert found.spare.key is not None
    assert (found.spare.key.private_key.reveal(), found.spare.key.key_id) == (NEXT, "2027")


@pytest.mark.parametrize(
    ("noted", "end"),
    [
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12-31T10:00:00+01:00", datetime(2026, 12, 31, 9, tzinfo=UTC)),
        ("soon", None),
        ("", None),
        (5, None),
    ],
)
def test_the_end_that_a_person_noted(noted: object, end: datetime | None) -> None:
    """A day or a time; anything else says nothing."""
    annotations = {"citrix-oauth.dev/credentials-expire-at": noted}
    assert good("ClientSecretPost", annotations, client_secret="CANARY").end == end


def test_the_earlier_end_counts() -> None:
    """The certificate's, or the noted one."""
    annotations = {"citrix-oauth.dev/credentials-expire-at": "2026-12-31"}
    found = good("TLSClientAuth", annotations, tls_key=KEY, tls_crt=CERTIFICATE)
    assert found.end == datetime(2026, 12, 31, tzinfo=UTC)
