"""The stand-ins for the systems refuse what the systems refuse: else a token from them would prove nothing."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tests.standins import systems
from tests.standins.systems import API, CUSTOMER, Proof, System
from tests.standins.web import Reply, Request
from tests.unit.key_pairs import PrivateKey, certificate, ec_key, pem, rsa_key

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
MACHINE = {"grant_type": "client_credentials"}
SECRET = {"client_id": System.client_id, "client_secret": "right"}
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "https://as.example/token"
RIGHT = systems.SecretInForm("right")


def ask(system: System, form: dict[str, str], *shown: bytes | None, **headers: str) -> Reply:
    """Post a token request; `_` in a header's name stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return system.handle(Request("POST", system.token_path, {**FORM, **named}, urlencode(form).encode(), *shown))


def call(system: System, **headers: str) -> int:
    """Call the API; return the status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return system.handle(Request("GET", API, named)).status


def token_of(reply: Reply) -> str:
    """Return the access token of a success."""
    return str(json.loads(reply.body)["access_token"])


def placed(proof: Proof) -> System:
    """Return a system of the plain kind at a fixed address."""
    system = System(proof)
    system.origin = "https://as.example"
    return system


def asserting(key: PrivateKey, algorithm: str, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:  # noqa: ANN401
    """Return a form with an assertion; None takes a claim away."""
    who, now = System.client_id, int(time.time())
    right = {"iss": who, "sub": who, "aud": AUDIENCE, "exp": now + 60, "jti": str(uuid.uuid4())}
    left = {name: value for name, value in {**right, **claims}.items() if value is not None}
    signer = ECKey.import_key(pem(key)) if algorithm.startswith("ES") else RSAKey.import_key(pem(key))
    signed = jwt.encode({"alg": algorithm, **(header or {})}, left, signer, algorithms=[algorithm])
    return {**MACHINE, "client_id": who, "client_assertion_type": BEARER, "client_assertion": signed}


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({**SECRET, "client_secret": "wrong"}, {}, id="a wrong secret"),
        pytest.param({**SECRET, "client_id": "another"}, {}, id="another client"),
        pytest.param({"client_id": System.client_id}, {}, id="no secret"),
        pytest.param(SECRET, {"authorization": "Basic eDp5"}, id="two proofs at once"),
        pytest.param(SECRET, {"content_type": FORM["content-type"] + "; charset=utf-8"}, id="a charset"),
    ],
)
def test_a_secret_in_the_form_must_be_the_registered_one(form: dict[str, str], headers: dict[str, str]) -> None:
    """And nothing else may be shown beside it."""
    assert ask(placed(RIGHT), {**MACHINE, **form}, **headers).status in {400, 401}
    assert ask(placed(RIGHT), {**MACHINE, **SECRET}).status == 200


@pytest.mark.parametrize("pair", ["b3BlcmF0b3I%3D:wrong", "b3BlcmF0b3I=:right+", "another:right%2B"])
def test_a_secret_in_the_header_must_be_form_encoded(pair: str) -> None:
    """A plus that was not encoded is a space to the server (RFC 6749 section 2.3.1)."""
    system = placed(systems.SecretInHeader("right+"))
    assert ask(system, MACHINE, authorization=f"Basic {base64.b64encode(pair.encode()).decode()}").status == 401
    right = base64.b64encode(b"b3BlcmF0b3I%3D:right%2B").decode()
    assert ask(system, MACHINE, authorization=f"Basic {right}").status == 200


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "another"}, id="of another issuer"),
        pytest.param({"sub": "another"}, id="about another client"),
        pytest.param({"aud": "https://other.example/token"}, id="for another server"),
        pytest.param({"exp": NOW - 60}, id="that is over"),
        pytest.param({"exp": NOW + 86400}, id="of a day"),
        pytest.param({"exp": None}, id="without an end"),
        pytest.param({"nbf": NOW + 3600}, id="of tomorrow"),
        pytest.param({"jti": None}, id="without a name"),
    ],
)
def test_an_assertion_that_is_not_as_it_must_be_proves_nothing(claims: dict[str, Any]) -> None:
    """RFC 7523 section 3."""
    system = placed(systems.SignedAssertion(certificate(ec_key()), "ES256"))
    assert ask(system, asserting(ec_key(), "ES256", **claims)).status == 401
    assert ask(system, asserting(ec_key(), "ES256")).status == 200


def test_an_assertion_works_once_and_by_its_own_key_only() -> None:
    """A copy of it is worth nothing."""
    system = placed(systems.SignedAssertion(certificate(ec_key()), "ES256"))
    form = asserting(ec_key(), "ES256")
    assert [ask(system, form).status for _ in range(2)] == [200, 401]
    assert ask(system, asserting(ec_key(1), "ES256")).status == 401
    assert ask(system, asserting(rsa_key(), "RS256")).status == 401


@pytest.mark.parametrize("header", [{}, {"x5t": "AAAA"}, {"x5t#S256": "AAAA"}])
def test_a_certificate_must_be_named_by_its_own_thumbprint_where_that_is_wanted(header: dict[str, str]) -> None:
    """As Entra ID finds the key by it."""
    system = placed(systems.SignedAssertion(certificate(rsa_key()), "RS256", named=True))
    assert ask(system, asserting(rsa_key(), "RS256", header)).status == 401


def test_only_the_certificate_of_the_connection_proves_anything() -> None:
    """The form's client id alone does not."""
    known, other = certificate(ec_key()), certificate(ec_key(1))
    system = placed(systems.CertificateOfConnection(known))
    form = {**MACHINE, "client_id": System.client_id}
    der = [one.public_bytes(Encoding.DER) for one in (other, known)]
    assert [ask(system, form, shown).status for shown in (None, *der)] == [401, 401, 200]


