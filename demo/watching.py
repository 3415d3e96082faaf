"""The threads that keep the facts up to date: watches on the objects, a look at the server twice a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

from demo.cluster import GROUP_PATH, JSON, Cluster
from demo.facts import Facts
from demo.scene import CLIENT, GRANT, NAMESPACE, OPERATOR_NAMESPACE, TOKEN
from demo.story import Story
from demo.verdict import refreshes_in
from tests.standins.citrix_cloud import CitrixCloud

_LOOK_SECONDS = 0.5


class Watching:
    """Sees everything from outside; each method is the work of one thread."""

    def __init__(self, cluster: Cluster, cloud: CitrixCloud, facts: Facts, story: Story) -> None:
        self._cluster, self._cloud = cluster, cloud
        self._facts, self._story = facts, story

    def works(self) -> list[Callable[[threading.Event], None]]:
        """Return what the threads do."""
        return [self.grant, self.token, self.client, self.events, self.look]

    def grant(self, stop: threading.Event) -> None:
        """Watch the grant Secret."""
        self._follow(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets", GRANT, self._facts.see_grant, stop)

    def token(self, stop: threading.Event) -> None:
        """Watch the token Secret."""
        self._follow(f"/api/v1/namespaces/{NAMESPACE}/secrets", TOKEN, self._see_token, stop)

    def client(self, stop: threading.Event) -> None:
        """Watch the CitrixClient."""
        path = f"{GROUP_PATH}/namespaces/{NAMESPACE}/citrixclients"
        self._follow(path, CLIENT, self._facts.see_client, stop)

    def events(self, stop: threading.Event) -> None:
        """Watch the Events about the CitrixClient."""
        self._follow(f"/api/v1/namespaces/{NAMESPACE}/events", "", self._see_event, stop)

    def look(self, stop: threading.Event) -> None:
        """Read what `kubectl get` shows, and the server's counters."""
        while not stop.wait(_LOOK_SECONDS):
            try:
                self._facts.columns = self._cluster.table(f"{GROUP_PATH}/citrixclients")
                self._facts.stats = self._cloud.stats()
                calls = self._cloud.calls()
            except httpx.HTTPError:
                continue  # the next look is near; what fails for good shows in the verdict
            self._facts.see_calls(calls)
            self._facts.refreshes = refreshes_in(calls)

    def _follow(self, path: str, name: str, see: Callable[[JSON, float], object], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                for kind, body in self._cluster.watch(path, name):
                    if kind in {"ADDED", "MODIFIED"}:
                        see(body, time.time())
            except (httpx.HTTPError, httpx.StreamError, RuntimeError):
                stop.wait(0.2)  # RuntimeError: the connection was closed, which is how the demo ends

    def _see_token(self, secret: JSON, now: float) -> None:
        if self._facts.see_token(secret, now):
            self._story.tell("secret", f"{TOKEN} now holds token {self._facts.token}")

    def _see_event(self, event: JSON, _now: float) -> None:
        if event["involvedObject"].get("kind") == "CitrixClient":
            mood = "bad" if event["type"] == "Warning" else ""
            self._story.tell("event", f"{event['type']} {event['reason']}: {event['message']}", mood)
