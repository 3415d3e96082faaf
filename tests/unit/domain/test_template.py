"""The Secret template: placeholders and no logic; what cannot work is refused by field before anything is written."""

from dataclasses import replace
from typing import Any

import pytest

from citrix_oauth_operator.domain.fields import FieldError
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.domain.template import (
    LONGEST_ACCESS_TOKEN,
    SecretTemplate,
    content,
    parse_template,
    readable_template,
)
from tests.unit.examples import TOKEN


def _spec(**template: object) -> dict[str, Any]:
    return {"secret": {"template": template}}


def _rendered(text: str) -> str:
    return content(TOKEN, parse_template(_spec(stringData={"k": text})))["k"]


def test_the_own_keys() -> None:
    """What pods read whatever the template says."""
    assert content(TOKEN, SecretTemplate()) == {
        "access_token": "CANARY-at",
        "token_type": "Bearer",
        "expires_at": "2026-03-01T12:30:00Z",
        "authorization": "Bearer CANARY-at",
    }


def test_the_header_is_the_servers() -> None:
    """Citrix has its own."""
    found = content(replace(TOKEN, authorization="CwsAuth Bearer={token}"), SecretTemplate())
    assert found["authorization"] == "CwsAuth Bearer=CANARY-at"


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        pytest.param("machine a password {{ access_token }}", "machine a password CANARY-at", id="in a text"),
        pytest.param("{{access_token}}", "CANARY-at", id="without spaces"),
        pytest.param("{{  token_type }} {{access_token }}", "Bearer CANARY-at", id="two of them"),
        pytest.param("{{ authorization }}\n{{ expires_at }}", "Bearer CANARY-at\n2026-03-01T12:30:00Z", id="lines"),
        pytest.param('{"a": {"t": "{{ access_token }}"}}', '{"a": {"t": "CANARY-at"}}', id="in JSON"),
        pytest.param("{ access_token } }} { {x", "{ access_token } }} { {x", id="braces that are none"),
        pytest.param("a{", "a{", id="an open brace at the end"),
        pytest.param("", "", id="nothing"),
        pytest.param("Grüße, {{ token_type }}", "Grüße, Bearer", id="beyond ASCII"),
    ],
)  # fmt: skip
def test_placeholders_are_replaced(text: str, rendered: str) -> None:
    """And nothing else is touched."""
    assert _rendered(text) == rendered


def test_a_value_is_never_looked_at_again() -> None:
    """A token may hold anything visible, braces among it."""
    token = replace(TOKEN, access_token=SecretText("{{token_type}}"))
    assert content(token, SecretTemplate(string_data={"k": "{{ access_token }}"}))["k"] == "{{token_type}}"


LONG_DOMAIN = f"{'a' * 250}.com/x"


