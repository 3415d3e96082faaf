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
    """Wait until each further term of a replica has a term of the other that ended, be it for want of processor.

    Who had no processor says late that it leads no more; another one leads by then.
    """
    eventually(
        lambda: len(gained(replica)) - 1 <= _ends(other),
        f"{replica.name} waited for {other.name}",
        lambda: f"{replica.operator.log}\n{other.operator.log}",
    )


def _ends(replica: Replica) -> int:
    return sum(replica.operator.log.count(f"Leadership{word}") for word in ("Lost", "Released"))


def gained(replica: Replica) -> list[str]:
    """Return what a replica said when it began to lead."""
    return [line for line in replica.operator.log.splitlines() if "audit LeadershipGained" in line]
