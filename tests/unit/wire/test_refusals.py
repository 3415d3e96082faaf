"""What an answer without tokens means for the refresh token."""

import json
from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.answers import Answer, Refused, Uncertain
from citrix_oauth_operator.domain.catalogue import Catalogue
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_answer
from tests.unit.wire.canned_answers import AT, GOOD, NOW, read

PAGE = b"<html><h1>Unable to Process Your Request</h1><p>Transaction ID: <b>11112222-aaaa-bbbb</b></p></html>"


@pytest.mark.parametrize(
    ("body", "status", "kind", "reason"),
    [
        pytest.param({"error": "invalid_grant"}, 400, Refused, Reason.GRANT_REJECTED, id="invalid_grant"),
        pytest.param({"error": "invalid_grant"}, 401, Refused, Reason.GRANT_REJECTED, id="invalid_grant with 401"),
        pytest.param({"error": "invalid_grant"}, 200, Refused, Reason.GRANT_REJECTED, id="invalid_grant with 200"),
        pytest.param(
            {"error": "invalid_grant"}, 403, Uncertain, Reason.RESPONSE_INVALID, id="invalid_grant, misplaced"
        ),
        pytest.param({"error": "invalid_grant"}, 500, Uncertain, Reason.SERVER_ERROR, id="invalid_grant with 500"),
        pytest.param(
            {"error": "invalid_grant", "access_token": AT},
            200,
            Refused,
            Reason.GRANT_REJECTED,
            id="an error and an access token, but no refresh token",
        ),
        pytest.param({"error": "invalid_client"}, 401, Refused, Reason.CLIENT_REJECTED, id="invalid_client with 401"),
        pytest.param({"error": "invalid_client"}, 400, Refused, Reason.CLIENT_REJECTED, id="invalid_client with 400"),
        pytest.param({"error": "unauthorized_client"}, 401, Refused, Reason.CLIENT_REJECTED, id="unauthorized_client"),
        pytest.param({"error": "unauthorized_client"}, 403, Refused, Reason.CLIENT_REJECTED, id="the same with 403"),
        pytest.param(
            {"error": "unsupported_grant_type"}, 400, Refused, Reason.CLIENT_REJECTED, id="unsupported_grant_type"
        ),
        pytest.param({"error": "invalid_scope"}, 400, Refused, Reason.SCOPE_REJECTED, id="invalid_scope"),
        pytest.param({"error": "invalid_target"}, 400, Uncertain, Reason.RESPONSE_INVALID, id="invalid_target"),
        pytest.param({"error": "invalid_request"}, 400, Uncertain, Reason.RESPONSE_INVALID, id="invalid_request"),
        pytest.param({"error": "surprise"}, 400, Uncertain, Reason.RESPONSE_INVALID, id="an unknown code"),
        pytest.param({"error": {"a": 1}}, 400, Uncertain, Reason.RESPONSE_INVALID, id="a code that is an object"),
        pytest.param({"error": ""}, 400, Uncertain, Reason.RESPONSE_INVALID, id="an empty code"),
        pytest.param({"error": "invalid\x00_grant"}, 400, Uncertain, Reason.RESPONSE_INVALID, id="a code in disguise"),
        pytest.param({"error": "server_error"}, 400, Refused, Reason.SERVER_ERROR, id="server_error with 400"),
        pytest.param(
            {"error": "temporarily_unavailable"}, 400, Refused, Reason.SERVER_ERROR, id="unavailable with 400"
        ),
        pytest.param({"error": "temporarily_unavailable"}, 503, Uncertain, Reason.SERVER_ERROR, id="and with 503"),
        pytest.param({"error": "server_error"}, 200, Uncertain, Reason.SERVER_ERROR, id="server_error with 200"),
        pytest.param({"error": "slow_down"}, 400, Refused, Reason.SERVER_THROTTLED, id="slow_down"),
        pytest.param(b"", 429, Refused, Reason.SERVER_THROTTLED, id="429 without a body"),
        pytest.param({"error": "invalid_grant"}, 429, Refused, Reason.SERVER_THROTTLED, id="429 wins over a code"),
        pytest.param(b"<html>", 502, Uncertain, Reason.SERVER_ERROR, id="a gateway's page"),
        pytest.param(GOOD, 500, Uncertain, Reason.SERVER_ERROR, id="tokens with 500"),
        pytest.param(GOOD, 401, Uncertain, Reason.RESPONSE_INVALID, id="tokens with 401"),
        pytest.param(b"", 204, Uncertain, Reason.RESPONSE_INVALID, id="204"),
        pytest.param(b"", 307, Refused, Reason.RESPONSE_INVALID, id="a redirect"),
        pytest.param(GOOD, 302, Refused, Reason.RESPONSE_INVALID, id="a redirect with tokens"),
        pytest.param({"message": "no"}, 400, Uncertain, Reason.RESPONSE_INVALID, id="400 in another language"),
        pytest.param(b"<html>", 404, Uncertain, Reason.RESPONSE_INVALID, id="404 with a page"),
        pytest.param(PAGE, 400, Uncertain, Reason.RESPONSE_INVALID, id="Citrix's page with 400"),
        pytest.param(PAGE, 200, Uncertain, Reason.RESPONSE_INVALID, id="Citrix's page with 200"),
        pytest.param({}, 200, Uncertain, Reason.RESPONSE_INVALID, id="an empty object"),
        pytest.param([GOOD], 200, Uncertain, Reason.RESPONSE_INVALID, id="an array"),
        pytest.param(None, 200, Uncertain, Reason.RESPONSE_INVALID, id="null"),
        pytest.param(
            b"<html>sign in to this WLAN</html>", 200, Uncertain, Reason.RESPONSE_INVALID, id="a captive portal"
        ),
        pytest.param(b'{"access_token": "CAN', 200, Uncertain, Reason.RESPONSE_INVALID, id="a truncated answer"),
        pytest.param(b"access_token=CANARY", 200, Uncertain, Reason.RESPONSE_INVALID, id="form-encoded tokens"),
        pytest.param(b'{"refresh_token": "\xff"}', 200, Uncertain, Reason.RESPONSE_INVALID, id="not UTF-8"),
    ],
)
def test_answers_without_tokens(body: object, status: int, kind: type[Answer], reason: Reason) -> None:
    """Refused only where the refresh token is surely unspent, or surely dead."""
    answer = read(body, status)
    assert type(answer) is kind
    assert isinstance(answer, Refused | Uncertain)
    assert answer.problem.reason is reason
    assert answer.problem.http_status == status


