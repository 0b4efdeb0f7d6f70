"""Ctrl-C: once stops cleanly, twice stops at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from onboard.cli.streams import say
from onboard.model.cancel import CancelToken


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """A cancel token that Ctrl-C and SIGTERM stop, for the time of the `with`."""
    cancel = CancelToken()

    def stop(number: int, _: FrameType | None) -> None:
        if cancel.stopping or number == signal.SIGTERM:
            cancel.stop_now()
            said = "Stopping now."
        else:
            cancel.stop()
            said = "Stopping when the servers under way are done. Press Ctrl-C again to stop now."
        say(f"\n{said}")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
