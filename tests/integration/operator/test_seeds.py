"""Seeds and bindings: a refresh token is used for what it was issued for, by one client, once."""

from __future__ import annotations

from tests.integration.operator import canary
from tests.integration.operator.bad_day_cases import ACCESS, NEW, NEXT, error, tokens
from tests.integration.operator.cluster import config_maps
from tests.integration.operator.eventually import eventually, never
from tests.integration.operator.reading import condition
from tests.integration.operator.world import World
from tests.standins.citrix_cloud import PRIVATE_POST, Fault
from tests.standins.token_endpoint import json_reply

GOOD = json_reply(tokens())


def refreshes(world: World) -> int:
    """Return how many refresh tokens the server has seen."""
    return world.cloud.stats().token_requests.get("refresh_token", 0)


def test_an_edited_client_id_stops_everything_until_it_is_undone(stage: World) -> None:
    """A refresh token is never sent for another client id; the old one finds its grant again."""
    stage.signed_in("renamed", stage.stand_in("renamed"))
    stage.ready("renamed")
    stage.change("renamed", clientID="another-client==")
    told = stage.stalled("renamed", "InputsChanged")
    assert "spec.clientID" in condition(told, "Stalled")["message"]
    assert condition(told, "Ready")["status"] == "False"
    assert refreshes(stage) == 1
    stage.change("renamed", clientID=PRIVATE_POST.id)
    stage.ready("renamed")
    assert refreshes(stage) == 1


def test_another_server_stops_everything_until_it_is_undone(stage: World) -> None:
    """Nor is it sent to another server, whoever edited the reference."""
    first, other = stage.stand_in("first"), stage.scripted("other", default=GOOD)
    stage.signed_in("moved", first)
    stage.ready("moved")
    stage.change("moved", authorizationServerRef={"name": other[0]})
    told = stage.stalled("moved", "InputsChanged")
    assert "spec.authorizationServerRef" in condition(told, "Stalled")["message"]
    assert other[1].requests == []
    stage.change("moved", authorizationServerRef={"name": first})
    stage.ready("moved")


def test_a_changed_token_endpoint_gets_no_refresh_token(stage: World) -> None:
    """A poisoned document or an admin's slip must not collect everybody's grants."""
    server, endpoint = stage.scripted("poisoned", default=json_reply(tokens(expires_in=4)))
    thief = stage.endpoints.open(default=GOOD)
    stage.planted |= {ACCESS, NEW, NEXT}
    stage.seeded("poisoned", server)
    stage.ready("poisoned")
    stage.change_server(server, endpoints={"token": thief.url})
    stage.stalled("poisoned", "EndpointChanged")
    never(lambda: thief.requests, "the new endpoint is asked", 1)
    sent = len(endpoint.requests)
    stage.change_server(server, endpoints={"token": endpoint.url})
    eventually(lambda: len(endpoint.requests) > sent, "it goes on", lambda: stage.tell("poisoned"))
    stage.ready("poisoned")


def test_a_seed_is_adopted_once_only(stage: World) -> None:
    """The claim in the operator's namespace tells that somebody has it; a new seed is the cure."""
    server = stage.stand_in("once")
    seed = stage.signed_in("owner", server)
    stage.ready("owner")
    stage.credentials("copy", client_secret=PRIVATE_POST.secret or "", refresh_token=seed)
    stage.client("copy", server, clientID=PRIVATE_POST.id)
    stage.stalled("copy", "SeedAlreadyUsed")
    assert stage.grant("copy")["seq"] == 0  # stored, refused its claim, never sent
    assert refreshes(stage) == 1
    claims = [one["metadata"]["name"] for one in stage.cluster.items(config_maps(stage.operator.namespace))]
    assert len([name for name in claims if name.startswith("seed-")]) >= 1
    stage.set_keys("copy", refresh_token=stage.cloud.sign_in(PRIVATE_POST.id).refresh_token)
    stage.ready("copy")
    assert (stage.cloud.stats().replays, stage.cloud.stats().errors) == (0, {})


def test_a_seed_that_is_applied_again_does_nothing_while_its_chain_lives(stage: World) -> None:
    """Git re-applies the same Secret for ever."""
    seed = stage.signed_in("git", stage.stand_in("git"))
    stage.ready("git")
    chain = stage.grant("git")["chain"]
    for revision in ("1", "2"):
        stage.set_keys("git", refresh_token=seed, client_secret=PRIVATE_POST.secret or "", revision=revision)
        never(lambda: refreshes(stage) != 1, "a request for an old seed", 1)
    assert stage.grant("git")["chain"] == chain
    stage.ready("git")


def test_a_new_seed_begins_a_new_chain_and_pods_keep_their_token_meanwhile(stage: World) -> None:
    """A fresh sign-in replaces a healthy grant; the old one is dropped, not revoked."""
    stage.signed_in("again", stage.stand_in("again"))
    stage.ready("again")
    chain = stage.grant("again")["chain"]
    stage.set_keys("again", refresh_token=stage.cloud.sign_in(PRIVATE_POST.id).refresh_token)
    eventually(lambda: stage.grant("again")["chain"] != chain, "a new chain", lambda: stage.tell("again"))
    stage.ready("again")
    ready = [condition(one, "Ready").get("status") for one in stage.past("again")]
    assert "False" not in ready
    assert ready[-1] == "True"
    assert (stage.cloud.stats().replays, stage.cloud.stats().revoked_grants) == (0, 0)


