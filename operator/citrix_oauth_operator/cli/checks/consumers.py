"""Pods that take a token Secret in a way that never shows them a new token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .finding import Finding, Result, ok

Pod = Mapping[str, Any]
_REMEDY = "Mount the Secret as a volume, as a whole folder, and read it for each use (docs/consuming.md)."


def check_pods(pods: Sequence[Pod], token_secrets: Mapping[str, set[str]]) -> list[Finding]:
    """Return a warning for each use by environment or subPath; pods of one controller count once.

    Args:
        token_secrets: names by namespace.
    """
    found: dict[Finding, None] = {}
    for pod in pods:
        names = token_secrets.get(pod["metadata"]["namespace"], set())
        for secret, container, how in _wrong_uses(pod["spec"]):
            if secret in names:
                message = f"Container {container} takes Secret {secret} {how}: it never sees a new token."
                found[Finding("consumers", _about(pod), Result.WARN, message, _REMEDY)] = None
    return list(found) or [ok("consumers", "-", f"None of {len(pods)} pods takes a token by environment or subPath.")]


def _about(pod: Pod) -> str:
    metadata = pod["metadata"]
    owner: Mapping[str, str] = next(iter(metadata.get("ownerReferences") or ()), {"kind": "Pod", **metadata})
    return f"{metadata['namespace']}/{owner['kind']}/{owner['name']}"


def _wrong_uses(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (Secret, container, how)."""
    volumes = {volume["name"]: set(_secrets_of(volume)) for volume in spec.get("volumes") or ()}
    kinds = ("initContainers", "containers", "ephemeralContainers")
    for container in (one for kind in kinds for one in spec.get(kind) or ()):
        for variable in container.get("env") or ():
            if secret := ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"):
                yield secret, container["name"], "by environment"
        for source in container.get("envFrom") or ():
            if secret := (source.get("secretRef") or {}).get("name"):
                yield secret, container["name"], "by environment"
        for mount in container.get("volumeMounts") or ():
            if mount.get("subPath") or mount.get("subPathExpr"):
                for secret in volumes.get(mount["name"], ()):
                    yield secret, container["name"], "by subPath"


def _secrets_of(volume: Mapping[str, Any]) -> Iterable[str]:
    if secret := (volume.get("secret") or {}).get("secretName"):
        yield secret
    for source in (volume.get("projected") or {}).get("sources") or ():
        if secret := (source.get("secret") or {}).get("name"):
            yield secret