def test_a_refresh_token_is_one_of_ours_and_works_once() -> None:
    """Except where the kind says otherwise; a revoked one works nowhere."""
    for kind, statuses in ((System, [200, 400]), (systems.Entra, [200, 200]), (systems.Adfs, [200, 200])):
        system = kind(RIGHT)
        form = {"grant_type": "refresh_token", "client_id": kind.client_id, "client_secret": "right"}
        seed = system.sign_in()
        assert [ask(system, {**form, "refresh_token": seed}).status for _ in range(2)] == statuses
        assert ask(system, {**form, "refresh_token": "guessed"}).status in {400, 401}
        system.revoke()
        assert ask(system, {**form, "refresh_token": seed}).status in {400, 401}


def test_the_api_takes_living_tokens_of_ours_by_the_exact_scheme() -> None:
    """Letter by letter: consumers copy the header as it is."""
    system = placed(RIGHT)
    token = token_of(ask(system, {**MACHINE, **SECRET}))
    assert call(system, authorization=f"Bearer {token}") == 200
    for wrong in (f"bearer {token}", f"Bearer  {token}", f"CwsAuth Bearer={token}", "Bearer guessed", token):
        assert call(system, authorization=wrong) == 401
    system.expire()
    assert call(system, authorization=f"Bearer {token}") == 401


def test_citrix_cloud_wants_its_own_scheme_and_the_customer() -> None:
    """An equals sign, and header Citrix-CustomerId."""
    system = systems.CitrixCloudApi(RIGHT)
    form = {**MACHINE, "client_id": system.client_id, "client_secret": "right"}
    assert ask(system, form, accept="*/*").status == 406
    reply = ask(system, form)
    assert json.loads(reply.body)["expires_in"] == "2"
    token = token_of(reply)
    assert call(system, authorization=f"CwsAuth Bearer={token}") == 500
    assert call(system, authorization=f"CwsAuth Bearer={token}", citrix_customerid=CUSTOMER) == 200
    assert call(system, authorization=f"Bearer {token}", citrix_customerid=CUSTOMER) == 401


def test_entra_wants_a_default_scope_from_an_application() -> None:
    """AADSTS1002012."""
    system = systems.Entra(RIGHT)
    form = {**MACHINE, "client_id": system.client_id, "client_secret": "right"}
    assert json.loads(ask(system, {**form, "scope": "api://x/read"}).body)["error_codes"] == [1002012]
    assert ask(system, {**form, "scope": "api://x/.default"}).status == 200
