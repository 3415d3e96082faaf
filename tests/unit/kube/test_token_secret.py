"""The token Secret: what pods read, whose it is, and whether somebody edited it."""

from dataclasses import replace
from typing import Any

import pytest

from citrix_oauth_operator.domain.errors import Conflict
from citrix_oauth_operator.domain.model import TokenSecret
from citrix_oauth_operator.kube.labels import secret_path
from citrix_oauth_operator.kube.secret_codec import decode, encode
from citrix_oauth_operator.kube.token_secret import TokenSecrets, content
from tests.unit.examples import REF, TOKEN
from tests.unit.fakes import FakeApi

NAME = "reports-token"
PATH = secret_path(REF.namespace, NAME)


async def _written() -> tuple[FakeApi, TokenSecrets, TokenSecret]:
    api = FakeApi("team-a")
    secrets = TokenSecrets(api)
    return api, secrets, await secrets.publish(REF, NAME, TOKEN, TokenSecret())


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


def test_the_header_is_the_servers() -> None:
    """Citrix has its own."""
    assert (
        content(replace(TOKEN, authorization="CwsAuth Bearer={token}"))["authorization"] == "CwsAuth Bearer=CANARY-at"
    )


async def test_what_was_written_is_read_back() -> None:
    """Ours, intact, with its times: a restart needs nothing else."""
    _, secrets, written = await _written()
    assert await secrets.observe(REF, NAME) == written


def _edit(part: str) -> Any:  # noqa: ANN401 - JSON
    return {
        "data": lambda body: body.update(data=encode({**decode(body), "access_token": "CANARY-other"})),
        "a key more": lambda body: body.update(data=encode({**decode(body), "more": "x"})),
        "a key less": lambda body: body["data"].pop("authorization"),
        "a label": lambda body: body["metadata"]["labels"].update({"citrix-oauth.dev/client-name": "x"}),
        "the state": lambda body: body["metadata"]["annotations"].update({"citrix-oauth.dev/token-state": "{"}),
    }[part]


@pytest.mark.parametrize("part", ["data", "a key more", "a key less", "a label", "the state"])
async def test_an_edit_is_seen(part: str) -> None:
    """Whatever of ours was edited."""
    api, secrets, _ = await _written()
    _edit(part)(api.objects[PATH])
    found = await secrets.observe(REF, NAME)
    assert (found.exists, found.ours, found.intact, found.token) == (True, True, False, None)


async def test_labels_of_others_are_theirs() -> None:
    """Argo CD's tracking, for one."""
    api, secrets, _ = await _written()
    api.objects[PATH]["metadata"]["labels"]["app"] = "x"
    api.objects[PATH]["metadata"]["annotations"]["tracking"] = "x"
    assert (await secrets.observe(REF, NAME)).intact


@pytest.mark.parametrize("missing", ["labels", "ownerReferences", "another owner"])
async def test_what_is_not_ours(missing: str) -> None:
    """Label and owner reference, both."""
    api, secrets, _ = await _written()
    metadata = api.objects[PATH]["metadata"]
    if missing == "another owner":
        metadata["ownerReferences"] = [{"uid": "uid-2"}]
    else:
        del metadata[missing]
    found = await secrets.observe(REF, NAME)
    assert (found.exists, found.ours, found.token) == (True, False, None)
    await secrets.delete_old(REF, NAME)
    assert PATH in api.objects


async def test_a_write_over_something_newer_is_a_conflict() -> None:
    """Nothing that was not looked at is overwritten."""
    api, secrets, written = await _written()
    api.put(PATH, api.objects[PATH])
    with pytest.raises(Conflict):
        await secrets.publish(REF, NAME, TOKEN, written)
    with pytest.raises(Conflict):
        await secrets.publish(REF, NAME, TOKEN, TokenSecret())
