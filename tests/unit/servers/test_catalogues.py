"""What servers say when they give no tokens: a row a code, with answers in the shapes that the servers send."""

from datetime import timedelta

import pytest

from citrix_oauth_operator.domain.answers import Answer, Refused, Uncertain
from citrix_oauth_operator.domain.kinds import ServerType
from citrix_oauth_operator.domain.problem import Problem
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.servers import profile
from citrix_oauth_operator.wire.raw import RawAnswer
from citrix_oauth_operator.wire.token_endpoint import read_answer
from tests.unit.fakes import T0
from tests.unit.wire.canned_answers import raw

CORRELATION = "b02c3e5e-5a4b-4b6f-9f0d-7f6a1c1d2e3f"
ACCESS, ACCOUNT, CLIENT = Reason.CONDITIONAL_ACCESS, Reason.ACCOUNT_PROBLEM, Reason.CLIENT_REJECTED

#: Reason, and a word that the person must find.
ENTRA = {
    50076: (ACCESS, "Multi-factor"),
    50074: (ACCESS, "Multi-factor"),
    50078: (ACCESS, "Multi-factor"),
    50072: (ACCESS, "register"),
    50079: (ACCESS, "register"),
    50158: (ACCESS, "external security challenge"),
    53003: (ACCESS, "sign-in log"),
    50131: (ACCESS, "sign-in log"),
    53000: (ACCESS, "compliant device"),
    53001: (ACCESS, "joined device"),
    53002: (ACCESS, "approved application"),
    50097: (ACCESS, "Primary Refresh Token"),
    50129: (ACCESS, "Primary Refresh Token"),
    50155: (ACCESS, "Primary Refresh Token"),
    50187: (ACCESS, "Primary Refresh Token"),
    50005: (ACCESS, "platforms"),
    53004: (ACCESS, "register"),
    53011: (ACCESS, "risk"),
    530032: (ACCESS, "risk"),
    530035: (ACCESS, "risk"),
    700082: (Reason.GRANT_EXPIRED, "not used for too long"),
    70008: (Reason.GRANT_EXPIRED, "not used for too long"),
    700084: (Reason.GRANT_EXPIRED, "fixed 24 hours"),
    9002327: (CLIENT, "platform Web"),
    70043: (Reason.GRANT_EXPIRED, "sign-in frequency"),
    50173: (Reason.GRANT_REJECTED, "password was changed"),
    50132: (Reason.GRANT_REJECTED, "password was changed"),
    50133: (Reason.GRANT_REJECTED, "password was changed"),
    50055: (ACCOUNT, "change the password"),
    50144: (ACCOUNT, "change the password"),
    50057: (ACCOUNT, "enable the user"),
    50053: (ACCOUNT, "locked"),
    50034: (ACCOUNT, "does not exist"),
    50126: (ACCOUNT, "password is wrong"),
    50105: (ACCOUNT, "assign the user"),
    65001: (Reason.SCOPE_REJECTED, "consent"),
    7000222: (CLIENT, "expired"),
    7000215: (CLIENT, "not its id"),
    7000218: (CLIENT, "client_secret or private_key"),
    700025: (CLIENT, "clientAuthentication: None"),
    700016: (CLIENT, "spec.clientID"),
    90002: (CLIENT, "tenant"),
    7000112: (CLIENT, "Enterprise applications"),
    700027: (CLIENT, "tls.crt"),
    7000213: (CLIENT, "tls.crt"),
    700030: (CLIENT, "tls.crt"),
    70011: (Reason.SCOPE_REJECTED, ".default"),
    1002012: (Reason.SCOPE_REJECTED, ".default"),
    54005: (Reason.GRANT_REJECTED, "code of the sign-in"),
    501481: (Reason.GRANT_REJECTED, "code of the sign-in"),
    50196: (Reason.SERVER_THROTTLED, "too often"),
    90033: (Reason.SERVER_ERROR, "passing trouble"),
    90006: (Reason.SERVER_ERROR, "passing trouble"),
    90055: (Reason.SERVER_THROTTLED, "too many requests"),
    50087: (Reason.SERVER_ERROR, "passing trouble"),
}

ADFS = {
    9615: (Reason.GRANT_EXPIRED, "SsoLifetime"),
    9614: (Reason.GRANT_REJECTED, "cut-off"),
    9612: (Reason.GRANT_REJECTED, "code of the sign-in"),
    9622: (CLIENT, "ResetClientSecret"),
    9607: (CLIENT, "Get-AdfsServerApplication"),
    9605: (CLIENT, "Grant-AdfsApplicationPermission"),
    9602: (Reason.SCOPE_REJECTED, "spec.resource"),
    9659: (ACCOUNT, "Active Directory"),
    9682: (ACCESS, "IssueOAuthRefreshTokensTo"),
    9683: (ACCESS, "IssueOAuthRefreshTokensTo"),
}

