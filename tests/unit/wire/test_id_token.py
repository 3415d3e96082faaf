"""Whose id_token is believed: branch by branch, with tokens that are really signed."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from citrix_oauth_operator.domain.answers import NotSent, Uncertain
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reach import Reach
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.sign_in import Expected
from citrix_oauth_operator.domain.sign_in_problems import NO_ID_TOKEN, WRONG_PERSON
from citrix_oauth_operator.wire.id_token import IdTokens
from citrix_oauth_operator.wire.raw import RawAnswer
from tests.unit import people
from tests.unit.fakes import FakeClock
from tests.unit.people import ISSUER, KEY, KEYS, NONCE, Keys, key_set

CLOCK = FakeClock()
NOW = CLOCK.now()
SECONDS = int(NOW.timestamp())
REACH = Reach()
EXPECTED = Expected(ISSUER, KEYS, "id==", NONCE, subject="", required=True, replaces="")
RSA = RSAKey.generate_key(2048, {"kid": "r1"})


class Time:
    """Monotonic seconds that move when told."""

    now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


async def _check(token: str | None, expected: Expected = EXPECTED, keys: Keys | None = None) -> str | Problem:
    held = SecretText(token) if token is not None else None
    return await IdTokens(keys or Keys(), Time()).check(held, expected, REACH, NOW)


def _signed(**changed: object) -> str:
    return people.signed(people.claims(CLOCK, **changed))


@pytest.mark.parametrize("kind", [["RSA"], {}, None, 1], ids=str)
async def test_a_key_of_no_kind_is_passed_over(kind: object) -> None:
    """Whatever JSON a server writes there: the other keys are used."""
    keys = Keys()
    good = json.loads(key_set(KEY).body)["keys"]
    keys.answer = RawAnswer(200, {}, json.dumps({"keys": [{**good[0], "kty": kind}, *good]}).encode())
    assert await _check(_signed(), keys=keys) == "ada"


async def test_keys_that_are_known_outlive_a_fetch_that_fails() -> None:
    """A token of an unknown key makes us ask again; what cannot be had then costs no other sign-in its keys."""
    keys, time = Keys(), Time()
    checks = IdTokens(keys, time)
    assert await checks.prepare(EXPECTED, REACH) is None
    keys.answer = RawAnswer(503, {}, b"")
    time.now += 61
    stranger = people.signed(people.claims(CLOCK), ECKey.generate_key("P-256", {"kid": "k1"}))
    assert isinstance(await checks.check(SecretText(stranger), EXPECTED, REACH, NOW), Problem)
    assert await checks.check(SecretText(_signed()), EXPECTED, REACH, NOW) == "ada"


CLAIMS = [
    pytest.param({}, "", id="as expected"),
    pytest.param({"iss": "https://evil.example"}, "another issuer", id="another issuer"),
    pytest.param({"iss": ISSUER + "/"}, "another issuer", id="an issuer with a slash more"),
    pytest.param({"iss": None}, "another issuer", id="no issuer"),
    pytest.param({"iss": [ISSUER]}, "another issuer", id="a list of issuers"),
    pytest.param({"aud": ["id==", "other"]}, "", id="one of several audiences"),
    pytest.param({"aud": ["other"]}, "another client", id="a list without us"),
    pytest.param({"aud": []}, "another client", id="an empty list"),
    pytest.param({"aud": None}, "another client", id="no audience"),
    pytest.param({"aud": "id==x"}, "another client", id="an audience that begins like us"),
    pytest.param({"aud": {"id==": 1}}, "another client", id="an object for an audience"),
    pytest.param({"azp": "id=="}, "", id="issued to us"),
    pytest.param({"aud": ["id==", "other"], "azp": "other"}, "another client", id="issued to somebody else"),
    pytest.param({"nonce": None}, "another sign-in", id="no nonce"),
    pytest.param({"nonce": NONCE + "x"}, "another sign-in", id="another nonce"),
    pytest.param({"exp": SECONDS - 119}, "", id="over, but within the leeway"),
    pytest.param({"exp": SECONDS - 120}, "has expired", id="over"),
    pytest.param({"exp": None}, "has expired", id="without an end"),
    pytest.param({"exp": str(SECONDS + 300)}, "has expired", id="a text for an end"),
    pytest.param({"exp": True}, "has expired", id="true for an end"),
    pytest.param({"exp": 10**30}, "", id="an end beyond any calendar"),
    pytest.param({"iat": SECONDS + 120}, "", id="issued by a clock ahead of ours, within the leeway"),
    pytest.param({"iat": SECONDS + 121}, "not valid yet", id="issued in the future"),
    pytest.param({"iat": None}, "", id="without a time of issue"),
    pytest.param({"iat": "now"}, "not valid yet", id="a word for the time of issue"),
    pytest.param({"nbf": SECONDS + 121}, "not valid yet", id="not to be used yet"),
    pytest.param({"sub": None}, "names nobody", id="nobody"),
    pytest.param({"sub": ""}, "names nobody", id="an empty name"),
    pytest.param({"sub": "ada\nlovelace"}, "names nobody", id="a name with a line break"),
    pytest.param({"sub": "a" * 256}, "names nobody", id="a name without end"),
    pytest.param({"sub": 7}, "names nobody", id="a number for a name"),
]


@pytest.mark.parametrize("keys", [KEYS, ""], ids=["by its keys", "by TLS alone"])
@pytest.mark.parametrize(("changed", "flaw"), CLAIMS)
async def test_what_a_token_must_say(changed: dict[str, object], flaw: str, keys: str) -> None:
    """With and without a JWK Set; OpenID Connect Core section 3.1.3.7."""
    proved = await _check(_signed(**changed), replace(EXPECTED, keys=keys))
    if not flaw:
        assert proved == "ada"
        return
    assert isinstance(proved, Problem)
    assert (proved.reason, flaw in proved.message) == (Reason.RESPONSE_INVALID, True), proved.message
    assert "evil" not in proved.message


@pytest.mark.parametrize(("subject", "expected"), [("ada", "ada"), ("bob", WRONG_PERSON), ("ADA", WRONG_PERSON)])
async def test_only_the_expected_person_may_sign_in(subject: str, expected: str | Problem) -> None:
    """Compared byte for byte."""
    assert await _check(_signed(), replace(EXPECTED, subject=subject)) == expected


@pytest.mark.parametrize(("required", "expected"), [(True, NO_ID_TOKEN), (False, "")])
async def test_no_token_is_enough_where_none_was_asked_for(required: bool, expected: str | Problem) -> None:
    """Who asked for `openid`, or expects somebody, gets one."""
    assert await _check(None, replace(EXPECTED, required=required)) == expected


async def test_without_an_issuer_none_is_compared() -> None:
    """Of endpoints that an admin gave by hand."""
    assert await _check(_signed(iss="https://any.example"), replace(EXPECTED, issuer="", keys="")) == "ada"


def _jws(header: Mapping[str, object], key: ECKey | RSAKey) -> str:
    content = json.dumps(people.claims(CLOCK))
    return jws.serialize_compact(dict(header), content, key, algorithms=[str(header["alg"])])


def _unsigned() -> str:
    head = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    return f"{head}.{_signed().split('.')[1]}."


def _with_the_public_key_as_a_secret() -> str:
    """Sign as who lets the token name the algorithm would check it: with the server's public key for a secret."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"k1"}').rstrip(b"=")
    signed = head + b"." + _signed().split(".")[1].encode()
    digest = hmac.new(KEY.as_pem(private=False), signed, "sha256").digest()
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


