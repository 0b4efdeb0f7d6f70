"""Ctrl-C: once stops cleanly, twice stops at once."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from onboard.cli.streams import say
from onboard.model.cancel import CancelToken


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """A cancel token that Ctrl-C, SIGTERM and a terminal that hangs up stop, for the time of the `with`."""
    cancel = CancelToken()

    def stop(number: int, _: FrameType | None) -> None:
        if cancel.stopping or number != signal.SIGINT:
            cancel.stop_now()
            said = "Stopping now."
        else:
            cancel.stop()
            said = "Stopping when the servers under way are done. Press Ctrl-C again to stop now."
        say(f"\n{said}")

    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup wants it
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