def test_the_code_is_shown_sanitised_and_never_the_description() -> None:
    """What a server writes ends in status and Events only in a narrow alphabet."""
    answer = read({"error": "new_code", "error_description": "CANARY <b>call me</b>"}, 400)
    assert isinstance(answer, Uncertain)
    assert answer.problem.oauth_error == "new_code"
    assert "CANARY" not in repr(answer)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(["invalid_grant"], id="no string"),
        pytest.param("odd\u001b[31m\n", id="control characters"),
        pytest.param("x" * 65, id="far too long"),
        pytest.param("0123456789abcdef0123456789abcdef", id="what looks like a token"),
        pytest.param("Invalid_Grant", id="capitals"),
    ],
)
def test_a_code_that_is_none_is_called_other(code: object) -> None:
    """Something has to stand there."""
    answer = read({"error": code}, 400)
    assert isinstance(answer, Uncertain)
    assert answer.problem.oauth_error == "other"


def test_the_catalogue_of_the_server_has_the_better_remedy() -> None:
    """Where it says something; the general text elsewhere."""
    answer = read({"error": "invalid_client"}, 400)
    assert isinstance(answer, Refused)
    assert answer.problem.remedy == "look at the console"
    other = read({"error": "invalid_grant"}, 400)
    assert isinstance(other, Refused)
    assert "sign in again" in other.problem.remedy


def test_citrix_page_names_the_three_causes_and_its_transaction_id() -> None:
    """The id on the page is the one that Citrix Support asks for."""
    answer = read(PAGE, 400)
    assert isinstance(answer, Uncertain)
    for cause in ("disabled", "redirect URI", "Offline Access"):
        assert cause in answer.problem.remedy
    assert answer.problem.transaction_id == "11112222-aaaa-bbbb"


