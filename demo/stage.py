"""Building everything from nothing and taking it down again."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console

from demo import scene
from demo.cluster import Cluster
from demo.facts import Facts
from demo.mount import Mount
from demo.options import Options
from demo.processes import Consumer, Operator
from demo.story import Story
from demo.watching import Watching
from tests.control_plane import ControlPlane
from tests.control_plane.build import find_kubectl, needs_build
from tests.control_plane.cache import Workspace
from tests.standins.citrix_cloud import CitrixCloud

_SETTINGS = "CITRIX_OAUTH_"


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    plane: ControlPlane
    cloud: CitrixCloud
    operator: Operator
    consumer: Consumer
    facts: Facts
    story: Story

    @property
    def how_to_look(self) -> str:
        """Return the command with which a person looks at it all from another terminal."""
        kubectl = "kubectl" if shutil.which("kubectl") else find_kubectl()
        return f"export KUBECONFIG={self.plane.kubeconfig}; {kubectl} get cxc -A"


@contextmanager
def everything(options: Options, console: Console, story: Story) -> Iterator[Stage]:
    """Start it all, saying so; all of it is gone afterwards, whatever happened.

    The demo never touches a cluster or an operator's settings that the environment names: it has its own.
    """
    for name in [name for name in os.environ if name.startswith(_SETTINGS)]:
        del os.environ[name]
    with ExitStack() as stack:
        plane, cloud = ControlPlane(sys.stdout), CitrixCloud()
        servers = "Kubernetes control plane: etcd, kube-apiserver, kube-controller-manager"
        _step(console, servers, lambda: stack.enter_context(plane), quiet=needs_build())
        _step(console, "stand-in Citrix Cloud, https with its own CA", lambda: stack.enter_context(cloud))
        cloud.configure(access_token_life=options.token_life)
        for what, work in scene.steps(plane, cloud):
            _step(console, what, work)
        workspace = Workspace("demo")
        stack.callback(workspace.remove)
        cluster = stack.enter_context(Cluster(plane.kubeconfig))
        facts = Facts()
        mount = Mount(
            workspace.path / "mount", cluster, f"/api/v1/namespaces/{scene.NAMESPACE}/secrets/{scene.TOKEN}", story
        )
        _in_threads(stack, [*Watching(cluster, cloud, facts, story).works(), mount.follow])
        operator = Operator(workspace.path, plane.kubeconfig, story)
        stack.callback(operator.stop)
        operator.start()
        consumer = Consumer(workspace.path, f"{cloud.origin}/citrixapi/store/resources", cloud.ca_pem, story)
        stack.callback(consumer.stop)
        yield Stage(plane, cloud, operator, consumer, facts, story)


def _in_threads(stack: ExitStack, works: list[Callable[[threading.Event], None]]) -> None:
    stop = threading.Event()
    for work in works:
        threading.Thread(target=work, args=(stop,), daemon=True).start()
    stack.callback(stop.set)


def _step(console: Console, what: str, work: Callable[[], object], *, quiet: bool = False) -> None:
    """Do something and say so; `quiet`: it shows its own progress."""
    begun = time.monotonic()
    if not console.is_terminal:
        print(what, end="\n" if quiet else " ... ", flush=True)
        work()
        print(f"{time.monotonic() - begun:.1f} s", flush=True)
        return
    if quiet:
        work()
    else:
        with console.status(what):
            work()
    console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - begun:.1f} s[/]")