def _another_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "k1"})


def _altered() -> str:
    head, payload, signature = _signed().split(".")
    return f"{head}.{payload[:-4]}AAAA.{signature}"


FORGED: dict[str, Callable[[], str]] = {
    "without a signature": _unsigned,
    "the public key for a secret": _with_the_public_key_as_a_secret,
    "another key under our kid": lambda: people.signed(people.claims(CLOCK), _another_key()),
    "another kind of key under our kid": lambda: _jws({"alg": "RS256", "kid": "k1"}, RSA),
    "a key of its own in the header": lambda: _jws({"alg": "RS256", "jwk": RSA.as_dict(private=False)}, RSA),
    "altered": _altered,
    "no token at all": lambda: "a.b",
    "empty": lambda: "",
    "an encrypted one": lambda: "a.b.c.d.e",
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_a_token_that_the_server_has_not_signed_is_refused(forged: Callable[[], str]) -> None:
    """Whatever its header says."""
    proved = await _check(forged())
    assert isinstance(proved, Problem)
    assert (proved.reason, "not signed with a key" in proved.message) == (Reason.RESPONSE_INVALID, True)


@pytest.mark.parametrize("text", ["a.b", "", "a.b.c.d.e", "\x00"])
async def test_what_is_no_token_proves_nothing_by_tls_either(text: str) -> None:
    """There is nothing to read."""
    proved = await _check(text, replace(EXPECTED, keys=""))
    assert isinstance(proved, Problem)
    assert "cannot be read" in proved.message


def _keys(*members: object) -> RawAnswer:
    return RawAnswer(200, {}, json.dumps({"keys": list(members)}).encode())


PUBLIC = KEY.as_dict(private=False)


async def test_keys_that_are_of_no_use_are_passed_over() -> None:
    """For encryption, symmetric, of an unknown kind, or broken: the good one beside them counts."""
    keys = Keys()
    odd = [{**PUBLIC, "use": "enc"}, {"kty": "oct", "k": "AA"}, {"kty": "XX"}, {**PUBLIC, "x": "!"}, "text", None]
    keys.answer = _keys(*odd, PUBLIC)
    assert await _check(_signed(), keys=keys) == "ada"


async def test_a_key_that_is_not_there_may_be_new_and_is_asked_for_once() -> None:
    """A rotated key; at most once a minute, so that forged tokens make no requests."""
    keys, time = Keys(), Time()
    checker = IdTokens(keys, time)
    new = _another_key()
    token = SecretText(people.signed(people.claims(CLOCK), new))
    assert await checker.prepare(EXPECTED, REACH) is None
    keys.answer = key_set(new)
    for _ in range(3):
        assert isinstance(await checker.check(token, EXPECTED, REACH, NOW), Problem)
    assert keys.asked == 1
    time.now += 60
    assert await checker.check(token, EXPECTED, REACH, NOW) == "ada"
    assert await checker.check(token, EXPECTED, REACH, NOW) == "ada"
    assert keys.asked == 2
    stranger = SecretText(people.signed(people.claims(CLOCK), _another_key()))
    time.now += 60
    assert isinstance(await checker.check(stranger, EXPECTED, REACH, NOW), Problem)
    assert keys.asked == 3


async def test_keys_are_kept_for_an_hour() -> None:
    """Of each server by itself."""
    keys, time = Keys(), Time()
    checker = IdTokens(keys, time)
    for seconds in (0, 3599, 1):
        time.now += seconds
        assert await checker.prepare(EXPECTED, REACH) is None
    assert keys.asked == 2
    await checker.prepare(EXPECTED, Reach(allowed_hosts=("x.example",)))
    assert keys.asked == 3


UNREACHABLE = NotSent(Problem(Reason.SERVER_UNREACHABLE, "no"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(UNREACHABLE, Reason.SERVER_UNREACHABLE, id="not reached"),
        pytest.param(Uncertain(Problem(Reason.OUTCOME_UNKNOWN, "x")), Reason.DISCOVERY_FAILED, id="half an answer"),
        pytest.param(RawAnswer(500, {}, b""), Reason.DISCOVERY_FAILED, id="an error"),
        pytest.param(RawAnswer(200, {}, b"[]"), Reason.DISCOVERY_FAILED, id="no object"),
        pytest.param(RawAnswer(200, {}, b'{"keys":{}}'), Reason.DISCOVERY_FAILED, id="no list"),
        pytest.param(_keys(), Reason.DISCOVERY_FAILED, id="no key"),
        pytest.param(_keys({"kty": "oct", "k": "AA"}), Reason.DISCOVERY_FAILED, id="only a secret one"),
    ],
)
async def test_without_keys_nothing_is_spent_and_nothing_believed(
    answer: RawAnswer | NotSent | Uncertain, reason: Reason
) -> None:
    """Before the code is sent, and after; a failure is not remembered."""
    keys = Keys()
    keys.answer = answer
    checker = IdTokens(keys, Time())
    for found in (
        await checker.prepare(EXPECTED, REACH),
        await checker.check(SecretText(_signed()), EXPECTED, REACH, NOW),
    ):
        assert isinstance(found, Problem)
        assert (found.reason, found.transient) == (reason, True)
    keys.answer = key_set(KEY)
    assert await checker.prepare(EXPECTED, REACH) is None


async def test_an_issuer_whose_keys_are_on_a_host_that_is_not_allowed_is_told_before() -> None:
    """Nothing is fetched, and no code sent."""
    keys = Keys()
    found = await IdTokens(keys, Time()).prepare(replace(EXPECTED, keys=""), REACH)
    assert isinstance(found, Problem)
    assert (found.reason, keys.asked) == (Reason.DISCOVERY_FAILED, 0)
    assert await IdTokens(keys, Time()).prepare(replace(EXPECTED, keys="", issuer=""), REACH) is None


async def test_a_token_is_judged_by_when_it_came() -> None:
    """One that lay in the spill folder for an hour was good when it came."""
    checker = IdTokens(Keys(), Time())
    token = SecretText(_signed())
    assert await checker.check(token, EXPECTED, REACH, NOW) == "ada"
    assert isinstance(await checker.check(token, EXPECTED, REACH, NOW + timedelta(hours=1)), Problem)
