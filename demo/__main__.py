"""Run the demo: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import NoReturn

from rich.console import Console
from rich.live import Live

from demo.director import Director
from demo.keys import Keys
from demo.options import Options, options_of
from demo.stage import Stage, everything
from demo.story import Happening, Story
from demo.verdict import NEEDED, Counters, counted, failures, last_lines, only_too_short
from demo.view import View

_TICK_SECONDS = 0.1
_LAST_LINES = 7  # room for them below the last picture


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def _print(happening: Happening) -> None:
    clock = time.strftime("%H:%M:%S", time.localtime(happening.at))
    print(f"{clock} {happening.who:8} {happening.what}", flush=True)


class Demo:
    """One run on a stage that is set."""

    def __init__(self, stage: Stage, options: Options, console: Console) -> None:
        self._stage, self._options, self._console = stage, options, console
        self._begun = time.time()
        self._director = Director(stage.operator, stage.facts, stage.story, self._begun + options.kill_after)

    def run(self) -> bool:
        """Run until the time is over, or somebody has seen enough; returns whether it ended by itself."""
        try:
            if self._console.is_terminal:
                return self._live()
            while not self._over():
                self._tick()
        except KeyboardInterrupt:
            return False
        return True

    def counters(self) -> Counters:
        """Stop the consumer and the operator, and return what was counted."""
        stage = self._stage
        stage.consumer.stop()
        stage.operator.stop()
        consumer = (stage.consumer.calls, stage.consumer.failures)
        return counted(stage.cloud.stats(), stage.cloud.calls(), consumer=consumer, troubles=stage.story.troubles)

    def _live(self) -> bool:
        stage, console = self._stage, self._console
        view = View(
            stage.facts,
            stage.operator,
            stage.consumer,
            stage.story,
            self._begun,
            self._options.seconds,
            stage.how_to_look,
        )
        with Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            while not self._over():
                self._tick()
                live.update(view.screen(console.width, console.height), refresh=True)
                match keys.pressed():
                    case "k":
                        self._director.ask()
                    case "q":
                        return False
        console.print(view.screen(console.width, console.height - _LAST_LINES), height=console.height - _LAST_LINES)
        return True

    def _over(self) -> bool:
        """Whether the time is over; what a slow machine has not shown by then, it may show in as much again."""
        seconds, passed = self._options.seconds, time.time() - self._begun
        return seconds is not None and (passed >= 2 * seconds or (passed >= seconds and self._shown()))

    def _shown(self) -> bool:
        """Whether there was all that the verdict wants, and a kill that is over."""
        operator = self._stage.operator
        return self._stage.facts.refreshes >= NEEDED and operator.kills > 0 and operator.serving

    def _tick(self) -> None:
        self._stage.operator.poll()
        self._stage.consumer.poll()
        self._director.tick()
        time.sleep(_TICK_SECONDS)


def _play(options: Options, console: Console) -> int:
    story = Story(lambda _: None) if console.is_terminal else Story(_print)
    with everything(options, console, story) as stage:
        console.print(stage.how_to_look, soft_wrap=True, highlight=False)
        demo = Demo(stage, options, console)
        ended = demo.run()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the rest takes a second or two
        counters = demo.counters()
        too_short = not ended and only_too_short(counters)
        if failures(counters) and not too_short:
            print(f"--- end of the operator's log\n{stage.operator.log.read_text(errors='replace')[-2000:]}---")
        lines = last_lines(counters, stage.operator.kills)
    if too_short:
        print("\n".join([*lines[:-1], "demo: stopped early; nothing had failed"]))
        return 130
    print("\n".join(lines))
    return 1 if failures(counters) else 0


def main() -> int:
    """Run the demo; returns the exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        options = options_of(os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    console = Console(force_terminal=sys.stdout.isatty(), highlight=False)
    try:
        return _play(options, console)
    except KeyboardInterrupt:
        print("demo: interrupted while it was set up")
        return 130
    except RuntimeError as error:
        print(f"demo: FAILED because {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
