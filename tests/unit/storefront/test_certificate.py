"""Protocol Certificate against the stand-in: a certificate, and no password, on one path alone."""

import pytest

from citrix_oauth_operator.domain.answers import Answer, Granted, NotSent, Uncertain
from citrix_oauth_operator.domain.client_key import ClientKey
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.wire.failures import identity_refused
from tests.standins.storefront.service import BASIC, CERTIFICATE
from tests.standins.web import Request
from tests.unit.key_pairs import certificate_pem, ec_key, pem
from tests.unit.storefront.wire import LOST, UNREACHABLE, Stage

KNOWN = ClientKey(SecretText(pem(ec_key())), certificate_pem(ec_key(), "svc.example.com"))
UNKNOWN = ClientKey(SecretText(pem(ec_key())), certificate_pem(ec_key(), "nobody.example.com"))


def certified(*protocols: str, key: ClientKey = KNOWN) -> Stage:
    """Return a stage whose StoreFront offers the protocol, and whose client has a certificate."""
    stage = Stage(*protocols or ("Certificate",))
    stage.quirks.offered = ("ExplicitForms", "HttpBasic", "Certificate")
    stage.key = key
    return stage


def problem(answer: Answer) -> Problem:
    """Return why there is no token."""
    assert not isinstance(answer, Granted)
    return answer.problem


async def test_a_certificate_logs_on_without_a_password() -> None:
    """Nothing is marked, for nothing can be sent too often; a refresh shows no certificate again."""
    stage = certified()
    assert isinstance(await stage.run(), Granted)
    assert isinstance(await stage.run(), Granted)
    assert stage.server.shown == ["svc.example.com"]
    assert (stage.posts, stage.marks.told) == (0, [])
    assert stage.primary is not None
    assert stage.primary.credential == KNOWN.fingerprint


async def test_the_certificate_is_shown_on_its_own_path_alone() -> None:
    """Neither the store nor the token service, nor a StoreFront that offers something else, needs to know it."""
    stage = certified("Certificate", "HttpBasic")
    carried: list[Request] = []
    stage.wire.before = carried.append
    await stage.run()
    assert {one.path for one in carried if one.certificate} == {CERTIFICATE}
    assert len(carried) == 6
    carried.clear()
    stage.primary, stage.quirks.offered = None, ("HttpBasic",)
    assert isinstance(await stage.run(), Granted)
    assert not [one for one in carried if one.certificate]
    assert stage.posts == 1
    assert stage.primary is not None
    assert stage.primary.credential == "fp"


@pytest.mark.parametrize("key", [UNKNOWN, None], ids=["of somebody else", "none"])
async def test_a_certificate_that_is_not_taken_is_told(key: ClientKey | None) -> None:
    """With what helps; no password is sent instead."""
    stage = certified("Certificate", "HttpBasic")
    stage.key = key
    found = problem(await stage.run())
    assert (found.reason, found.http_status) == (Reason.CLIENT_REJECTED, 403)
    assert "tls.crt" in found.message
    assert found.remedy
    assert stage.posts == 0


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.CLIENT_REJECTED),
        (403, Reason.CLIENT_REJECTED),
        (404, Reason.RESPONSE_INVALID),
        (429, Reason.SERVER_THROTTLED),
        (500, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
        (200, Reason.RESPONSE_INVALID),
    ],
)
async def test_what_a_status_says_of_the_certificate(status: int, reason: Reason) -> None:
    """Only two of them judge it."""
    stage = certified()
    stage.quirks.certificate_status = status
    assert problem(await stage.run()).reason is reason
    assert stage.marks.told == []


async def test_an_alert_of_the_handshake_is_told_like_a_status() -> None:
    """A server's TLS may refuse it before any path is read."""
    stage = certified()
    stage.wire.before = lambda request: NotSent(identity_refused()) if request.path == CERTIFICATE else None
    found = problem(await stage.run())
    assert found.reason is Reason.CLIENT_REJECTED
    assert "StoreFront" in found.message


@pytest.mark.parametrize("met", [LOST, UNREACHABLE], ids=["lost", "unreachable"])
async def test_a_lost_answer_to_a_certificate_is_free_to_repeat(met: NotSent | Uncertain) -> None:
    """No account is locked by it."""
    stage = certified()
    stage.wire.after = lambda request: met if request.path == CERTIFICATE else None
    assert problem(await stage.run()).transient
    stage.wire.after = lambda _: None
    assert isinstance(await stage.run(), Granted)


@pytest.mark.parametrize("reason", ["badpassword", "badaccount"])
@pytest.mark.parametrize("of", ["the primary token", "the service token"])
async def test_an_account_that_a_challenge_speaks_against_is_asked_for_again(reason: str, of: str) -> None:
    """There is no password that could be sent too often: it is tried again, hourly, by a new logon."""
    stage = certified()
    await stage.run()
    told = stage.quirks.primary_reasons if of == "the primary token" else stage.quirks.service_reasons
    told.append(reason)
    found = problem(await stage.run())
    assert (found.reason, found.server_code) == (Reason.CLIENT_REJECTED, reason)
    assert stage.primary is None
    assert isinstance(await stage.run(), Granted)
    assert len(stage.server.shown) == 2


async def test_a_primary_token_of_a_password_is_told_as_before() -> None:
    """Where both could log on, what did counts."""
    stage = certified("Certificate", "HttpBasic")
    stage.quirks.offered = ("HttpBasic",)
    await stage.run()
    stage.quirks.primary_reasons = ["badaccount"]
    assert problem(await stage.run()).reason is Reason.ACCOUNT_PROBLEM
    assert ("POST", BASIC) in stage.server.asked
