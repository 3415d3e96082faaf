"""Challenges as the documents' samples spell them, and as nobody should."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citrix_oauth_operator.storefront.challenge import Challenge, audience_of, parse_challenge

SAMPLES = Path(__file__).parent / "samples"
REALM = "d5c937a6-a09d-4805-adbb-ff92208f7466"
URL = "https://sf.example/Citrix/StoreAuth/auth/v1/token"
ROOT = "https://sf.example/Citrix/Store"
PLAIN = Challenge(REALM, "", "notoken", (URL,), ROOT)

REGULAR = (
    f'CitrixAuth realm="{REALM}", reqtokentemplate="", reason="notoken", locations="{URL}", serviceroot-hint="{ROOT}"'
)

SPELLINGS = {
    "regular": REGULAR,
    "a space before the comma": REGULAR.replace(", ", " , "),
    "no comma at all": REGULAR.replace(", ", " "),
    "a comma missing": REGULAR.replace(", reason", " reason"),
    "an unquoted hint": REGULAR.replace(f'"{ROOT}"', ROOT),
    "everything unquoted": REGULAR.replace('"', ""),
    "a space before the realm": REGULAR.replace(f'"{REALM}', f'" {REALM}'),
    "folded lines": REGULAR.replace(", re", ",\r\n\t  re"),
    "a comma at the end": REGULAR + ", ",
    "names in capitals": REGULAR.replace("realm=", "Realm=").replace("locations=", "Locations="),
    "spaces around the sign": REGULAR.replace("realm=", "realm = ").replace("reason=", "reason ="),
    "other challenges around it": f'Negotiate, NTLM TlRMTVNTUAAC==, {REGULAR}, Basic realm="sf, CitrixAuth"',
    "an unknown parameter": REGULAR.replace("CitrixAuth ", 'CitrixAuth new="a, b", '),
}


@pytest.mark.parametrize("header", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_says_the_same(header: str) -> None:
    """As the documents' own samples have them."""
    assert parse_challenge(header) == PLAIN


def test_the_documents_sample_is_read() -> None:
    """Folded over two lines, with two locations in order."""
    challenge = parse_challenge((SAMPLES / "challenge.txt").read_text())
    assert challenge is not None
    assert challenge.realm == "6b78ab94-a709-4e3a-8b9b-a49ca317c70c"
    assert challenge.locations == (URL, URL.replace("sf.", "sf2."))
    assert challenge.root == f"{ROOT}/resources/v2"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "CitrixAuth",
        'citrixauth realm="x"',
        'CITRIXAUTH realm="x"',
        'Basic realm="CitrixAuth realm=x"',
        'CitrixAuth realm=""',
        'CitrixAuth reason="notoken"',
        'CitrixAuth realm="a\x07b"',
        'CitrixAuth realm="ä"',
    ],
)
def test_what_is_no_challenge_of_ours_is_none(header: str) -> None:
    """The scheme's name is case-sensitive; a realm is needed, and what cannot be echoed is not."""
    assert parse_challenge(header) is None


@given(st.text() | st.text(alphabet='CitrixAuth realm="=,| \\\t\r\n') | st.from_regex(r"CitrixAuth [a-z]+=.*"))
def test_no_header_makes_it_crash(header: str) -> None:
    """Whatever comes, it is a challenge or none."""
    found = parse_challenge(header)
    assert found is None or (found.realm and found.realm.isprintable())


@given(
    st.lists(st.sampled_from(['realm="r"', ",", " , ", " ", "reason=notoken", 'locations="a|b"', "Basic ", '"', "x="]))
)
def test_pieces_in_any_order_do_not_make_it_crash(pieces: list[str]) -> None:
    """Shuffled grammar."""
    found = parse_challenge("CitrixAuth " + "".join(pieces))
    assert found is None or found.realm


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (URL, ROOT, True),
        (URL, "https://SF.example:443/x", True),
        (URL, "https://sf2.example/x", False),
        (URL, "https://sf.example:8443/x", False),
        (URL, "http://sf.example/x", False),
    ],
)
def test_a_token_is_good_for_scheme_host_and_port(one: str, other: str, *, same: bool) -> None:
    """RFC 2617 section 1.2: a protection space cannot extend outside its server."""
    assert audience_of(one, "r").holds(audience_of(other)) is same
    assert audience_of(one, "r") != audience_of(one, "s")
