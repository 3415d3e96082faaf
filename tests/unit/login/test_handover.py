"""Handing a sign-in over, and waiting for the operator; on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

import pytest

from citrix_oauth_operator.domain.errors import ApiError, Conflict, NotFound, Unreachable
from citrix_oauth_operator.domain.model import ClientRef
from citrix_oauth_operator.domain.secrecy import SecretText
from citrix_oauth_operator.kube.api import JSON, Api
from citrix_oauth_operator.login.attempt import Attempt
from citrix_oauth_operator.login.ending import Ending, SignInEnded
from citrix_oauth_operator.login.handover import Handover, awaited, read_client
from tests.unit.login.attempts import WANTED

pytestmark = pytest.mark.looptime

REF = ClientRef("team-a", "reports", "u")
SIGN_IN = Attempt.begin(WANTED).finished(SecretText("CANARY-code"))


class OneClient:
    """An API server with one CitrixClient; each write fails as scripted, then works.

    Attributes:
        body: of the client; None: there is none.
        creates, patches: errors still to come, in order.
        reads: errors still to come of reads, in order.
        watched: what one watch after the other shows; then it is silent for ever.
    """

    def __init__(self, body: JSON | None = None) -> None:
        self.body = body
        self.creates: list[ApiError] = []
        self.patches: list[ApiError] = []
        self.reads: list[ApiError] = []
        self.watched: list[list[JSON] | ApiError] = []
        self.written: list[tuple[str, Mapping[str, Any]]] = []

    async def get(self, _path: str) -> JSON | None:
        """Return the client."""
        if self.reads:
            raise self.reads.pop(0)
        return self.body

    async def create(self, path: str, body: JSON) -> JSON:
        """Create a Secret."""
        if self.creates:
            raise self.creates.pop(0)
        self.written.append((path, body))
        return {"metadata": {"uid": "secret-uid"}}

    async def merge_patch(self, path: str, patch: Mapping[str, Any]) -> JSON:
        """Annotate the client."""
        if self.patches:
            raise self.patches.pop(0)
        self.written.append((path, patch))
        return {}

    async def watch(self, _collection: str, _name: str, _version: str) -> AsyncGenerator[JSON]:
        """Show what is scripted."""
        events = self.watched.pop(0) if self.watched else None
        if isinstance(events, ApiError):
            raise events
        if events is None:
            await asyncio.Event().wait()
        for event in events or ():
            yield event


def _body(version: str = "1", **status: object) -> JSON:
    return {"metadata": {"resourceVersion": version}, "status": status}


def _handover(api: OneClient) -> Handover:
    return Handover(cast("Api", api), REF)


async def _seen(api: OneClient) -> str:
    return await awaited(cast("Api", api), REF, lambda body: body["status"].get("said"), 90, ("Nobody speaks.", ""))


async def test_the_secret_is_there_before_the_operator_is_woken() -> None:
    """And the UID by which the operator's answer is known is returned."""
    api = OneClient()
    assert await _handover(api).give(SIGN_IN) == "secret-uid"
    (secrets, secret), (client, patch) = api.written
    assert secrets == "/api/v1/namespaces/team-a/secrets"
    assert (secret["metadata"]["name"], set(secret["data"])) == (
        "reports-login",
        {"code", "code_verifier", "redirect_uri", "nonce", "token_endpoint"},
    )
    assert client.endswith("/namespaces/team-a/citrixclients/reports")
    assert (patch["metadata"]["uid"], list(patch["metadata"]["annotations"])) == (
        "u",
        ["citrix-oauth.dev/requested-at"],
    )


async def test_the_rehearsal_writes_nothing() -> None:
    """Every write of it is a dry run."""
    api = OneClient()
    await _handover(api).rehearse()
    assert [path.endswith("?dryRun=All") for path, _ in api.written] == [True, True]
    assert "data" not in api.written[0][1]


async def test_an_earlier_sign_in_is_waited_for() -> None:
    """The operator takes it within seconds."""
    api = OneClient()
    api.creates = [Conflict(409)] * 3
    await _handover(api).rehearse()
    assert asyncio.get_running_loop().time() == 3