SUBERRORS = {
    "basic_action": ACCESS,
    "additional_action": ACCESS,
    "message_only": ACCESS,
    "consent_required": Reason.SCOPE_REJECTED,
    "user_password_expired": ACCOUNT,
    "bad_token": Reason.GRANT_REJECTED,
}


def entra(number: int, error: str = "invalid_grant", **more: object) -> dict[str, object]:
    """Return an error as Entra ID writes it."""
    return {
        "error": error,
        "error_description": f"AADSTS{number}: CANARY words of the server. Trace ID: 1 Correlation ID: 2",
        "error_codes": [number],
        "timestamp": "2026-03-01 12:00:00Z",
        "trace_id": "a1c3e5e7-1111-4222-8333-444455556666",
        "correlation_id": CORRELATION,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        **more,
    }


def adfs(number: int, error: str = "invalid_grant") -> dict[str, object]:
    """Return an error as ADFS writes it."""
    return {"error": error, "error_description": f"MSIS{number}: CANARY words of the server."}


def answer(kind: ServerType, body: object, status: int = 400) -> Answer:
    """Read an answer as that kind of server's."""
    return _read(kind, raw(body, status, "sent-transaction-id"))


def _read(kind: ServerType, answered: RawAnswer) -> Answer:
    catalogue = profile(kind).catalogue
    return read_answer(answered, default_lifetime=timedelta(hours=1), catalogue=catalogue, now=T0)


def refused(kind: ServerType, body: object, status: int = 400) -> Problem:
    """Return what a definite no says."""
    told = answer(kind, body, status)
    assert isinstance(told, Refused)
    assert "CANARY" not in repr(told)
    return told.problem


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("number", ENTRA)
def test_a_number_of_entra_id_names_reason_and_remedy(number: int, status: int) -> None:
    """And is shown, with the correlation id that the sign-in log is searched by."""
    problem, (reason, word) = refused(ServerType.ENTRA_ID, entra(number), status), ENTRA[number]
    assert problem.reason is reason
    assert word in f"{problem.message} {problem.remedy}"
    assert (problem.server_code, problem.transaction_id) == (f"AADSTS{number}", CORRELATION)


@pytest.mark.parametrize("number", ADFS)
def test_a_number_of_adfs_names_reason_and_remedy(number: int) -> None:
    """Also with 401, which the protocol's document gives."""
    problem, (reason, word) = refused(ServerType.ADFS, adfs(number), 401), ADFS[number]
    assert problem.reason is reason
    assert word in f"{problem.message} {problem.remedy}"
    assert (problem.server_code, problem.transaction_id) == (f"MSIS{number}", "sent-transaction-id")


def test_no_row_is_without_its_test() -> None:
    """A new row needs a line above."""
    assert {f"AADSTS{number}" for number in ENTRA} == set(profile(ServerType.ENTRA_ID).catalogue.codes)
    assert {f"MSIS{number}" for number in ADFS} == set(profile(ServerType.ADFS).catalogue.codes)
    assert set(SUBERRORS) == set(profile(ServerType.ENTRA_ID).catalogue.suberrors)


@pytest.mark.parametrize("suberror", SUBERRORS)
def test_a_suberror_speaks_where_the_number_is_not_known(suberror: str) -> None:
    """The number is shown all the same."""
    problem = refused(ServerType.ENTRA_ID, entra(999999, suberror=suberror))
    assert (problem.reason, problem.server_code) == (SUBERRORS[suberror], "AADSTS999999")


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        (ServerType.ENTRA_ID, "interaction_required", ACCESS),
        (ServerType.ENTRA_ID, "login_required", ACCESS),
        (ServerType.ENTRA_ID, "consent_required", Reason.SCOPE_REJECTED),
        (ServerType.ADFS, "interaction_required", ACCESS),
    ],
)
def test_a_code_that_only_this_kind_of_server_sends(kind: ServerType, error: str, reason: Reason) -> None:
    """From other kinds it may have spent the refresh token; from this one it has not."""
    body = {"error": error, "claims": '{"access_token":{"capolids":{"essential":true}}}'}
    assert refused(kind, body).reason is reason
    assert isinstance(answer(ServerType.OIDC, body), Uncertain)


@pytest.mark.parametrize("kind", [ServerType.ENTRA_ID, ServerType.ADFS, ServerType.NETSCALER])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("invalid_grant", Reason.GRANT_REJECTED),
        ("invalid_client", CLIENT),
        ("unauthorized_client", CLIENT),
        ("unsupported_grant_type", CLIENT),
        ("invalid_scope", Reason.SCOPE_REJECTED),
    ],
)
def test_an_unknown_number_leaves_the_oauth_code_its_meaning(kind: ServerType, error: str, reason: Reason) -> None:
    """With a remedy in any case."""
    body = adfs(99999, error) if kind is ServerType.ADFS else entra(123456789, error)
    problem = refused(kind, body)
    assert (problem.reason, problem.oauth_error) == (reason, error)
    assert problem.remedy
    assert problem.server_code == ("MSIS99999" if kind is ServerType.ADFS else "AADSTS123456789")


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("invalid_grant", "24 hours"),
        ("invalid_client", "Workspace API"),
        ("invalid_scope", "openid, wsp, spa and leases"),
        ("unauthorized_client", "Offline Access"),
        ("unsupported_grant_type", "citrix-cloud-api"),
    ],
)
def test_each_cause_of_a_400_that_citrix_names_has_its_own_remedy(error: str, word: str) -> None:
    """The token is over, the client or the scope is invalid."""
    body = {"error": error, "error_description": "CANARY words of the server"}
    assert word in refused(ServerType.CITRIX_CLOUD, body).remedy