@pytest.mark.parametrize(
    ("template", "field"),
    [
        pytest.param({"stringData": {"k": "{{ refresh_token }}"}}, "stringData", id="another name"),
        pytest.param({"stringData": {"k": "{{ client_secret }}"}}, "stringData", id="a client secret"),
        pytest.param({"stringData": {"k": "{{ access_token | b64enc }}"}}, "stringData", id="a filter"),
        pytest.param({"stringData": {"k": "{{- access_token }}"}}, "stringData", id="a Go template"),
        pytest.param({"stringData": {"k": "{{ if x }}"}}, "stringData", id="logic"),
        pytest.param({"stringData": {"k": "{{ access_token"}}, "stringData", id="an open placeholder"),
        pytest.param({"stringData": {"k": "{{\naccess_token }}"}}, "stringData", id="over lines"),
        pytest.param({"stringData": {"k": "{{{ access_token }}}"}}, "stringData", id="three braces"),
        pytest.param({"stringData": {"k": "{{"}}, "stringData", id="braces at the end"),
        pytest.param({"stringData": {"k": "{{{"}}, "stringData", id="three braces at the end"),
        pytest.param({"stringData": {"expires_at": "x"}}, "stringData", id="a key of ours"),
        pytest.param({"stringData": {"a/b": "x"}}, "stringData", id="a key that is a path"),
        pytest.param({"stringData": {"..": "x"}}, "stringData", id="the parent folder"),
        pytest.param({"stringData": {".": "x"}}, "stringData", id="the folder"),
        pytest.param({"stringData": {"..data": "x"}}, "stringData", id="the kubelet's own link"),
        pytest.param({"stringData": {"": "x"}}, "stringData", id="an empty key"),
        pytest.param({"stringData": {"k": 5}}, "stringData", id="a number"),
        pytest.param({"stringData": ["x"]}, "stringData", id="a list"),
        pytest.param({"stringData": {"k": "ä" * 600_000}}, "stringData", id="more than 1 MiB of text"),
        pytest.param({"stringData": {"k": "{{ access_token }}" * 15}}, "stringData", id="too many tokens"),
        pytest.param({"stringData": {f"k{n}": "{{authorization}}" for n in range(15)}}, "stringData", id="over keys"),
        pytest.param({"labels": {"citrix-oauth.dev/client-uid": "x"}}, "labels", id="a label of ours"),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "x"}}, "labels", id="the managing label"),
        pytest.param({"labels": {"a b": "x"}}, "labels", id="a label key with a space"),
        pytest.param({"labels": {"A.example/x": "x"}}, "labels", id="a domain in capitals"),
        pytest.param({"labels": {"a..b/x": "x"}}, "labels", id="a domain with two dots"),
        pytest.param({"labels": {LONG_DOMAIN: "x"}}, "labels", id="a domain that is too long"),
        pytest.param({"labels": {"/x": "x"}}, "labels", id="a domain that is empty"),
        pytest.param({"labels": {"x" * 64: "x"}}, "labels", id="a label key that is too long"),
        pytest.param({"labels": {"a": "b c"}}, "labels", id="a label value with a space"),
        pytest.param({"labels": {"a": "{{ token_type }}"}}, "labels", id="a placeholder in a label"),
        pytest.param({"labels": {"a": "x" * 64}}, "labels", id="a label value that is too long"),
        pytest.param({"labels": {"a": True}}, "labels", id="a label value that is none"),
        pytest.param({"annotations": {"citrix-oauth.dev/x": "x"}}, "annotations", id="an annotation of ours"),
        pytest.param({"annotations": {"a/b/c": "x"}}, "annotations", id="two slashes"),
        pytest.param({"annotations": {"a": "ä" * 120_000}}, "annotations", id="annotations beyond 224 KiB"),
    ],
)
def test_what_cannot_work_is_refused_by_field(template: dict[str, object], field: str) -> None:
    """In words that never repeat a text: a person may have pasted a secret."""
    with pytest.raises(FieldError) as caught:
        parse_template(_spec(**template))
    assert caught.value.path == f"spec.secret.template.{field}"
    assert caught.value.remedy
    assert len(str(caught.value)) < 400
    assert readable_template(_spec(**template)) is None


def test_the_sentence_names_the_key_and_the_placeholders() -> None:
    """Field, flaw, remedy."""
    with pytest.raises(FieldError) as caught:
        parse_template(_spec(stringData={"netrc": "{{ refresh_token }}"}))
    assert str(caught.value) == (
        "spec.secret.template.stringData has something else than a placeholder after {{ in key netrc"
    )
    assert caught.value.remedy == (
        "use {{ access_token }}, {{ token_type }}, {{ expires_at }}, {{ authorization }} only"
    )


def test_what_is_accepted_fits_into_a_secret_with_the_longest_token() -> None:
    """Nothing fails on the day on which a token gets longer."""
    text = "{{ access_token }}" * 7 + "{{ authorization }}" * 6
    template = parse_template(_spec(stringData={"k": text + "x" * 40_000}))
    longest = replace(TOKEN, access_token=SecretText("x" * LONGEST_ACCESS_TOKEN))
    size = sum(len(value.encode()) for value in content(longest, template).values())
    assert 900_000 < size <= 1024 * 1024


@pytest.mark.parametrize("spec", [{}, {"secret": {"name": "x"}}, _spec(), _spec(labels={}, annotations=None)])
def test_no_template(spec: dict[str, object]) -> None:
    """Asks for nothing, and leaves no mark."""
    assert parse_template(spec).fingerprint == ""


def test_a_fingerprint_tells_templates_apart() -> None:
    """Whatever part differs; the order in which it is written does not."""
    same = [_spec(labels={"a": "1", "b": "2"}), _spec(labels={"b": "2", "a": "1"})]
    assert len({parse_template(spec).fingerprint for spec in same}) == 1
    other = [_spec(labels={"a": "1"}), _spec(annotations={"a": "1"}), _spec(stringData={"a": "1"})]
    assert len({parse_template(spec).fingerprint for spec in other}) == 3