@pytest.mark.parametrize(
    ("creates", "patches", "ending", "words"),
    [
        pytest.param([Conflict(409)] * 99, [], Ending.NO_OPERATOR, "delete the Secret", id="an earlier one that stays"),
        pytest.param([ApiError(403)], [], Ending.NO_RIGHTS, "create Secrets in namespace team-a", id="no Secrets"),
        pytest.param([ApiError(401)], [], Ending.NO_RIGHTS, "create Secrets", id="nobody the cluster knows"),
        pytest.param([], [ApiError(403)], Ending.NO_RIGHTS, "patch CitrixClients in namespace", id="no patch"),
        pytest.param([], [NotFound(404)], Ending.REFUSED, "deleted meanwhile", id="no client any more"),
        pytest.param([], [Conflict(409)], Ending.REFUSED, "deleted meanwhile", id="another client of that name"),
    ],
)
async def test_what_a_hand_over_can_lack_is_told(
    creates: list[ApiError], patches: list[ApiError], ending: Ending, words: str
) -> None:
    """With what to do."""
    api = OneClient()
    api.creates, api.patches = creates, patches
    with pytest.raises(SignInEnded) as caught:
        await _handover(api).rehearse()
    assert (caught.value.ending, words in str(caught.value)) == (ending, True), str(caught.value)


async def test_of_two_people_at_once_one_is_told() -> None:
    """Nobody's code is overwritten."""
    api = OneClient()
    api.creates = [Conflict(409)]
    with pytest.raises(SignInEnded, match="Somebody else has signed in"):
        await _handover(api).give(SIGN_IN)
    assert api.written == []


async def test_an_api_server_that_is_down_is_no_lack_of_rights() -> None:
    """The command says so, as every other one does."""
    api = OneClient()
    api.creates = [Unreachable()]
    with pytest.raises(Unreachable):
        await _handover(api).rehearse()


@pytest.mark.parametrize(
    ("watched", "seconds"),
    [
        pytest.param([[{"type": "MODIFIED", "object": _body(said="yes")}]], 0, id="by a watch"),
        pytest.param(
            [[], [], [{"type": "MODIFIED", "object": _body(said="yes")}]], 0, id="by a watch that was renewed"
        ),
        pytest.param([ApiError(403), [{"type": "MODIFIED", "object": _body(said="yes")}]], 1, id="after a broken one"),
    ],
)
async def test_the_operators_word_is_seen_at_once(watched: list[list[JSON] | ApiError], seconds: int) -> None:
    """Nothing is polled where a watch works."""
    api = OneClient(_body())
    api.watched = watched
    assert await _seen(api) == "yes"
    assert asyncio.get_running_loop().time() == seconds


async def test_an_outage_of_the_api_server_is_waited_for() -> None:
    """The sign-in has been handed over: leaving now would leave the person without a word."""
    api = OneClient(_body(said="yes"))
    api.reads = [Unreachable()] * 5
    assert await _seen(api) == "yes"


async def test_an_operator_that_says_nothing_is_told() -> None:
    """When the code has expired."""
    with pytest.raises(SignInEnded, match="Nobody speaks") as caught:
        await _seen(OneClient(_body()))
    assert caught.value.ending is Ending.NO_OPERATOR
    assert asyncio.get_running_loop().time() == 90


@pytest.mark.parametrize("watched", [[], [[{"type": "DELETED", "object": _body()}]]], ids=["before", "meanwhile"])
async def test_a_client_that_is_deleted_ends_the_wait(watched: list[list[JSON] | ApiError]) -> None:
    """There is nothing to wait for."""
    api = OneClient(_body() if watched else None)
    api.watched = watched
    with pytest.raises(SignInEnded, match="team-a/reports was deleted"):
        await _seen(api)


async def test_a_client_that_nobody_has_seen_waits_for_its_operator() -> None:
    """Right after `kubectl apply`, for some seconds; without an operator, that is the answer."""
    api = OneClient(_body(observedGeneration=-1))
    api.watched = [[{"type": "MODIFIED", "object": _body("2", observedGeneration=1)}]]
    assert (await read_client(cast("Api", api), "team-a", "reports"))["metadata"]["resourceVersion"] == "2"
    with pytest.raises(SignInEnded, match="No operator has looked"):
        await read_client(cast("Api", OneClient(_body())), "team-a", "reports")
    with pytest.raises(SignInEnded, match="There is no CitrixClient reports in namespace team-a"):
        await read_client(cast("Api", OneClient()), "team-a", "reports")