@pytest.mark.parametrize("status", [200, 400])
def test_a_refused_service_principal_is_told_of_expiry_and_region(status: int) -> None:
    """A wrong region answers like a wrong secret, and some answers are a success by their status."""
    body = {"error": "invalid_client", "error_description": "Invalid client id or client secret."}
    problem = refused(ServerType.CITRIX_CLOUD_API, body, status)
    assert problem.reason is CLIENT
    assert "expiry date" in problem.remedy
    assert "region" in problem.remedy


@pytest.mark.parametrize("error", ["invalid_request", "surprise"])
def test_an_unknown_number_with_an_unknown_code_stays_a_doubt(error: str) -> None:
    """A known one beside `invalid_request` is a definite no (Entra ID reports a wrong tenant like that)."""
    told = answer(ServerType.ENTRA_ID, entra(999999, error))
    assert isinstance(told, Uncertain)
    assert told.problem.server_code == "AADSTS999999"
    assert refused(ServerType.ENTRA_ID, entra(90002, error)).reason is CLIENT


@pytest.mark.parametrize(
    ("codes", "text", "shown"),
    [
        pytest.param([50076], "", "AADSTS50076", id="in the member alone"),
        pytest.param(None, "AADSTS50076: x", "AADSTS50076", id="in the text alone"),
        pytest.param([999999, 53003], "", "AADSTS53003", id="the one that is known"),
        pytest.param([True, -5, "50076", 1.5, 10**12], "", None, id="numbers that are none"),
        pytest.param({"a": 50076}, "", None, id="no list"),
        pytest.param(None, "AADSTS1234567890123456", None, id="a number too long to be one"),
        pytest.param(None, "XAADSTS50076 and aadsts50076", None, id="other letters"),
        pytest.param(None, "x" * 2000 + " AADSTS50076", None, id="far behind"),
        pytest.param(None, "MSIS9615: x", "MSIS9615", id="of another product"),
        pytest.param([50076] * 5000, "", "AADSTS50076", id="very many"),
    ],
)
def test_where_a_number_is_looked_for(codes: object, text: str, shown: str | None) -> None:
    """Letters of ours and at most nine digits: nothing else of a server's text is ever shown."""
    body = {"error": "invalid_grant", "error_codes": codes, "error_description": text}
    assert refused(ServerType.ENTRA_ID, body).server_code == shown


def test_a_number_that_is_a_piece_of_a_secret_is_not_shown() -> None:
    """A server may put what it was sent where a number is expected."""
    answered = raw({"error": "invalid_grant", "error_description": "AADSTS123456789"}, 400)
    echoing = RawAnswer(400, {}, answered.body, secrets=(SecretText("CANARY-123456789-secret"),))
    told = _read(ServerType.ENTRA_ID, echoing)
    assert isinstance(told, Refused)
    assert told.problem.server_code is None


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_number_with_a_status_that_no_error_has_decides_nothing(status: int) -> None:
    """A proxy in front may have written it; the refresh token may be spent."""
    told = answer(ServerType.ENTRA_ID, entra(53003), status)
    assert isinstance(told, Uncertain)
    assert told.problem.reason in {Reason.RESPONSE_INVALID, Reason.SERVER_ERROR}


@pytest.mark.parametrize("value", ["x" * 4, "not an id; rm -rf", 5, None, "a" * 200])
def test_a_correlation_id_that_is_none_gives_way_to_the_one_that_was_sent(value: object) -> None:
    """So that the log can be searched in any case."""
    assert refused(ServerType.ENTRA_ID, entra(53003, correlation_id=value)).transaction_id == "sent-transaction-id"


@pytest.mark.parametrize("kind", [ServerType.ENTRA_ID, ServerType.ADFS])
def test_what_a_pod_cannot_do_names_the_page_that_shows_the_way_out(kind: ServerType) -> None:
    """By its section."""
    catalogue = profile(kind).catalogue
    findings = [*catalogue.codes.values(), *catalogue.errors.values(), *catalogue.suberrors.values()]
    access = [finding for finding in findings if finding.reason is ACCESS]
    assert access
    assert [finding.message for finding in access if "docs/identity.md, section" not in finding.remedy] == []
