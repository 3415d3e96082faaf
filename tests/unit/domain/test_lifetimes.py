"""Until when a grant lives, and what is learned of that from what was seen."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from citrix_oauth_operator.domain.answers import Granted
from citrix_oauth_operator.domain.kinds import LifetimeModel
from citrix_oauth_operator.domain.lifetimes import end_of, lesson, model_of, remembered
from citrix_oauth_operator.domain.model import Grant
from citrix_oauth_operator.domain.protocol import Attempt, Terms, begin_chain, begin_sign_in, commit, verdict_on
from citrix_oauth_operator.domain.reasons import Reason
from citrix_oauth_operator.domain.secrecy import SecretText
from tests.unit.examples import BINDING, HOLDER, MINUTE, REJECTED, SERVER, grant, rejected
from tests.unit.fakes import T0

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
UNKNOWN, ABSOLUTE, SLIDING = LifetimeModel.UNKNOWN, LifetimeModel.ABSOLUTE, LifetimeModel.SLIDING
NEW = SecretText("CANARY-new")


def _refused(received: datetime, at: datetime, reason: Reason = Reason.GRANT_REJECTED, **changes: object) -> Grant:
    return grant(received_at=received, rejection=replace(rejected(reason), at=at), **changes)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(grant(received_at=T0 + DAY - MINUTE), UNKNOWN, id="nothing in the first day"),
        pytest.param(grant(received_at=T0 + DAY + MINUTE), SLIDING, id="replaced after a day"),
        pytest.param(_refused(T0 + 24 * HOUR - 18 * MINUTE, T0 + DAY), ABSOLUTE, id="refused a day after the sign-in"),
        pytest.param(_refused(T0 + 20 * HOUR, T0 + 30 * HOUR), ABSOLUTE, id="found refused after an outage"),
        pytest.param(_refused(T0 + 20 * HOUR, T0 + 23 * HOUR), UNKNOWN, id="refused before: ended by somebody"),
        pytest.param(_refused(T0 + 20 * HOUR, T0 + 44 * HOUR), UNKNOWN, id="refused when it was over in any case"),
        pytest.param(_refused(T0 + 30 * HOUR, T0 + 31 * HOUR), SLIDING, id="refused after it had outlived the day"),
        pytest.param(_refused(T0 + 20 * HOUR, T0 + DAY, Reason.ACCOUNT_PROBLEM), UNKNOWN, id="refused for its user"),
        pytest.param(_refused(T0 + 20 * HOUR, T0 + DAY, Reason.ROTATION_LOST), UNKNOWN, id="refused after a doubt"),
        pytest.param(grant(learned=ABSOLUTE), ABSOLUTE, id="what the chain before has taught"),
        pytest.param(grant(learned=ABSOLUTE, received_at=T0 + DAY + MINUTE), SLIDING, id="until it proves wrong"),
        pytest.param(_refused(T0 + 23 * HOUR, T0 + DAY, learned=SLIDING), ABSOLUTE, id="either way"),
        pytest.param(grant(received_at=T0 + 30 * HOUR, refresh_expires_at=T0 + 31 * HOUR), UNKNOWN,
                     id="announcements are judged when they come"),
    ],
)  # fmt: skip
def test_what_a_chain_teaches(seen: Grant, expected: LifetimeModel) -> None:
    """By a declared life of a day; where none is declared, nothing new."""
    assert lesson(seen, DAY) is expected
    assert lesson(seen, None) is seen.learned


@pytest.mark.parametrize(
    ("elapsed", "life", "expected"),
    [
        pytest.param(18 * MINUTE, 600 * MINUTE, SLIDING, id="as long as before: it moves"),
        pytest.param(18 * MINUTE, 582 * MINUTE, ABSOLUTE, id="shrunk by what has passed: it stands"),
        pytest.param(18 * MINUTE, 583 * MINUTE, ABSOLUTE, id="a slow answer does not matter"),
        pytest.param(18 * MINUTE, 100 * MINUTE, ABSOLUTE, id="shrunk by more"),
        pytest.param(18 * MINUTE, 591 * MINUTE, UNKNOWN, id="half of it proves nothing"),
        pytest.param(MINUTE, 600 * MINUTE, UNKNOWN, id="too soon to tell"),
    ],
)
def test_two_announced_ends_tell_whether_a_refresh_moves_them(
    elapsed: timedelta, life: timedelta, expected: LifetimeModel
) -> None:
    """At sign-in ten hours were announced."""
    before = grant(refresh_expires_at=T0 + 600 * MINUTE)
    after = _committed(before, T0 + elapsed, life)
    assert after.learned is expected
    assert after.refresh_expires_at == T0 + elapsed + life


def test_one_announced_end_tells_nothing() -> None:
    """Nor does an answer without one take back what is known."""
    assert _committed(grant(), T0 + HOUR, HOUR).learned is UNKNOWN
    silent = _committed(grant(refresh_expires_at=T0 + DAY, learned=SLIDING), T0 + HOUR, None)
    assert (silent.learned, silent.refresh_expires_at) == (SLIDING, None)


def _committed(before: Grant, now: datetime, life: timedelta | None) -> Grant:
    granted = Granted(SecretText("CANARY-at-2"), 30 * MINUTE, NEW, life)
    return commit(before, granted, Terms(60, MINUTE, 30 * MINUTE, "inputs-1", "Bearer {token}", 0.0), now)


def test_what_was_learned_is_carried_to_the_next_chain() -> None:
    """By a seed and by a sign-in; without a chain before nothing is known."""
    dead = _refused(T0 + 23 * HOUR, T0 + DAY)
    old = remembered(dead, SERVER)
    at = T0 + 25 * HOUR
    assert begin_chain(old, "chain-2", NEW, BINDING, at).learned is ABSOLUTE
    assert begin_sign_in(old, "chain-2", NEW, BINDING, Attempt("a", HOLDER, at)).learned is ABSOLUTE
    assert begin_chain(remembered(None, SERVER), "chain-2", NEW, BINDING, at).learned is UNKNOWN


@pytest.mark.parametrize(
    ("seen", "end"),
    [
        pytest.param(grant(received_at=T0 + HOUR), (T0 + DAY, UNKNOWN), id="the earlier one, until more is known"),
        pytest.param(grant(received_at=T0 + HOUR, learned=SLIDING), (T0 + 25 * HOUR, SLIDING), id="learned: it slides"),
        pytest.param(grant(received_at=T0 + HOUR, learned=ABSOLUTE), (T0 + DAY, ABSOLUTE), id="learned: it stands"),
        pytest.param(grant(refresh_expires_at=T0 + HOUR), (T0 + HOUR, UNKNOWN), id="announced"),
        pytest.param(grant(refresh_expires_at=T0 + HOUR, learned=SLIDING), (T0 + HOUR, SLIDING), id="and learned"),
        pytest.param(grant(rejection=rejected()), None, id="a dead grant has none"),
    ],
)
def test_when_a_person_must_sign_in_again(seen: Grant, end: tuple[datetime, LifetimeModel] | None) -> None:
    """On a server that declares a day, and no model."""
    assert end_of(seen, SERVER) == end


@pytest.mark.parametrize("declared", [ABSOLUTE, SLIDING])
def test_what_an_admin_declares_wins_over_what_was_learned(declared: LifetimeModel) -> None:
    """They may know the server's settings."""
    contrary = SLIDING if declared is ABSOLUTE else ABSOLUTE
    assert model_of(grant(learned=contrary), replace(SERVER, lifetime_model=declared)) is declared


def test_a_refusal_after_the_end_that_stands_is_an_expiry() -> None:
    """While the model is not known, it may have been anything."""
    now = T0 + DAY + MINUTE
    known = grant(received_at=T0 + 23 * HOUR, learned=ABSOLUTE)
    assert verdict_on(known, REJECTED, SERVER, now).reason is Reason.GRANT_EXPIRED
    assert verdict_on(replace(known, learned=UNKNOWN), REJECTED, SERVER, now).reason is Reason.GRANT_REJECTED
