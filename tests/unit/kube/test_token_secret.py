"""The token Secret: what pods read, whose it is, and whether somebody edited it."""

from dataclasses import replace
from typing import Any

import pytest

from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import TokenSecret
from citrix_oauth_operator.domain.template import SecretTarget, SecretTemplate
from citrix_oauth_operator.kube.labels import secret_path
from citrix_oauth_operator.kube.secret_codec import decode, encode
from citrix_oauth_operator.kube.token_secret import TokenSecrets
from tests.unit.examples import REF, TOKEN
from tests.unit.fakes import FakeApi

TARGET = SecretTarget("reports-token")
PATH = secret_path(REF.namespace, TARGET.name)


TEMPLATE = SecretTemplate({"app": "a"}, {"note": "a"}, {"netrc": "password {{ access_token }}"})
TEMPLATED = SecretTarget(TARGET.name, TEMPLATE)
HOSTILE = {"citrix-oauth.dev/client-uid": "another"}


async def _written(target: SecretTarget = TARGET) -> tuple[FakeApi, TokenSecrets, TokenSecret]:
    api = FakeApi("team-a")
    secrets = TokenSecrets(api)
    return api, secrets, await secrets.publish(REF, target, TOKEN, TokenSecret())


async def test_what_pods_read() -> None:
    """Four keys; never a refresh token, never a client secret; owned by the client."""
    api, _, _ = await _written()
    assert decode(api.objects[PATH]) == {
        "access_token": "CANARY-at",
        "token_type": "Bearer",
        "expires_at": "2026-03-01T12:30:00Z",
        "authorization": "Bearer CANARY-at",
    }
    metadata = api.objects[PATH]["metadata"]
    assert "CANARY" not in str(metadata)
    assert metadata["ownerReferences"][0]["uid"] == REF.uid


async def test_what_was_written_is_read_back() -> None:
    """Ours, intact, with its times: a restart needs nothing else."""
    _, secrets, written = await _written()
    assert await secrets.observe(REF, TARGET) == written


def _edit(part: str) -> Any:  # noqa: ANN401 - JSON
    return {
        "data": lambda body: body.update(data=encode({**decode(body), "access_token": "CANARY-other"})),
        "a key more": lambda body: body.update(data=encode({**decode(body), "more": "x"})),
        "a key more that is no text": lambda body: body["data"].update(more="/w=="),
        "a key less": lambda body: body["data"].pop("authorization"),
        "the state": lambda body: body["metadata"]["annotations"].update({"citrix-oauth.dev/token-state": "{"}),
        "a label": lambda body: body["metadata"]["labels"].update({"citrix-oauth.dev/client-name": "x"}),
        "a templated label": lambda body: body["metadata"]["labels"].pop("app"),
        "a templated annotation": lambda body: body["metadata"]["annotations"].update(note="other"),
        "the template's mark": lambda body: body["metadata"]["annotations"].pop("citrix-oauth.dev/template-hash"),
    }[part]


@pytest.mark.parametrize("part", ["data", "a key more", "a key more that is no text", "a key less", "the state"])
async def test_edited_data_is_no_token(part: str) -> None:
    """Whatever of it was edited: nobody knows what the rest is worth."""
    api, secrets, _ = await _written()
    _edit(part)(api.objects[PATH])
    found = await secrets.observe(REF, TARGET)
    assert (found.exists, found.ours, found.intact, found.token) == (True, True, False, None)


