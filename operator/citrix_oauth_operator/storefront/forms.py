"""The logon forms of ExplicitForms (Common Authentication Forms Language), read and filled in.

Captions are localised and mean nothing here: fields are known by the type of their credential.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import Account

from .messages import child, children, local, text

CREDENTIAL_TYPES = "none, username, domain, password, newpassword, passcode, savecredentials, textcredential"
LABEL_TYPES = "none, plain, heading, information, warning, error, confirmation"
_PERSONS = frozenset({"passcode", "textcredential"})  # what a person knows or holds, and a service has not got


class Verdict(Enum):
    """What a form says about the logon."""

    SUCCESS = "the user is logged on"
    MORE = "something is to be filled in, or acknowledged"
    REFUSED = "user name or password are wrong"
    MUST_CHANGE = "the password is over"
    SECOND_FACTOR = "something is asked for that a service has not got"
    UNAVAILABLE = "nobody judged the password: the service, or the session of the form, is not there"
    FAILED = "something failed, perhaps after the password was judged"


@dataclass(frozen=True, slots=True)
class Field:
    """One requirement of a form.

    Attributes:
        kind: type of its credential: username, password, domain, passcode ...
        input: Text, CheckBox, Button, ComboBox, RadioButton or MultiComboBox; empty: only a label.
        value: what is posted where nothing else is known; of a button its caption.
    """

    id: str
    kind: str
    input: str = ""
    value: str = ""
    read_only: bool = False
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """An AuthenticateResponse."""

    status: str
    result: str
    state: str
    post_back: str
    fields: tuple[Field, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The types of what can be filled in."""
        return frozenset(one.kind for one in self.fields if one.input and not one.read_only)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form, filled in; whoever posts one with the password has written that down before."""

    post_back: str
    body: SecretText
    has_password: bool


_UNAVAILABLE = frozenset(
    {
        "error-service-unavailable",
        "error-sessionid-invalid",
        "error-sessionid-expired",
        "error-state-context-invalid",
        "error-logon-point-unknown",
        "error-params-not-expected",
    }
)


def read_form(root: Element | None) -> Form | None:
    """Read an AuthenticateResponse; None when it is none."""
    if root is None or local(root) != "AuthenticateResponse":
        return None
    asked = child(root, "AuthenticationRequirements")
    return Form(
        status=text(root, "Status").lower(),
        result=text(root, "Result").lower(),
        state=text(root, "StateContext"),
        post_back=text(asked, "PostBack"),
        fields=tuple(map(_field, children(child(asked, "Requirements"), "Requirement"))),
    )


def _field(requirement: Element) -> Field:
    credential, label = child(requirement, "Credential"), child(requirement, "Label")
    shown = next((one for one in child(requirement, "Input") or () if local(one) != "AssistiveText"), None)
    return Field(
        id=text(credential, "ID"),
        kind=text(credential, "Type").lower() or "none",
        input="" if shown is None else local(shown),
        value="" if shown is None else _value(shown),
        read_only=text(shown, "ReadOnly").lower() == "true",
        is_error=text(label, "Type").lower() == "error",
    )


def _value(shown: Element) -> str:
    match local(shown):
        case "Button":
            return (shown.text or "").strip()
        case "CheckBox":
            return text(shown, "InitialValue").lower() or "false"
        case "Text":
            return text(shown, "InitialValue")
        case _:
            return text(shown, "InitialSelection") or next(_selectable(shown), "")


def _selectable(shown: Element) -> Iterator[str]:
    return (text(one, "Value") for one in children(child(shown, "DisplayValues"), "DisplayValue"))


def judge(form: Form, *, password_sent: bool) -> Verdict:
    """Say what a form means; a wrong password is a form like any other, with a label of type error."""
    if form.status in _UNAVAILABLE:
        return Verdict.UNAVAILABLE
    if form.status not in {"success", ""}:
        return Verdict.FAILED
    match form.result:
        case "success":
            return Verdict.SUCCESS
        case "update-credentials":
            return Verdict.MUST_CHANGE
        case "more-info":
            return _asked(form, password_sent=password_sent)
        case _:
            return Verdict.REFUSED if password_sent else Verdict.FAILED


def _asked(form: Form, *, password_sent: bool) -> Verdict:
    if "newpassword" in form.kinds:
        return Verdict.MUST_CHANGE
    if password_sent and (any(one.is_error for one in form.fields) or "password" in form.kinds):
        return Verdict.REFUSED
    if _PERSONS & form.kinds:
        return Verdict.SECOND_FACTOR
    return Verdict.MORE


def fill(form: Form, account: Account) -> Filled:
    """Fill a form in; fields that nobody knows keep the value they came with, read-only ones are left out."""
    domain, _, user = account.username.rpartition("\\")
    asks_domain = "domain" in form.kinds
    known = {"username": user if asks_domain else account.username, "password": account.password.reveal()}
    if domain:
        known["domain"] = domain
    known["savecredentials"] = "false"
    posted = [one for one in form.fields if one.id and one.input and not one.read_only]
    pressed = next((one for one in posted if one.input == "Button"), None)
    posted = [one for one in posted if one.input != "Button" or one is pressed]
    pairs = [("StateContext", form.state), *((one.id, known.get(one.kind, one.value)) for one in posted)]
    return Filled(form.post_back, SecretText(urlencode(pairs)), any(one.kind == "password" for one in posted))