@pytest.mark.parametrize("label", ["Transaction ID:", "Transaction Id</th><td>", "transactionId = ", "TRANSACTION-ID"])
def test_the_pages_transaction_id_is_found_however_its_label_is_spelt(label: str) -> None:
    """Citrix documents the page by a picture."""
    answer = read(f"<p>Unable to process your request<p>{label} <i>11112222-aaaa-bbbb</i>".encode(), 200, "ours")
    assert isinstance(answer, Uncertain)
    assert answer.problem.transaction_id == "11112222-aaaa-bbbb"


@pytest.mark.parametrize(
    ("headers", "sent", "shown"),
    [
        pytest.param({}, None, None, id="none"),
        pytest.param({}, "ours", "ours", id="the one we sent"),
        pytest.param({"citrix_transactionid": "theirs"}, "ours", "theirs", id="the one that the server answers with"),
        pytest.param({"citrix_transactionid": "x\x1b\n"}, None, "x", id="sanitised"),
    ],
)
def test_transaction_id_of_a_failure(headers: dict[str, str], sent: str | None, shown: str | None) -> None:
    """Support finds a request by it."""
    answer = read(b"", 500, sent, **headers)
    assert isinstance(answer, Uncertain)
    assert answer.problem.transaction_id == shown


def test_what_the_server_wants_of_the_next_sign_in_is_kept() -> None:
    """The text of the answer is not: it is read and written anew."""
    wanted = {"access_token": {"capolids": {"essential": True, "values": ["0a1b"]}}}
    answer = read({"error": "invalid_grant", "claims": json.dumps(wanted)}, 400)
    assert isinstance(answer, Refused)
    assert answer.problem.claims == '{"access_token":{"capolids":{"essential":true,"values":["0a1b"]}}}'


def test_a_claims_request_with_a_piece_of_a_secret_in_it_is_dropped() -> None:
    """It would be shown in status."""
    body = json.dumps({"error": "invalid_grant", "claims": '{"id_token":{"sub":{"value":"CANARY-secret"}}}'}).encode()
    echoing = RawAnswer(400, {}, body, secrets=(SecretText("my-CANARY-secret-0"),))
    told = read_answer(echoing, default_lifetime=timedelta(hours=1), catalogue=Catalogue(), now=NOW)
    assert isinstance(told, Refused)
    assert told.problem.claims is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("7", 7, id="seconds"),
        pytest.param("0", 1, id="zero: a second"),
        pytest.param("99999999999999999999", 900, id="for ever: a quarter of an hour"),
        pytest.param("Sat, 21 Nov 2026 12:02:00 GMT", 120, id="a date"),
        pytest.param("Sat, 21 Nov 2026 11:00:00 GMT", 1, id="a date in the past: a second"),
        pytest.param("Wed, 21 Nov 2099 11:00:00 GMT", 900, id="the year 2099: a quarter of an hour"),
        pytest.param("Sat, 21 Nov 2026 12:02:00", 120, id="a date without a zone is in UTC"),
        pytest.param("-5", None, id="below zero says nothing"),
        pytest.param("soon", None, id="a word says nothing"),
        pytest.param("Sat, 99 Nov 2026 12:02:00 GMT", None, id="an impossible date says nothing"),
        pytest.param("Sat, 21 Nov 2026 12:02:00 +99999999999999999", None, id="a zone beyond all time says nothing"),
        pytest.param("Sat, 21 Nov 99999999999999999999 12:02:00 GMT", None, id="so does a year"),
        pytest.param("\u0663", None, id="digits beyond ASCII say nothing"),
        pytest.param("1" * 5000, None, id="5,000 digits say nothing"),
        pytest.param("", None, id="empty says nothing"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(value: str, seconds: int | None, status: int) -> None:
    """A wish, not an order: between a second and a quarter of an hour."""
    answer = read(b"", status, retry_after=value)
    assert isinstance(answer, Refused | Uncertain)
    assert answer.problem.retry_after == (None if seconds is None else timedelta(seconds=seconds))
