"""The XML messages of StoreFront's token services (StoreFront Security Token Services API).

Children that nobody knows are passed over, and the namespace is not insisted on: "the response is extensible". What is
read came from outside: no DTD, no entities (defusedxml); the transport limits the size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring  # to write, and to name types

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from citrix_oauth_operator.domain.durations import parse_rfc3339
from citrix_oauth_operator.domain.problem import sanitised
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.storefront import PasswordEnding

_NAMESPACE = "http://citrix.com/delivery-services/1-0/auth/"
_TYPE = "application/vnd.citrix.{}+xml"
REQUEST = _TYPE.format("requesttoken")
RESPONSE = _TYPE.format("requesttokenresponse")
CHOICES = _TYPE.format("requesttokenchoices")
DESTROY = _TYPE.format("destroytoken")
DESTROYED = _TYPE.format("destroytokenresponse")
FORM = _TYPE.format("authenticateresponse-1")
RESOURCES = _TYPE.format("resources")

LONGEST_TOKEN = 64 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")
_FRACTION = re.compile(r"(\.\d{6})\d+")
_TIME_SPAN = re.compile(r"(?:(\d{1,6})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d{1,7})?")
_MOST_DAYS = 3650
_MOST = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token is asked for: a service by its realm, the URL that was called first, and the template to echo."""

    realm: str
    url: str
    template: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A requesttokenresponse.

    Attributes:
        lifetime: from `issued` to `expiry`, both the server's; else its `lifetime`; None: it does not say.
    """

    token: SecretText
    lifetime: timedelta | None = None
    endings: tuple[PasswordEnding, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to authenticate, and where."""

    protocol: str
    location: str


@dataclass(frozen=True, slots=True)
class Choices:
    """A requesttokenchoices, in the server's order."""

    choices: tuple[Choice, ...]


def request_token(wanted: Wanted) -> bytes:
    """Return a requesttoken."""
    root = Element("requesttoken", xmlns=_NAMESPACE + "requesttoken")
    SubElement(root, "for-service").text = wanted.realm
    SubElement(root, "for-service-url").text = wanted.url
    SubElement(root, "reqtokentemplate").text = wanted.template
    if wanted.reason:
        SubElement(root, "reason").text = wanted.reason
    return _written(root)


def destroy_token(token: SecretText) -> bytes:
    """Return a destroytoken."""
    root = Element("destroytoken", xmlns=_NAMESPACE + "destroytoken")
    SubElement(root, "token").text = token.reveal()
    return _written(root)


def _written(root: Element) -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>' + tostring(root, short_empty_elements=False)


def parse_xml(body: bytes) -> Element | None:
    """Return the root of a document; None when it is none, or one that tries something."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: Element | None, name: str) -> Element | None:
    """Return the first child of that name, in whatever namespace."""
    return next(children(element, name), None)


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Return the children of that name, in whatever namespace; of very many the first."""
    named = (one for one in element if local(one) == name) if element is not None else iter(())
    return (one for one, _ in zip(named, range(_MOST), strict=False))


def text(element: Element | None, name: str) -> str:
    """Return the text of a child; empty when there is none."""
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""


def read_token(root: Element | None) -> TokenResponse | None:
    """Read a requesttokenresponse; None when it is none, or holds no token that a header can carry."""
    if root is None or local(root) != "requesttokenresponse":
        return None
    token = "".join(text(root, "token").split())
    if len(token) > LONGEST_TOKEN or not _TOKEN.fullmatch(token):
        return None
    return TokenResponse(SecretText(token), _lifetime(root), tuple(_endings(root)))


def read_choices(root: Element | None) -> Choices | None:
    """Read a requesttokenchoices; None when it is none."""
    if root is None or local(root) != "requesttokenchoices":
        return None
    found = [Choice(text(one, "protocol"), text(one, "location")) for one in children(child(root, "choices"), "choice")]
    return Choices(tuple(one for one in found if one.protocol and one.location))


def is_destroyed(root: Element | None) -> bool:
    """Whether a message is a destroytokenresponse that says so."""
    return root is not None and local(root) == "destroytokenresponse" and text(root, "status") == "destroyed"


def _lifetime(root: Element) -> timedelta | None:
    """Return the life by the server's own clock; a `lifetime` that contradicts it is not believed, as in the sample."""
    issued, expiry = parse_time(text(root, "issued")), parse_time(text(root, "expiry"))
    if issued and expiry and expiry > issued:
        return expiry - issued
    return parse_time_span(text(root, "lifetime"))


def parse_time(value: str) -> datetime | None:
    """Read an ISO 8601 time with up to 7 digits of a fraction; without a zone it is UTC, as documented."""
    value = _FRACTION.sub(r"\1", value.strip())
    return parse_rfc3339(value) or parse_rfc3339(f"{value}Z")


def parse_time_span(value: str) -> timedelta | None:
    """Read a .NET TimeSpan, `[d.]hh:mm:ss[.fffffff]`; None for anything else, and for nothing at all."""
    match = _TIME_SPAN.fullmatch(value)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    span = timedelta(days=min(days, _MOST_DAYS), hours=hours, minutes=minutes, seconds=seconds)
    return span or None


def _endings(root: Element) -> Iterator[PasswordEnding]:
    """Read a CredentialUpdateInformationList (Common Forms Authentication API)."""
    for entry in child(root, "CredentialUpdateInformationList") or ():
        name, at = sanitised(text(entry, "CredentialDisplayName")), parse_time(text(entry, "ExpiryTime"))
        if name or at:
            yield PasswordEnding(name or "a credential", at.astimezone(UTC) if at else None)