@pytest.mark.parametrize("part", ["a label", "a templated label", "a templated annotation", "the template's mark"])
async def test_an_edit_around_the_data_is_seen_and_costs_no_token(part: str) -> None:
    """The token is good: a client without a grant Secret needs no new one."""
    api, secrets, _ = await _written(TEMPLATED)
    _edit(part)(api.objects[PATH])
    found = await secrets.observe(REF, TEMPLATED)
    assert (found.exists, found.ours, found.intact, found.token) == (True, True, False, TOKEN)


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(SecretTemplate(), id="nothing any more"),
        pytest.param(replace(TEMPLATE, labels={}), id="a label less"),
        pytest.param(replace(TEMPLATE, annotations={"note": "b"}), id="another annotation"),
        pytest.param(replace(TEMPLATE, string_data={}), id="a key less"),
        pytest.param(replace(TEMPLATE, string_data={"netrc": "{{ token_type }}"}), id="another text"),
    ],
)
async def test_a_changed_template_is_written_over_the_old_one(wanted: SecretTemplate) -> None:
    """The token stays; what the template no longer asks for goes."""
    api, secrets, _ = await _written(TEMPLATED)
    target = replace(TEMPLATED, template=wanted)
    found = await secrets.observe(REF, target)
    assert (found.intact, found.token) == (False, TOKEN)
    await secrets.publish(REF, target, TOKEN, found)
    fresh, _, _ = await _written(target)
    assert {**api.objects[PATH], "metadata": None} == {**fresh.objects[PATH], "metadata": None}
    for part in ("labels", "annotations"):
        assert api.objects[PATH]["metadata"][part] == fresh.objects[PATH]["metadata"][part]
    assert (await secrets.observe(REF, target)).intact


async def test_what_the_template_asks_for_is_written() -> None:
    """Beside our own; the labels by which we know the Secret are ours whatever it says."""
    api, _, _ = await _written(SecretTarget(TARGET.name, replace(TEMPLATE, labels={"app": "a", **HOSTILE})))
    metadata = api.objects[PATH]["metadata"]
    assert decode(api.objects[PATH])["netrc"] == "password CANARY-at"
    assert metadata["annotations"]["note"] == "a"
    assert metadata["labels"]["app"] == "a"
    assert metadata["labels"]["citrix-oauth.dev/client-uid"] == REF.uid


async def test_a_template_that_cannot_be_read_changes_nothing() -> None:
    """The Secret stays as it was written before; a deleted one comes back with our own keys."""
    api, secrets, _ = await _written(TEMPLATED)
    unknown = replace(TEMPLATED, template=None)
    assert (await secrets.observe(REF, unknown)).intact
    api.drop(PATH)
    await secrets.publish(REF, unknown, TOKEN, TokenSecret())
    assert decode(api.objects[PATH]).keys() == {"access_token", "token_type", "expires_at", "authorization"}


async def test_a_secret_without_a_template_has_no_mark_of_one() -> None:
    """Secrets of an older version are as wanted: an upgrade writes nothing."""
    api, _, _ = await _written()
    assert "citrix-oauth.dev/template-hash" not in api.objects[PATH]["metadata"]["annotations"]


async def test_labels_of_others_are_theirs() -> None:
    """Argo CD's tracking, for one."""
    api, secrets, _ = await _written()
    api.objects[PATH]["metadata"]["labels"]["app"] = "x"
    api.objects[PATH]["metadata"]["annotations"]["tracking"] = "x"
    assert (await secrets.observe(REF, TARGET)).intact


@pytest.mark.parametrize("missing", ["labels", "ownerReferences", "another owner"])
async def test_what_is_not_ours(missing: str) -> None:
    """Label and owner reference, both."""
    api, secrets, _ = await _written()
    metadata = api.objects[PATH]["metadata"]
    if missing == "another owner":
        metadata["ownerReferences"] = [{"uid": "uid-2"}]
    else:
        del metadata[missing]
    found = await secrets.observe(REF, TARGET)
    assert (found.exists, found.ours, found.token) == (True, False, None)
    await secrets.delete_old(REF, TARGET.name)
    assert PATH in api.objects


async def test_a_write_over_something_newer_is_a_conflict() -> None:
    """Nothing that was not looked at is overwritten."""
    api, secrets, written = await _written()
    api.put(PATH, api.objects[PATH])
    with pytest.raises(Conflict):
        await secrets.publish(REF, TARGET, TOKEN, written)
    with pytest.raises(Conflict):
        await secrets.publish(REF, TARGET, TOKEN, TokenSecret())
