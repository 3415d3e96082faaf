"""Runs a module and notes, every few milliseconds of its CPU time, where it is: a profile that costs next to nothing.

`python -m tests.benchmarks.sampler FILE MODULE ARGUMENTS...`; SIGUSR1 ends a part and begins the next. cProfile would
count each call and so charge code for being made of small functions; samples show what the processor really did.
"""

import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

CPU_SECONDS = 0.001  # asked for; the kernel gives what its clock can, mostly 4 ms

Stack = tuple[tuple[str, str], ...]


class Sampler:
    """Counts stacks, from the innermost frame to the outermost: file and function of each."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._parts: list[Counter[Stack]] = [Counter()]

    def begin(self) -> None:
        """Take samples from now on; the signals go to the main thread, where the event loop is."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._next_part)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, CPU_SECONDS)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        stack = []
        while frame:
            stack.append((frame.f_code.co_filename, frame.f_code.co_qualname))
            frame = frame.f_back
        self._parts[-1][tuple(stack)] += 1

    def _next_part(self, _number: int, _frame: FrameType | None) -> None:
        self._parts.append(Counter())
        parts = [[{"stack": stack, "count": count} for stack, count in part.items()] for part in self._parts[:-1]]
        draft = self._output.with_suffix(".part")
        draft.write_text(json.dumps(parts))
        draft.rename(self._output)


def main(arguments: list[str]) -> None:
    """Run the module under the sampler."""
    output, module, *rest = arguments
    sys.argv = [module, *rest]
    Sampler(Path(output)).begin()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
