"""Who leads, in the replicas' own words."""

from __future__ import annotations

from tests.faults.bed import Bed
from tests.faults.replica import Replica
from tests.integration.operator.eventually import eventually


def leading(bed: Bed) -> Replica:
    """Return who leads."""

    def now() -> Replica | None:
        terms = [each for each in bed.replicas if each.operator.log.count("LeadershipGained") > _ends(each)]
        return terms[0] if len(terms) == 1 else None

    found = eventually(now, "one of them leads", lambda: "\n".join(each.operator.log for each in bed.replicas))
    assert found
    return found


def await_turns(replica: Replica, other: Replica) -> None:
    """Wait until each term that a replica took from the other has a term of the other that ended.

    Be it for want of processor: who had none says late that it leads no more, and may be the next to lead itself.
    """
    former = f"former=pod:{other.operator.env['CITRIX_OAUTH_POD_UID']}"
    eventually(
        lambda: sum(former in term for term in gained(replica)) <= _ends(other),
        f"{replica.name} waited for {other.name}",
        lambda: f"{replica.operator.log}\n{other.operator.log}",
    )


def _ends(replica: Replica) -> int:
    return sum(replica.operator.log.count(f"Leadership{word}") for word in ("Lost", "Released"))


def gained(replica: Replica) -> list[str]:
    """Return what a replica said when it began to lead."""
    return [line for line in replica.operator.log.splitlines() if "audit LeadershipGained" in line]
