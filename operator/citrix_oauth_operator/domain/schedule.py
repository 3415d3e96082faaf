"""When things are due. Random shares are arguments: they are drawn once, when scheduling, and stored."""

from __future__ import annotations

from datetime import datetime, timedelta

KUBELET_LAG = timedelta(seconds=90)  # kubelets take up to this long to show a changed Secret
REST_OF_LIFE = timedelta(minutes=2)  # of a token when it is replaced: the kubelet's time, and ours to get the next one
JITTER = 0.10  # share of the access token's life
INTENT_DEADLINE = timedelta(seconds=45)
TAKE_OVER_MARGIN = timedelta(seconds=15)
HOURLY = timedelta(hours=1)
COMMIT_RECHECK = timedelta(seconds=5)
OWNERSHIP_RECHECK = timedelta(minutes=1)
PASSWORD_RECHECK = timedelta(seconds=2)  # while another process posts the password

BREAKER_RECHECK = timedelta(minutes=5)  # of those that wait for a breaker: they are woken long before
DENSEST = HOURLY / 24  # between two tokens that are over before the next one may be asked for

UNREACHABLE_CEILING = timedelta(minutes=1)

_LADDER = (1, 3, 9, 20)
_SLOW_TRIES, _SLOW, _SLOWEST = 10, 60, 900
_BACKOFF_CEILING = 300


def refresh_due(
    issued_at: datetime, lifetime: timedelta, at_percent: int, share: float, min_interval: timedelta
) -> datetime:
    """Return when a token is to be refreshed: at a share of its life, minus jitter, never under `min_interval`.

    A token that lives long enough has two minutes left then, whatever the share.
    A token that is over before the next one may be asked for (`expires_in: 0`) helps nobody, however often it comes.

    Args:
        share: 0..1, random, drawn by the caller exactly once for this token.
    """
    latest = lifetime * (at_percent / 100)
    if lifetime >= 2 * REST_OF_LIFE:
        latest = min(latest, lifetime - REST_OF_LIFE)
    due = latest - lifetime * (JITTER * share)
    return issued_at + max(due, min_interval if lifetime > min_interval else max(min_interval, DENSEST))


def ladder_delay(tries: int) -> timedelta:
    """Return how long after try number `tries` (from 1) of unknown outcome the same refresh token is sent again."""
    if tries <= len(_LADDER):
        return timedelta(seconds=_LADDER[max(tries, 1) - 1])
    return timedelta(seconds=_SLOW if tries <= len(_LADDER) + _SLOW_TRIES else _SLOWEST)


def backoff(attempts: int, share: float) -> timedelta:
    """Return the wait after `attempts` (from 1) failures in a row: 2, 4, 8 ... 300 s, shortened by up to a quarter."""
    seconds = min(2.0 ** min(attempts, 12), _BACKOFF_CEILING)
    return timedelta(seconds=seconds * (1 - 0.25 * share))


def spread(wait: timedelta, share: float) -> timedelta:
    """Return `wait` made up to a tenth longer, at least by up to a second: those who wait for one moment part."""
    return wait + max(wait / 10, timedelta(seconds=1)) * share


def take_over_reserve(lifetime: timedelta) -> timedelta:
    """Return the rest of life of an access token below which a living holder's intent may be taken over."""
    return min(timedelta(minutes=3), lifetime / 4)
