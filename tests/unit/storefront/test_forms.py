"""Logon forms: what they ask for, what is posted, and what an answer means."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import Account
from citrix_oauth_operator.storefront.forms import Field, Form, Verdict, fill, judge, read_form
from citrix_oauth_operator.storefront.messages import parse_xml

SAMPLES = Path(__file__).parent / "samples"
ACCOUNT = Account("EXAMPLE\\svc", SecretText("CANARY pw&="), "f")


def plain() -> Form:
    """Return the form of the document."""
    form = read_form(parse_xml((SAMPLES / "authenticateresponse.xml").read_bytes()))
    assert form is not None
    return form


def posted(form: Form, account: Account = ACCOUNT) -> list[tuple[str, str]]:
    """Return what is posted for a form."""
    return parse_qsl(fill(form, account).body.reveal(), keep_blank_values=True)


def test_the_documents_form_is_filled_in() -> None:
    """State, every field by the type of its credential, and the button with its caption."""
    assert posted(plain()) == [
        ("StateContext", ""),
        ("username", "EXAMPLE\\svc"),
        ("password", "CANARY pw&="),
        ("saveCredentials", "false"),
        ("loginBtn", "Log On"),
    ]
    assert fill(plain(), ACCOUNT).has_password
    assert fill(plain(), ACCOUNT).post_back == "/Citrix/StoreAuth/ExplicitForms/AuthenticateWithForm"


def test_a_domain_has_its_own_field_where_the_form_has_one() -> None:
    """The user name loses it then; a user without a domain leaves the form's choice."""
    form = replace(plain(), fields=(*plain().fields, Field("dom", "domain", "ComboBox", "OTHER")))
    assert ("username", "svc") in posted(form)
    assert ("dom", "EXAMPLE") in posted(form)
    upn = Account("svc@example.com", ACCOUNT.password, "f")
    assert ("username", "svc@example.com") in posted(form, upn)
    assert ("dom", "OTHER") in posted(form, upn)


def test_read_only_fields_and_labels_are_not_posted() -> None:
    """Nor is a second button."""
    more = (
        Field("shown", "none", "Text", "x", read_only=True),
        Field("label", "none"),
        Field("other", "none", "Text", "kept"),
        Field("cancel", "none", "Button", "Cancel"),
    )
    names = [name for name, _ in posted(replace(plain(), fields=(*plain().fields, *more)))]
    assert names == ["StateContext", "username", "password", "saveCredentials", "loginBtn", "other"]


ERROR = Field("", "none", is_error=True)
PASSCODE = Field("pin", "passcode", "Text")
OK = Field("ok", "none", "Button", "OK")
FORMS: dict[str, tuple[Form, bool, Verdict]] = {
    "the first form": (plain(), False, Verdict.MORE),
    "an error before anything was sent": (replace(plain(), fields=(ERROR, *plain().fields)), False, Verdict.MORE),
    "a wrong password": (replace(plain(), fields=(ERROR, *plain().fields)), True, Verdict.REFUSED),
    "the same form again": (plain(), True, Verdict.REFUSED),
    "an error alone": (replace(plain(), fields=(ERROR, OK)), True, Verdict.REFUSED),
    "a notice": (replace(plain(), fields=(OK,)), True, Verdict.MORE),
    "a passcode beside the password": (
        replace(plain(), fields=(*plain().fields, PASSCODE)),
        False,
        Verdict.SECOND_FACTOR,
    ),
    "a passcode afterwards": (replace(plain(), fields=(PASSCODE,)), True, Verdict.SECOND_FACTOR),
    "a question": (replace(plain(), fields=(Field("q", "textcredential", "Text"),)), True, Verdict.SECOND_FACTOR),
    "a new password": (replace(plain(), fields=(Field("n", "newpassword", "Text"),)), True, Verdict.MUST_CHANGE),
    "update-credentials": (replace(plain(), result="update-credentials"), True, Verdict.MUST_CHANGE),
    "success": (replace(plain(), result="success"), True, Verdict.SUCCESS),
    "fail": (replace(plain(), result="fail"), True, Verdict.REFUSED),
    "cancelled": (replace(plain(), result="cancelled"), True, Verdict.REFUSED),
    "fail before anything was sent": (replace(plain(), result="fail"), False, Verdict.FAILED),
    "error-service-unavailable": (replace(plain(), status="error-service-unavailable"), True, Verdict.UNAVAILABLE),
    "error-internal-failure": (replace(plain(), status="error-internal-failure"), True, Verdict.FAILED),
    "error-params-not-expected": (replace(plain(), status="error-params-not-expected"), True, Verdict.UNAVAILABLE),
    "error-logon-point-unknown": (replace(plain(), status="error-logon-point-unknown"), True, Verdict.UNAVAILABLE),
    "error-sessionid-invalid": (replace(plain(), status="error-sessionid-invalid"), True, Verdict.UNAVAILABLE),
    "error-sessionid-expired": (replace(plain(), status="error-sessionid-expired"), True, Verdict.UNAVAILABLE),
    "error-state-context-invalid": (replace(plain(), status="error-state-context-invalid"), True, Verdict.UNAVAILABLE),
    "an unknown status": (replace(plain(), status="error-new"), True, Verdict.FAILED),
}


@pytest.mark.parametrize(("form", "sent", "verdict"), FORMS.values(), ids=FORMS)
def test_what_a_form_means(form: Form, verdict: Verdict, *, sent: bool) -> None:
    """Results and states of the Common Authentication Forms Language."""
    assert judge(form, password_sent=sent) is verdict
