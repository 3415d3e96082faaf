"""Which process this is: the holder written into every intent, and whether another holder is proven dead."""

from __future__ import annotations

import os
import platform
import uuid
from pathlib import Path

from citrix_oauth_operator.domain.model import Holder, Liveness


class Identity:
    """This process among all that ever wrote an intent."""

    def __init__(self, pod_uid: str | None) -> None:
        self.holder = Holder(f"pod:{pod_uid}", uuid.uuid4().hex) if pod_uid else _host_holder()

    @property
    def name(self) -> str:
        """What the Lease is held under."""
        return f"{self.holder.place}/{self.holder.instance}"

    def is_dead(self, name: str) -> bool:
        """Whether a holder of the Lease is proven dead: this pod's former process, or one of this host that ended."""
        place, _, instance = name.rpartition("/")
        return self.liveness(Holder(place, instance)) is Liveness.DEAD

    def liveness(self, holder: Holder) -> Liveness:
        """Say what is known about a holder: a pod runs one process of ours, a host many."""
        if holder == self.holder:
            return Liveness.OURSELVES
        if holder.place != self.holder.place:
            return Liveness.UNKNOWN
        if holder.place.startswith("pod:"):
            return Liveness.DEAD
        pid, _, start = holder.instance.partition(":")
        return Liveness.UNKNOWN if pid.isdigit() and _start_of(int(pid)) == start else Liveness.DEAD


def _host_holder() -> Holder:
    pid = os.getpid()
    return Holder(f"host:{platform.node()}:{_boot_id()}", f"{pid}:{_start_of(pid) or uuid.uuid4().hex}")


def _boot_id() -> str:
    """Return the kernel's boot id: after a reboot every older process is gone, but its pid may be taken."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "0"


def _start_of(pid: int) -> str | None:
    """Return the start time of a living process in clock ticks, or None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]
