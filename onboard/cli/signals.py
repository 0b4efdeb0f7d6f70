"""Ctrl-C, SIGTERM and a terminal that hangs up, from the program's first instruction to its last.

While the program is read in, nothing is under way, and it ends at once. Then a signal raises KeyboardInterrupt, and a
second one ends the program; during a run, cli/interrupt takes over. Once all is done, a signal ends what is left.
However it ends, with --json its last line is run_finished.

This file comes before all others, so it imports only what Python has loaded anyway.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
LAST_LINE = b'{"event": "run_finished", "v": 1, "run": "", "hosts": {}, "causes": []}\n'

Handler = Callable[[int, FrameType | None], object]


class Contract:
    """What is still owed to the reader of the output: `as_json`, a last line, unless it `is_kept`."""

    as_json = False
    is_kept = False


def while_read_in() -> None:
    """From here on, a signal to stop ends the program at once."""
    Contract.as_json = "--json" in sys.argv
    _handle(lambda *_: leave())


def raise_interrupts() -> None:
    """From here on, the first signal to stop raises KeyboardInterrupt, and a second one ends the program."""

    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        _handle(lambda *_: leave())
        raise KeyboardInterrupt

    _handle(interrupt)


def when_done(code: int) -> None:
    """From here on, a signal to stop ends what is left of the program, with the code that it would have had."""
    _handle(lambda *_: os._exit(code))


def leave(said: str = "") -> NoReturn:
    """End the program now, wherever its threads are; with the last line that is owed."""
    with contextlib.suppress(OSError):
        for descriptor in (1, 2):
            os.set_blocking(descriptor, False)  # a reader that has stopped reading keeps nobody here
    with contextlib.suppress(OSError):
        if Contract.as_json and not Contract.is_kept:
            os.write(1, LAST_LINE)
    with contextlib.suppress(OSError):
        if said:
            os.write(2, said.encode() + b"\n")
    os._exit(INTERRUPTED)


def _handle(handler: Handler) -> None:
    """For all signals to stop but those that this process was started to ignore, as by nohup."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
