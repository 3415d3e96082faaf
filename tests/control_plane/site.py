"""Where a control plane stands, and what it has beyond the plain one on loopback."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Site:
    """The surroundings of one control plane.

    Attributes:
        host: address that the API server listens on.
        port: of the API server; 0 for one that is free.
        api_flags: further flags of kube-apiserver; those that hold lists add to ours.
        controllers: that run beside ours.
        users: name and group by bearer token, beside the administrator.
    """

    host: str = "127.0.0.1"
    port: int = 0
    api_flags: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()
    users: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)


LOOPBACK = Site()
