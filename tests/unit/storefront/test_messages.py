"""Messages as the documents show them, and as servers may send them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import canonicalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.storefront import forms, messages
from citrix_oauth_operator.storefront.messages import Wanted, parse_time, parse_time_span, parse_xml

SAMPLES = Path(__file__).parent / "samples"
HOUR = timedelta(hours=1)


def sample(name: str) -> bytes:
    """Return a message as it was typed from its document."""
    return (SAMPLES / name).read_bytes()


def test_a_token_is_asked_for_as_the_document_does() -> None:
    """Realm, the URL that was called first, and the template even when it is empty."""
    wanted = Wanted("11111111-2222-4333-8444-555555555555", "https://sf.example/Citrix/Store/resources/v2")
    told = canonicalize(messages.request_token(wanted).decode(), strip_text=True)
    assert told == canonicalize(sample("requesttoken.xml").decode(), strip_text=True)


def test_what_is_echoed_cannot_break_out_of_its_element() -> None:
    """A realm is the server's text."""
    root = parse_xml(messages.request_token(Wanted('a<b>&"', "u", "t", "expired")))
    assert messages.text(root, "for-service") == 'a<b>&"'
    assert messages.text(root, "reason") == "expired"


def test_the_documents_token_is_read() -> None:
    """Its `lifetime` contradicts its times, and is not believed."""
    found = messages.read_token(parse_xml(sample("requesttokenresponse.xml")))
    assert found == messages.TokenResponse(SecretText("H4sIAAAAAAAEA"), HOUR)


def test_the_documents_choices_are_read() -> None:
    """In the server's order."""
    found = messages.read_choices(parse_xml(sample("requesttokenchoices.xml")))
    assert found is not None
    assert [one.protocol for one in found.choices] == ["ExplicitForms", "HttpBasic"]


def test_the_documents_destruction_is_read() -> None:
    """One word."""
    assert messages.is_destroyed(parse_xml(sample("destroytokenresponse.xml")))
    assert not messages.is_destroyed(parse_xml(sample("requesttokenchoices.xml")))


RESPONSE = b"<requesttokenresponse>%s</requesttokenresponse>"


@pytest.mark.parametrize(
    ("content", "lifetime"),
    [
        (b"<issued>2025-01-31T09:00:00Z</issued><expiry>2025-01-31T10:00:00Z</expiry>", HOUR),
        (b"<issued>2025-01-31T09:00:00</issued><expiry>2025-01-31T10:00:00</expiry>", HOUR),
        (b"<lifetime>0.01:00:00</lifetime>", HOUR),
        (
            b"<issued>2025-01-31T10:00:00Z</issued><expiry>2025-01-31T09:00:00Z</expiry><lifetime>01:00:00</lifetime>",
            HOUR,
        ),
        (b"<issued>never</issued><expiry/><lifetime>-01:00:00</lifetime>", None),
        (b"", None),
    ],
)
def test_the_life_is_the_servers_own(content: bytes, lifetime: timedelta | None) -> None:
    """Between two times of one clock; else what `lifetime` says; else nobody knows."""
    found = messages.read_token(parse_xml(RESPONSE % (content + b"<unknown><x/></unknown><token> H4s\n I= </token>")))
    assert found == messages.TokenResponse(SecretText("H4sI="), lifetime)


@pytest.mark.parametrize(
    "token", [b"", b"<token/>", b"<token>\xc3\xa4</token>", b"<token>" + b"x" * 65537 + b"</token>"]
)
def test_a_token_that_no_header_can_carry_is_none(token: bytes) -> None:
    """Empty, not ASCII, longer than 64 KiB."""
    assert messages.read_token(parse_xml(RESPONSE % token)) is None


def test_a_password_that_ends_is_told() -> None:
    """Common Forms Authentication API: CredentialUpdateInformationList, in the namespace of the forms."""
    named = b"<CredentialDisplayName>Pass\x22word</CredentialDisplayName>"
    entry = named + b"<ExpiryTime>2026-03-10T00:00:00.0000000Z</ExpiryTime>"
    listed = b'<CredentialUpdateInformationList xmlns="f"><C>%s</C><C/></CredentialUpdateInformationList>' % entry
    found = messages.read_token(parse_xml(RESPONSE % (listed + b"<token>x</token>")))
    assert found is not None
    assert [(one.name, one.at) for one in found.endings] == [("Password", datetime(2026, 3, 10, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0.08:00:00", timedelta(hours=8)),
        ("01:00:00.0000001", HOUR),
        ("20.00:00:01", timedelta(days=20, seconds=1)),
        ("10675199.02:48:05", None),
        ("00:00:00", None),
        ("PT1H", None),
        ("", None),
    ],
)
def test_a_dotnet_time_span(text: str, span: timedelta | None) -> None:
    """`[d.]hh:mm:ss[.fffffff]`."""
    assert parse_time_span(text) == span


HOSTILE = {
    "a bomb": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><requesttokenresponse>&b;</requesttokenresponse>',
    "an outside entity": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    "no XML": b"<html><meta>",
    "an unknown encoding": b'<?xml version="1.0" encoding="klingon"?><x/>',
    "nothing": b"",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_is_none(body: bytes) -> None:
    """No entity is ever resolved."""
    assert parse_xml(body) is None


def test_a_deep_document_is_no_trouble() -> None:
    """256 KiB of brackets, as much as the transport lets through."""
    depth = 32 * 1024
    parse_xml(b"<a>" * depth + b"</a>" * depth)


@given(st.binary() | st.text().map(str.encode))
def test_no_body_makes_it_crash(body: bytes) -> None:
    """Whatever comes is read as something or as nothing."""
    for document in (body, RESPONSE % body, b"<AuthenticateResponse>" + body + b"</AuthenticateResponse>"):
        root = parse_xml(document)
        messages.read_token(root)
        messages.read_choices(root)
        forms.read_form(root)


@given(st.text())
def test_no_time_makes_it_crash(text: str) -> None:
    """Times and spans are the server's texts."""
    parse_time(text)
    parse_time_span(text)
