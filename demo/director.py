"""Kills the operator and starts it again: at a third of the time, and when a person asks for it.

Only between two refreshes. A kill while a refresh request is on its way leaves an outcome that nobody can know, and a
server as strict as this one takes the second sending for theft; that window is the protocol's, and the operator's
answer to it is another story than this one. The demo says when it kills, and does not pretend.
"""

from __future__ import annotations

import time

from demo.facts import Facts
from demo.processes import Operator
from demo.story import Story

MARGIN_SECONDS = 4.0
_DOWN_SECONDS = 1.5


class Director:
    """Decides when; `tick` is called several times a second."""

    def __init__(self, operator: Operator, facts: Facts, story: Story, kill_at: float) -> None:
        self._operator, self._facts, self._story = operator, facts, story
        self._kill_at, self.waiting = kill_at, False

    def ask(self) -> None:
        """Kill at the next safe moment."""
        if not self.waiting:
            self.waiting = True
            self._story.tell("demo", "kill -9 asked for, waiting for a moment between two refreshes")

    def tick(self) -> None:
        """Kill or start, if it is time."""
        now, operator, facts = time.time(), self._operator, self._facts
        if operator.pid is None:
            if operator.kills and now - operator.since >= _DOWN_SECONDS:
                operator.start()
            return
        if self._kill_at <= now:
            self._kill_at, self.waiting = float("inf"), True
        if self.waiting and operator.serving and facts.between_refreshes(MARGIN_SECONDS):
            self.waiting = False
            pid, due = operator.pid, facts.due - now
            operator.kill()
            left = facts.expires - now
            text = f"kill -9 {pid}, between two refreshes: next due in {due:.0f} s, token valid for {left:.0f} s"
            self._story.tell("demo", text, "bad")
