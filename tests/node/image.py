"""The image of the Dockerfile as an archive, built once for each content. No registry is asked for anything.

Its base is the Debian that the Dockerfile names, made by debootstrap, with the certificate authorities that this
machine's administrator added, so that pip reaches its index wherever the developer does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.control_plane.cache import cache_root, locked

ROOT = Path(__file__).parents[2]
REPOSITORY, TAG = "localhost/citrix-oauth-operator", "dev"
_BASE = "localhost/debian:trixie"
_AUTHORITIES = Path("usr/local/share/ca-certificates")
_UNWANTED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt/lists", "var/cache/apt", "var/log")
_MOST_LAYERS = 80  # in the store, before it is thrown away


def archive() -> Path:
    """Build the image if its content is a new one, and return the archive (docker-archive, not compressed).

    Raises:
        RuntimeError: a step failed; what it said went to standard error.
    """
    folder = cache_root() / "image"
    wanted = folder / f"{_content()}.tar"
    with locked(folder):
        if not wanted.exists():
            for old in folder.glob("*.tar*"):
                old.unlink()
            environment = _environment(folder)
            _make_base(folder, environment)
            part = wanted.with_suffix(".tar.part")
            given = {"IMAGE": f"{REPOSITORY}:{TAG}", "BASE": _BASE, "ARCHIVE": str(part)}
            _run("tools/image", env=environment | given)
            part.rename(wanted)
    return wanted


def _content() -> str:
    """Name what goes into the image."""
    files = [ROOT / name for name in ("Dockerfile", "tools/image", "pyproject.toml", "README.md")]
    files += [ROOT / "requirements" / name for name in ("run.txt", "build.txt")]
    files += [path for path in (ROOT / "operator").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _environment(folder: Path) -> dict[str, str]:
    """Keep buildah to a store of its own, and out of the machine's network."""
    settings = folder / "storage.conf"
    lines = ("[storage]", 'driver = "overlay"', f'graphroot = "{folder}/store"', f'runroot = "{folder}/run"')
    settings.write_text("\n".join(lines) + "\n")
    chosen = {"CONTAINERS_STORAGE_CONF": str(settings), "BUILDAH_ISOLATION": "chroot", "BUILDAH_LAYERS": "true"}
    return {**os.environ, **chosen}


def _make_base(folder: Path, environment: dict[str, str]) -> None:
    if len(_run("buildah", "images", "--all", "--quiet", env=environment).splitlines()) > _MOST_LAYERS:
        _run("buildah", "rmi", "--all", "--force", env=environment)
    if _run("buildah", "images", "--quiet", "--filter", f"reference={_BASE}", env=environment):
        return
    root = folder / "base"
    shutil.rmtree(root, ignore_errors=True)
    _run("debootstrap", "--variant=minbase", _BASE.rpartition(":")[2], root, env=environment)
    for name in _UNWANTED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    if (Path("/") / _AUTHORITIES).is_dir():
        shutil.copytree(Path("/") / _AUTHORITIES, root / _AUTHORITIES, dirs_exist_ok=True)
    container = _run("buildah", "from", "scratch", env=environment).strip()
    _run("buildah", "add", "--quiet", container, root, "/", env=environment)
    _run("buildah", "commit", "--quiet", "--rm", container, _BASE, env=environment)
    shutil.rmtree(root)


def _run(*words: str | Path, env: dict[str, str]) -> str:
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        raise RuntimeError(f"{words[0]} {words[1:2]} failed with status {done.returncode}")
    return done.stdout
