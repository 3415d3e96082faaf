"""Whether the demo showed what it promises: judged by the server's counters and by the consumer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.standins.citrix_cloud import Call, Stats

NEEDED = 2


@dataclass(frozen=True, slots=True)
class Counters:
    """What was counted in the end.

    Attributes:
        refreshes: granted by the server, without the first use of the seed.
        calls: of the consumer; failures: how many of them were not answered with 200.
        refused: calls of the protected resource that the server refused.
        replays: refresh tokens that came to the server twice.
        troubles: what else went wrong, in words.
    """

    refreshes: int
    calls: int
    failures: int
    refused: int
    replays: int
    troubles: tuple[str, ...] = ()


def refreshes_in(calls: Sequence[Call]) -> int:
    """Return how often the server granted a refresh after the seed's first use."""
    granted = [call for call in calls if call.grant_type == "refresh_token" and call.outcome == "ok"]
    return max(0, len(granted) - 1)


def counted(
    stats: Stats, calls: Sequence[Call], *, consumer: tuple[int, int], troubles: Sequence[str] = ()
) -> Counters:
    """Put together what server and consumer counted; `consumer`: calls and failures."""
    return Counters(refreshes_in(calls), *consumer, stats.resource_refused, stats.replays, tuple(troubles))


def failures(counters: Counters) -> list[str]:
    """Return why the demo failed; empty when it did not."""
    reasons = list(counters.troubles)
    if counters.failures:
        reasons.append(f"{counters.failures} of the consumer's {counters.calls} calls failed")
    elif not counters.calls:
        reasons.append("the consumer never had a token to call with")
    if counters.refused > counters.failures:
        reasons.append(f"the server refused {counters.refused} calls")
    if counters.replays:
        reasons.append(f"the server counted a replay of a refresh token {_times(counters.replays)}")
    if not reasons and counters.refreshes < NEEDED:
        reasons.append(f"the token was refreshed {_times(counters.refreshes)} only, {NEEDED} needed")
    return reasons


def last_lines(counters: Counters, kills: int) -> list[str]:
    """Return the demo's last words, the verdict last."""
    reasons = failures(counters)
    killed = f"{_times(kills)}, between two refreshes" if kills else "never: there was no moment between two refreshes"
    return [
        f"operator killed {killed}",
        f"refreshed {_times(counters.refreshes)} after the first token, counted at the server ({NEEDED} needed)",
        f"consumer {counters.calls} calls, {counters.failures} refused",
        f"server replays {counters.replays}",
        f"demo: FAILED because {'; '.join(reasons)}" if reasons else "demo: ok",
    ]


def only_too_short(counters: Counters) -> bool:
    """Whether nothing is wrong but that there was not enough time."""
    return bool(failures(counters)) and not failures(
        Counters(
            NEEDED, max(1, counters.calls), counters.failures, counters.refused, counters.replays, counters.troubles
        )
    )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