def test_a_new_seed_cures_a_dead_grant_without_a_restart(stage: World) -> None:
    """GrantRejected is final for the old refresh token only."""
    server, endpoint = stage.scripted("dead", error("invalid_grant"), default=GOOD)
    stage.planted |= {ACCESS, NEW}
    seed = stage.seeded("dead", server)
    stage.stalled("dead", "GrantRejected")
    stage.annotate("dead", unrelated="yes")
    never(lambda: len(endpoint.requests) != 1, "a dead token is sent again", 1)
    stage.set_keys("dead", refresh_token=f"{seed}-new")
    stage.ready("dead")
    assert [request.form["refresh_token"] for request in endpoint.requests] == [seed, f"{seed}-new"]


def test_a_person_may_ask_for_one_more_try_of_a_dead_grant(stage: World) -> None:
    """A re-enabled user's token works again: the annotation allows one try, and is echoed."""
    server, endpoint = stage.scripted("asked", error("invalid_grant"), error("invalid_grant"), default=GOOD)
    stage.planted |= {ACCESS, NEW}
    stage.seeded("asked", server)
    stage.stalled("asked", "GrantRejected")
    stage.annotate("asked", requested_at="2026-01-01T00:00:00Z")
    eventually(lambda: len(endpoint.requests) == 2, "one more try", lambda: stage.tell("asked"))
    eventually(lambda: _echo(stage, "asked") == "2026-01-01T00:00:00Z", "the echo", lambda: stage.tell("asked"))
    never(lambda: len(endpoint.requests) != 2, "and not a third", 1)
    stage.annotate("asked", requested_at="2026-01-02T00:00:00Z")
    stage.ready("asked")


def _echo(world: World, name: str) -> str:
    return str(world.now(name)["status"].get("lastHandledReconcileAt"))


def test_a_corrected_client_secret_is_tried_within_seconds(stage: World) -> None:
    """ClientRejected spends nothing: the same seed goes on with the new secret."""
    server, endpoint = stage.scripted("corrected", error("invalid_client", 401), default=GOOD)
    stage.planted |= {ACCESS, NEW}
    seed = stage.seeded("corrected", server)
    stage.stalled("corrected", "ClientRejected")
    never(lambda: len(endpoint.requests) != 1, "a refused secret is sent again", 1)
    stage.set_keys("corrected", client_secret="CANARY-secret-corrected-new")
    stage.ready("corrected")
    sent = [(request.form["refresh_token"], request.form["client_secret"]) for request in endpoint.requests]
    assert sent == [(seed, "CANARY-secret-corrected"), (seed, "CANARY-secret-corrected-new")]


def test_a_refused_secret_is_refused_for_all_clients_that_share_it(stage: World) -> None:
    """A second client with the same id and secret does not knock again: that is how accounts get locked."""
    server, endpoint = stage.scripted("shared", error("invalid_client", 401), default=GOOD)
    stage.planted |= {ACCESS, NEW}
    for name in ("sharer-one", "sharer-two"):
        stage.credentials(name, client_secret="CANARY-secret-shared", refresh_token=f"CANARY-seed-{name}")
        stage.client(name, server)
        stage.stalled(name, "ClientRejected")
    assert len(endpoint.requests) == 1


def test_an_answer_lost_after_the_rotation_is_told_as_such(stage: World) -> None:
    """The strictest server: one replay at most, after a doubt was recorded, then a person; a new seed cures it."""
    stage.signed_in("lost", stage.stand_in("lost"))
    stage.ready("lost")
    stage.cloud.faults([Fault(when="after", kind="reset", grant_type="refresh_token")])
    stage.annotate("lost", requested_at="2026-01-01T00:00:00Z")
    told = stage.stalled("lost", "RotationLost")
    assert told["status"]["lastError"]["oauthError"] == "invalid_grant"
    assert condition(told, "Ready")["status"] == "True", "the access token may live on"
    doubts = [past["pending"]["doubt"] for past in stage.past_grants("lost") if past["pending"]]
    assert doubts[-2:] == [True, True], "recorded when it arose, and carried by the second try"
    assert stage.cloud.stats().replays == 1
    before = refreshes(stage)
    never(lambda: refreshes(stage) != before, "a replay of a lost token", 2)
    stage.set_keys("lost", refresh_token=stage.cloud.sign_in(PRIVATE_POST.id).refresh_token)
    stage.ready("lost")
    assert stage.cloud.stats().replays == 1


def test_an_answer_lost_before_the_rotation_costs_nothing(stage: World) -> None:
    """The same doubt, but the server never acted: the second sending is the first for it."""
    stage.signed_in("spared", stage.stand_in("spared"))
    stage.ready("spared")
    stage.cloud.faults([Fault(when="before", kind="reset", grant_type="refresh_token")])
    stage.annotate("spared", requested_at="2026-01-01T00:00:00Z")
    stage.trouble("spared", "RefreshFailed", "OutcomeUnknown")
    stage.refreshed("spared", 2)
    assert (stage.cloud.stats().replays, stage.cloud.stats().errors) == (0, {})


def test_a_server_with_a_grace_period_survives_a_lost_answer(stage: World) -> None:
    """A repeated pair is taken, and counted from the first sending."""
    stage.cloud.configure(grace_seconds=60, grace_answer="same")
    stage.signed_in("grace", stage.stand_in("grace"))
    stage.ready("grace")
    stage.cloud.faults([Fault(when="after", kind="truncate", grant_type="refresh_token")])
    stage.annotate("grace", requested_at="2026-01-01T00:00:00Z")
    stage.refreshed("grace", 2)
    assert (stage.cloud.stats().grace_reuses, stage.cloud.stats().replays) == (1, 0)


def test_no_secret_shows_anywhere(world: World) -> None:
    """Logs at DEBUG, Events, objects and their past versions."""
    canary.check(world)
